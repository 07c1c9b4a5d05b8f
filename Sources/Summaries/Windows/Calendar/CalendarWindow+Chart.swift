package import Declaration
import Platform

extension CalendarWindow: ChartableWindow {
    package var chart: WindowChart {
        let (unit, zone) = (unit, zone)
        return WindowChart(span: unit.span) { moment in
            switch zone {
            case .fixed(let rules):
                let name = SQLWord.literal(rules.name)
                return "window_start >= date_trunc('\(unit.rawValue)', \(moment), \(name))"
            case .field:
                // The zone of a row is not in the table, unless it is grouped by it.
                let length = unit == .quarter ? "3 months" : "1 \(unit.rawValue)"
                return "window_start > \(moment) - interval '\(length)'"
            }
        }
    }
}

extension CalendarUnit {
    /// How far back a chart of such windows reaches: some hundred of them, of long ones fewer, since few keep events for a
    /// century.
    fileprivate var span: String {
        switch self {
        case .day: "100d"
        case .week: "2y"
        case .month: "5y"
        case .quarter: "10y"
        case .year: "20y"
        }
    }
}
