import Platform

/// Reads the text of a `timestamp '…'` literal.
enum TimestampLiteral {
    /// Microseconds since 1970-01-01T00:00:00Z, nil when `text` is not a date (midnight UTC) or an RFC 3339 date and
    /// time with an offset, year 1 to 9999. More than six digits of a second are cut off; there is no second 60.
    static func parse(_ text: String) -> Int64? {
        var bytes = Array(text.utf8)[...]
        guard let year = number(&bytes, 4), literal(&bytes, "-"), let month = number(&bytes, 2), literal(&bytes, "-"),
            let day = number(&bytes, 2), year >= 1, (1...12).contains(month), day >= 1,
            day <= CivilDate.days(in: month, of: year)
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSince1970
        if bytes.isEmpty { return days * 86_400_000_000 }
        guard literal(&bytes, "T") || literal(&bytes, "t") || literal(&bytes, " "),
            let hour = number(&bytes, 2), literal(&bytes, ":"), let minute = number(&bytes, 2), literal(&bytes, ":"),
            let second = number(&bytes, 2), hour < 24, minute < 60, second < 60
        else { return nil }
        guard let fraction = fraction(&bytes), let offset = offset(&bytes), bytes.isEmpty else { return nil }
        let result = ((days * 24 + hour) * 60 + minute - offset) * 60_000_000 + second * 1_000_000 + fraction
        return (-62_135_596_800_000_000..<253_402_300_800_000_000).contains(result) ? result : nil
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>, _ digits: Int) -> Int64? {
        guard bytes.count >= digits else { return nil }
        var value: Int64 = 0
        for byte in bytes.prefix(digits) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        bytes = bytes.dropFirst(digits)
        return value
    }

    private static func literal(_ bytes: inout ArraySlice<UInt8>, _ scalar: Unicode.Scalar) -> Bool {
        guard bytes.first == UInt8(ascii: scalar) else { return false }
        bytes = bytes.dropFirst()
        return true
    }

    private static func fraction(_ bytes: inout ArraySlice<UInt8>) -> Int64? {
        guard literal(&bytes, ".") else { return 0 }
        var value: Int64 = 0
        var unit: Int64 = 100_000
        var count = 0
        while let digit = number(&bytes, 1) {
            value += digit * unit
            unit /= 10
            count += 1
        }
        return count > 0 ? value : nil
    }

    /// Minutes east of UTC.
    private static func offset(_ bytes: inout ArraySlice<UInt8>) -> Int64? {
        if literal(&bytes, "Z") || literal(&bytes, "z") { return 0 }
        let isEast = literal(&bytes, "+")
        guard isEast || literal(&bytes, "-"), let hours = number(&bytes, 2), literal(&bytes, ":"),
            let minutes = number(&bytes, 2), hours < 24, minutes < 60
        else { return nil }
        return (isEast ? 1 : -1) * (hours * 60 + minutes)
    }
}
