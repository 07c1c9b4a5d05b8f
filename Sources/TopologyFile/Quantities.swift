/// Sizes and lengths of time as topology files and options of the command line write them.
public enum Quantity {
    /// Units of size, in bytes.
    static let sizeUnits: [(name: String, factor: Int64)] = [
        ("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    /// Units of time, in milliseconds.
    static let timeUnits: [(name: String, factor: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// A size such as `512MiB` in bytes, nil when it is not one or does not fit 64 bits.
    public static func size(_ text: String) -> Int64? { scaled(text, by: sizeUnits) }

    /// A length of time such as `500ms` or `7d`, nil when it is not one or does not fit.
    public static func duration(_ text: String) -> Duration? { scaled(text, by: timeUnits).map { .milliseconds($0) } }

    /// Units of the calendar.
    static let calendarUnits = ["day", "week", "month", "quarter", "year"]

    /// The unit of the calendar that `1 day` or `day` names, nil when it is none.
    static func calendarUnit(_ text: String) -> String? {
        let word = text.hasPrefix("1 ") ? String(text.dropFirst(2)) : text
        return calendarUnits.contains(word) ? word : nil
    }

    /// A whole number, nil when it is not one or does not fit 64 bits; `010` is none, as it is 8 to some and 10 to others.
    static func integer(_ text: String) -> Int64? {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard !digits.isEmpty, digits.allSatisfy(isDigit), !hasLeadingZero(digits) else { return nil }
        return Int64(text)
    }

    /// `512MiB` for a number of bytes, in the largest unit that divides it.
    public static func describe(size: Int64) -> String {
        let unit = sizeUnits.last { size != 0 && size % $0.factor == 0 } ?? sizeUnits[0]
        return unit.factor == 1 ? "\(size)" : "\(size / unit.factor)\(unit.name)"
    }

    /// `90s` for a length of time, in the largest unit that divides it.
    public static func describe(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return "\(seconds / 86400)d" }
        let total = milliseconds + attoseconds / 1_000_000_000_000_000
        guard total != 0 else { return "0s" }
        let unit = timeUnits.last { total % $0.factor == 0 } ?? timeUnits[0]
        return "\(total / unit.factor)\(unit.name)"
    }

    private static func scaled(_ text: String, by units: [(name: String, factor: Int64)]) -> Int64? {
        let digits = text.utf8.prefix(while: isDigit)
        let name = String(text.utf8.dropFirst(digits.count)) ?? "?"
        guard !name.isEmpty || !hasLeadingZero(digits), let number = Int64(String(digits) ?? ""),
            let unit = units.first(where: { $0.name == name })
        else { return nil }
        let (result, overflow) = number.multipliedReportingOverflow(by: unit.factor)
        return overflow ? nil : result
    }

    private static func hasLeadingZero(_ digits: Substring.UTF8View) -> Bool {
        digits.count > 1 && digits.first == UInt8(ascii: "0")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
}
