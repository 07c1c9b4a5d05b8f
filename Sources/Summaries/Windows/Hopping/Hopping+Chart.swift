package import Declaration

extension Hopping: ChartableWindow {
    /// Those that begin at a multiple of their length follow on one another.
    package var chart: WindowChart {
        // Beginnings are at least a second apart, so that none is rounded to another one's second.
        let (unit, start) =
            longest % 1_000_000 == 0
            ? (longest / 1_000_000, "extract(epoch FROM window_start)")
            : (longest, "(extract(epoch FROM window_start) * 1000000)")
        return WindowChart(length: longest, every: every, apart: "\(start)::bigint % \(unit) = 0")
    }
}
