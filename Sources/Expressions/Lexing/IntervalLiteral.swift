/// A length of time as Postgres keeps it: months and days have no fixed length.
struct Interval: Sendable, Hashable {
    var months: Int64 = 0
    var days: Int64 = 0
    var microseconds: Int64 = 0

    /// The same length backwards.
    var negated: Interval { Interval(months: -months, days: -days, microseconds: -microseconds) }
}

/// Reads the text of an `interval '…'` literal: amounts with units, as `1 day`, `2 hours 30 minutes`, `-1 month`,
/// `0.5 seconds`.
enum IntervalLiteral {
    /// nil when the text is not of that form, or longer than the calendar.
    static func parse(_ text: String) -> Interval? {
        let words = text.lowercased().split(separator: " ")
        guard !words.isEmpty, words.count % 2 == 0, words.count <= 32 else { return nil }
        var interval = Interval()
        for index in stride(from: 0, to: words.count, by: 2) {
            let isSecond = ["second", "seconds", "sec", "secs", "s"].contains(words[index + 1])
            if isSecond {
                guard let amount = microseconds(words[index]) else { return nil }
                interval.microseconds += amount
            } else {
                guard let amount = Int64(words[index]), amount.magnitude <= amountMax,
                    add(amount, words[index + 1], to: &interval)
                else { return nil }
            }
        }
        return interval
    }

    /// As much as no unit overflows with.
    private static let amountMax: UInt64 = 1_000_000

    private static func microseconds(_ text: Substring) -> Int64? {
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" || $0 == "+" }.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = Int64(parts[0]), whole >= 0, whole <= amountMax * 1000
        else { return nil }
        var fraction: Int64 = 0
        if parts.count == 2 {
            guard (1...6).contains(parts[1].count), let digits = Int64(parts[1]), digits >= 0 else { return nil }
            fraction = (0..<(6 - parts[1].count)).reduce(digits) { value, _ in value * 10 }
        }
        let value = whole * 1_000_000 + fraction
        return isNegative ? -value : value
    }

    private static func add(_ amount: Int64, _ unit: Substring, to interval: inout Interval) -> Bool {
        switch unit {
        case "year", "years", "yr", "yrs", "y": interval.months += amount * 12
        case "month", "months", "mon", "mons": interval.months += amount
        case "week", "weeks", "w": interval.days += amount * 7
        case "day", "days", "d": interval.days += amount
        case "hour", "hours", "hr", "hrs", "h": interval.microseconds += amount * 3_600_000_000
        case "minute", "minutes", "min", "mins", "m": interval.microseconds += amount * 60_000_000
        case "millisecond", "milliseconds", "msec", "msecs", "ms": interval.microseconds += amount * 1000
        case "microsecond", "microseconds", "usec", "usecs", "us": interval.microseconds += amount
        default: return false
        }
        return true
    }
}
