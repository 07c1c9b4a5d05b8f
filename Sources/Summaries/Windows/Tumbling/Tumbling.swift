package import Declaration
package import Platform

/// Windows of one length, one after the other, aligned to 1970-01-01T00:00:00Z.
package struct Tumbling: WindowFunction, WindowType {
    /// The length in microseconds.
    private let length: Int64

    /// Windows of a length.
    package init(microseconds length: Int64) { self.length = length }

    /// The longest: 366 days.
    static let longest = Duration.seconds(366 * 86_400)

    package static let spec = WindowSpec(
        name: "tumbling",
        summary:
            "A length makes tumbling windows, aligned to 1970 in UTC: `1d` is a day in UTC; windows of seven days begin on "
            + "Thursdays; windows whose length does not divide a day begin at another time every day.",
        fields: [
            FieldSpec(
                "size", .windowLength(.seconds(1)...longest),
                "The length of a window, or a unit of the calendar: `1 day`, `1 week`, `1 month`, `1 quarter`, `1 year`.",
                required: true, example: "1m")
        ])

    package static func compile(
        _ window: ConfigValue, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any WindowFunction)? {
        guard let size = window["size"] else { return nil }
        if let unit = CalendarUnit(size) {
            // A day in UTC has one length.
            return unit == .day ? Tumbling(microseconds: 86_400_000_000) : CalendarWindow(unit, in: .utc)
        }
        guard let length = size.duration else { return nil }
        warnOfDrift(length, at: size.location, &problems)
        return Tumbling(microseconds: length.wholeMicroseconds)
    }

    package var size: String { definition }
    package var windowLength: Int64? { length }
    package var longest: Int64 { length }

    package var comment: String { "first moment of a window of \(size), counted from 1970-01-01 in UTC" }

    package var definition: String { Self.text(length) }
    package var previousDefinition: String { "\(length)us" }

    package func pane(of microseconds: Int64, in zone: TimeZoneRules) -> Pane {
        let remainder = microseconds % length
        let start = microseconds - remainder - (remainder < 0 ? length : 0)
        return Pane(start: start, length: UInt64(length))
    }

    /// A length of time in the largest unit that it is a whole number of: `90s`.
    package static func text(_ microseconds: Int64) -> String {
        let units: [(Int64, String)] = [
            (86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms"),
        ]
        for (unit, name) in units where microseconds % unit == 0 { return "\(microseconds / unit)\(name)" }
        return "\(microseconds)us"
    }
}

extension Duration {
    /// In whole microseconds.
    package var wholeMicroseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}

extension Tumbling {
    /// Says so where windows of a length begin at moments that nobody expects.
    static func warnOfDrift(_ length: Duration, at place: SourceLocation, _ problems: inout Diagnostics) {
        let (seconds, attoseconds) = length.components
        guard let drift = drift(of: seconds, hasFraction: attoseconds != 0) else { return }
        problems.append(Diagnostic(.warning, code: "window-drift", at: place, drift.what, hint: drift.hint))
    }

    /// What is surprising about where windows of a length begin, as they are counted from 1970-01-01 00:00 UTC.
    private static func drift(of seconds: Int64, hasFraction: Bool) -> (what: String, hint: String)? {
        let day: Int64 = 86_400
        if seconds % (7 * day) == 0, !hasFraction {
            return (
                "windows of this length begin on Thursdays at 00:00 UTC, as they are counted from 1970-01-01",
                "write 1 week for weeks that begin on Mondays"
            )
        }
        if seconds % day == 0, !hasFraction {
            guard seconds != day else { return nil }
            return (
                "windows of this length begin on no fixed day, as they are counted from 1970-01-01",
                "take 1 week, 1 month, 1 quarter or 1 year, or 1d and add days up in SQL"
            )
        }
        guard hasFraction || seconds > day || day % seconds != 0 else { return nil }
        return (
            "windows of this length do not divide a day, so they begin at other times every day",
            "take one that does, such as 1m, 5m, 15m, 1h, 6h or 1d"
        )
    }
}
