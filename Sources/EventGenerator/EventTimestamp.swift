extension EventBuffer {
    /// Appends a time in RFC 3339 with milliseconds, in UTC: `2026-03-01T09:30:00.250Z`.
    ///
    /// The date is computed as in Howard Hinnant's "chrono-compatible low-level date algorithms" (2013).
    ///
    /// - Parameter milliseconds: since 1970, from year 0 to 9999.
    @inline(__always)
    mutating func append(timestamp milliseconds: Int64) {
        // Days since 0000-03-01, so that the leap day is a year's last and everything below is positive.
        let shifted = UInt64(milliseconds &+ 719_468 * 86_400_000)
        let day = shifted / 86_400_000
        let time = shifted % 86_400_000
        let era = day / 146_097
        let dayOfEra = day % 146_097
        let yearOfEra = (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
        let monthFromMarch = (5 &* dayOfYear &+ 2) / 153
        let dayOfMonth = dayOfYear &- (153 &* monthFromMarch &+ 2) / 5 &+ 1
        let month = monthFromMarch < 10 ? monthFromMarch &+ 3 : monthFromMarch &- 9
        let year = yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0)

        append(twoDigits: year / 100)
        append(twoDigits: year % 100)
        append(byte: UInt8(ascii: "-"))
        append(twoDigits: month)
        append(byte: UInt8(ascii: "-"))
        append(twoDigits: dayOfMonth)
        append(byte: UInt8(ascii: "T"))
        append(twoDigits: time / 3_600_000)
        append(byte: UInt8(ascii: ":"))
        append(twoDigits: time / 60_000 % 60)
        append(byte: UInt8(ascii: ":"))
        append(twoDigits: time / 1000 % 60)
        append(byte: UInt8(ascii: "."))
        let fraction = time % 1000
        append(byte: UInt8(truncatingIfNeeded: 48 &+ fraction / 100))
        append(twoDigits: fraction % 100)
        append(byte: UInt8(ascii: "Z"))
    }
}
