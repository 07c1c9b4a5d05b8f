import JSON

/// What is wrong with a value that is no timestamp of its field, where one can tell, and how to declare a field that holds
/// such values. For dead letters: it reads a value again that was refused.
enum TimestampAdvice {
    /// What is often met and is not RFC 3339: offsets without a colon, a day without a time, logs of web servers, mails.
    private static let common = [
        "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%d %H:%M:%S.%f%z",
        "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d", "%Y/%m/%d %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z",
    ].compactMap { try? TimestampPattern($0) }

    /// A clause such as `February 2026 has no day 30`; nil when the value says nothing about what it is.
    /// - Parameter found: the value as it stands in the record, texts with their quotes.
    static func clause(_ found: String) -> String? {
        if let clause = countClause(found) { return clause }
        guard let text = contents(found) else { return nil }
        for pattern in [.localTime] + common {
            if let clause = reading(text, by: pattern) { return clause }
        }
        return nil
    }

    /// A clause such as `if it counts milliseconds, declare timestamp(ms)`; nil when the value is no such number.
    /// - Parameter found: the value as it stands in the record, texts with their quotes.
    static func countClause(_ found: String) -> String? {
        let text = contents(found)
        guard let count = count(text ?? found) else { return nil }
        return "if it counts \(count.noun), declare \(count.type)" + (text == nil ? "" : " with accept: text")
    }

    /// What stands between quotes; nil without them.
    private static func contents(_ found: String) -> String? {
        guard found.count > 2, found.hasPrefix("\""), found.hasSuffix("\"") else { return nil }
        return String(found.dropFirst().dropLast())
    }

    private static func reading(_ text: String, by pattern: TimestampPattern) -> String? {
        switch unsafe Array(text.utf8).withUnsafeBytes({ unsafe TimestampReader.read($0, by: pattern) }) {
        case .noSuchDay(let day): return "\(day)"
        case .local:
            let format = pattern.format.map { "format: \"\($0)\" and " } ?? ""
            return "it has no offset from UTC, say with \(format)zone: where its clock stood"
        case .instant: return pattern.format.map { "it is one by format: \"\($0)\"" }
        case .mismatch: return nil
        }
    }

    /// What a number counts, if it is a moment between 1980 and 2100.
    private static func count(_ text: String) -> (noun: String, type: String)? {
        guard let number = Double(text) else { return nil }
        let years: ClosedRange<Double> = 315_532_800...4_102_444_800
        if years.contains(number) { return ("seconds", "timestamp(s)") }
        if years.contains(number / 1e3) { return ("milliseconds", "timestamp(ms)") }
        if years.contains(number / 1e6) { return ("microseconds", "timestamp(us)") }
        if years.contains(number / 1e9) { return ("nanoseconds", "timestamp(ns)") }
        return nil
    }
}
