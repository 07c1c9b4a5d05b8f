package import Declaration

/// A window whose rows can be chosen by time.
package protocol ChartableWindow: WindowFunction {
    /// How rows of such windows are chosen.
    var chart: WindowChart { get }
}

extension WindowChart {
    /// Windows of one length.
    /// - Parameters:
    ///   - length: in microseconds.
    ///   - distance: from one beginning to the next, in microseconds.
    ///   - apart: which of them do not overlap.
    init(length: Int64, every distance: Int64, apart: String? = nil) {
        let interval = Tumbling.interval(length)
        self.init(span: Self.span(of: max(length, 100 * distance)), apart: apart) { moment in
            "window_start > \(moment) - \(interval)"
        }
    }

    /// A length of time in the largest unit of which it has two, rounded up.
    private static func span(of microseconds: Int64) -> String {
        let units: [(seconds: Int64, name: String)] = [(86_400, "d"), (3_600, "h"), (60, "m")]
        let seconds = (microseconds + 999_999) / 1_000_000
        let (size, name) = units.first { seconds >= 2 * $0.seconds } ?? (1, "s")
        return "\((seconds + size - 1) / size)\(name)"
    }
}
