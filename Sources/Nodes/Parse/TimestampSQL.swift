import Declaration
import Platform

/// Timestamps of documents in SQL.
struct TimestampSQL {
    private let reading: TimestampReading

    init(_ reading: TimestampReading) { self.reading = reading }

    // MARK: - RFC 3339 and numbers

    /// The first moment of the year 1.
    static let first = SQLWord.timestamp(-62_135_596_800_000_000)
    /// The last one of the year 9999.
    static let last = SQLWord.timestamp(253_402_300_799_999_999)

    /// A day that there is.
    private static let day =
        "(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)"
        + "|02-(?:0[1-9]|1\\d|2[0-8]))|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
    private static let pattern =
        "^(?!0000)\(day)[Tt ](?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:\\.\\d+)?"
        + "(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)$"

    /// The moment of a text of RFC 3339; null for others. Digits behind the sixth of a second are cut off.
    static func rfc3339(_ text: String) -> String {
        "CASE WHEN \(text) ~ '\(pattern)' THEN cast(regexp_replace(\(text), '(\\.\\d{6})\\d+', '\\1') AS timestamptz) END"
    }

    /// A number since 1970 in microseconds.
    private static func microseconds(_ number: String, _ digits: Int) -> String {
        digits == 0 ? "floor(\(number))" : "floor(\(number) * 1e\(digits))"
    }

    /// Whether a number of units of 10^digits microseconds since 1970 is a moment of the years 1 to 9999.
    static func holds(_ number: String, digits: Int) -> String {
        "\(microseconds(number, digits)) BETWEEN -62135596800000000 AND 253402300799999999"
    }

    /// The moment. In two parts, each of which a double holds exactly, since intervals are multiplied by doubles.
    static func moment(_ number: String, digits: Int) -> String {
        let all = microseconds(number, digits)
        return "timestamptz 'epoch' + cast(div(\(all), 1000000) AS double precision) * interval '1 second' "
            + "+ cast(\(all) % 1000000 AS double precision) * interval '1 microsecond'"
    }

    // MARK: - Formats

    /// The moment of a text of the format; nil when there is no SQL for it.
    func value(of text: String) -> String? {
        guard let local = Template(reading.pattern.items, hasOffset: false) else { return nil }
        if reading.pattern.hasOffset { return local.isMoment ? "CASE \(local.branch(text)) END" : nil }
        guard case .fixed(let rules)? = reading.zone else { return nil }
        // An offset in text would be read with the sign of POSIX.
        let isName = rules.name.utf8.first.map { (97...122).contains($0 | 0x20) && rules.name.utf8.count > 1 } ?? false
        guard isName else { return nil }
        let zone = SQLWord.literal(rules.name)
        guard reading.pattern.items.contains(.optionalOffset),
            let whole = Template(reading.pattern.items, hasOffset: true)
        else { return "CASE \(local.branch(text, in: zone)) END" }
        return "CASE \(whole.branch(text)) \(local.branch(text, in: zone)) END"
    }
}

/// A format as a regular expression of Postgres, and the text that Postgres reads as a timestamp made of its groups.
private struct Template {
    private var pattern = "(?i)^"
    private var groups: [TimestampPattern.Item: Int] = [:]
    /// Whether it has an offset.
    private(set) var isMoment = false

    /// nil when there are items that Postgres has no text for, or digits that nothing stands between.
    init?(_ items: [TimestampPattern.Item], hasOffset: Bool) {
        var isBehindDigits = false
        for item in items {
            let isVariable = [.month, .day, .hour, .hourOfHalf, .minute, .second].contains(item)
            if isVariable, isBehindDigits { return nil }
            isBehindDigits = isVariable
            guard let part = part(item, hasOffset) else { return nil }
            pattern += part
        }
        pattern += "$"
    }

    private mutating func group(_ item: TimestampPattern.Item, _ body: String) -> String {
        groups[item] = groups.count + 1
        return "(\(body))"
    }

    private mutating func part(_ item: TimestampPattern.Item, _ hasOffset: Bool) -> String? {
        switch item {
        case .literal(let byte):
            guard (33...126).contains(byte) else { return nil }
            let isLetter = (97...122).contains(byte | 0x20) || (48...57).contains(byte)
            return (isLetter ? "" : "\\") + String(Unicode.Scalar(byte))
        case .space: return "[ \\t\\n\\v\\f\\r]*"
        case .separator: return "[T ]"
        case .year: return group(item, "(?!0000)\\d{4}")
        case .month: return group(item, "0?[1-9]|1[0-2]")
        case .day: return group(item, "0?[1-9]|[12]\\d|3[01]")
        case .hour: return group(item, "[01]?\\d|2[0-3]")
        case .hourOfHalf: return group(item, "0?[1-9]|1[0-2]")
        case .minute: return group(item, "[0-5]?\\d")
        case .second: return group(item, "[0-5]?\\d|60")
        case .half: return group(item, "am|pm")
        case .monthName:
            return group(
                item,
                "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?|oct(?:ober)?"
                    + "|nov(?:ember)?|dec(?:ember)?")
        case .weekdayName: return "(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
        case .fraction: return group(item, "\\d{1,6}") + "\\d*"
        case .optionalFraction: return "(?:" + group(item, "\\.\\d{1,6}") + "\\d*)?"
        case .offset: return offset(item)
        case .optionalOffset: return hasOffset ? offset(item) : ""
        case .yearOfCentury, .dayOfYear, .epochSeconds: return nil
        }
    }

    private mutating func offset(_ item: TimestampPattern.Item) -> String {
        isMoment = true
        return group(item, "Z|[+-](?:[01]\\d|2[0-3])(?::?[0-5]\\d)?")
    }

    private static let longMonths = "0?[13578]|1[02]|jan[a-z]*|mar[a-z]*|may|jul[a-z]*|aug[a-z]*|oct[a-z]*|dec[a-z]*"
    private static let shortMonths = "0?[469]|11|apr[a-z]*|jun[a-z]*|sep[a-z]*|nov[a-z]*"
    private static let february = "0?2|feb[a-z]*"
    /// What begins with a day that there is.
    private static let date =
        "(?i)^(?:\\d{4}-(?:(?:\(longMonths))-(?:0?[1-9]|[12]\\d|3[01])|(?:\(shortMonths))-(?:0?[1-9]|[12]\\d|30)"
        + "|(?:\(february))-(?:0?[1-9]|1\\d|2[0-8]))"
        + "|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-(?:\(february))-29) "

    /// The branch of a CASE in which a text is of the format: its moment, null where there is no such day.
    /// - Parameter zone: where the clock stood, for a text without an offset.
    func branch(_ text: String, in zone: String? = nil) -> String {
        let clock = "regexp_replace(\(text), \(SQLWord.literal(pattern)), \(SQLWord.literal(template)))"
        let moment = zone.map { "cast(\(clock) AS timestamp) AT TIME ZONE \($0)" } ?? "cast(\(clock) AS timestamptz)"
        return "WHEN \(text) ~ \(SQLWord.literal(pattern)) "
            + "THEN CASE WHEN \(clock) ~ '\(Self.date)' THEN \(moment) END"
    }

    /// The text that Postgres reads, made of the groups.
    private var template: String {
        func part(_ item: TimestampPattern.Item, _ absent: String) -> String {
            groups[item].map { "\\\($0)" } ?? absent
        }
        var clock = part(.year, "1970") + "-" + part(.monthName, part(.month, "01")) + "-" + part(.day, "01") + " "
        clock += part(.hour, part(.hourOfHalf, "00")) + ":" + part(.minute, "00") + ":" + part(.second, "00")
        clock += groups[.fraction].map { ".\\\($0)" } ?? part(.optionalFraction, "")
        if groups[.half] != nil { clock += " " + part(.half, "") }
        return clock + part(.offset, part(.optionalOffset, ""))
    }
}
