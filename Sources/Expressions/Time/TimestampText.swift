import Platform

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Timestamps as texts of ISO 8601.
enum TimestampText {
    /// Microseconds since 1970; nil when the text is not `2026-01-31`, or that with a time behind `T` or a space:
    /// `12:00`, `12:00:00`, `12:00:00.123456`, and `Z`, `+02`, `+02:00` or `+0200` behind that (else UTC).
    static func parse(_ text: TextView) -> Int64? {
        var reader = Reader(text: text[NumberText.trimmed(text)])
        guard let year = reader.number(4), reader.accept(0x2D), let month = reader.number(2), reader.accept(0x2D),
            let day = reader.number(2), year >= 1, (1...12).contains(month), day >= 1,
            day <= CivilDate.days(in: month, of: year)
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSince1970
        guard !reader.isAtEnd else { return days * CivilTime.day }
        guard reader.accept(0x54) || reader.accept(0x74) || reader.accept(0x20), let time = time(&reader),
            let offset = offset(&reader), reader.isAtEnd
        else { return nil }
        return CivilTime.checked(days * CivilTime.day + time - offset)
    }

    /// Microseconds of the day; a second 60 and an hour 24 are the next minute and the next day.
    private static func time(_ reader: inout Reader) -> Int64? {
        guard let hour = reader.number(2), reader.accept(0x3A), let minute = reader.number(2), minute < 60 else {
            return nil
        }
        var (second, fraction) = (Int64(0), Int64(0))
        if reader.accept(0x3A) {
            guard let value = reader.number(2), value <= 60 else { return nil }
            second = value
            if reader.accept(0x2E) {
                guard let value = reader.fraction() else { return nil }
                fraction = value
            }
        }
        guard hour < 24 || hour == 24 && minute == 0 && second == 0 && fraction == 0 else { return nil }
        guard second < 60 || fraction == 0 else { return nil }
        return ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
    }

    /// Microseconds east of UTC.
    private static func offset(_ reader: inout Reader) -> Int64? {
        if reader.isAtEnd || reader.accept(0x5A) || reader.accept(0x7A) { return 0 }
        let isEast = reader.accept(0x2B)
        guard isEast || reader.accept(0x2D), let hours = reader.number(2), hours <= 15 else { return nil }
        var minutes: Int64 = 0
        if !reader.isAtEnd {
            _ = reader.accept(0x3A)
            guard let value = reader.number(2), value < 60 else { return nil }
            minutes = value
        }
        return (isEast ? 1 : -1) * (hours * 60 + minutes) * 60_000_000
    }

    /// Writes date and time as Postgres does, with as many digits of the second as it needs.
    static func write(_ microseconds: Int64, _ out: inout TextWriter) {
        let civil = CivilTime(microseconds)
        let date = civil.date
        out.append(date.year, digits: 4)
        write(date.month, after: 0x2D, &out)
        write(date.day, after: 0x2D, &out)
        write(civil.hour, after: 0x20, &out)
        write(civil.minute, after: 0x3A, &out)
        write(civil.second, after: 0x3A, &out)
        guard civil.microsecond > 0 else { return }
        out.append(UInt8(ascii: "."))
        var (fraction, digits) = (civil.microsecond, 6)
        while fraction % 10 == 0 { (fraction, digits) = (fraction / 10, digits - 1) }
        out.append(fraction, digits: digits)
    }

    private static func write(_ value: Int64, after separator: UInt8, _ out: inout TextWriter) {
        out.append(separator)
        out.append(value, digits: 2)
    }

    private struct Reader {
        let text: TextView
        var index = 0

        var isAtEnd: Bool { index == text.count }

        mutating func accept(_ byte: UInt8) -> Bool {
            guard index < text.count, text[index] == byte else { return false }
            index += 1
            return true
        }

        mutating func number(_ digits: Int) -> Int64? {
            guard index + digits <= text.count else { return nil }
            var value: Int64 = 0
            for _ in 0..<digits {
                guard (0x30...0x39).contains(text[index]) else { return nil }
                value = value * 10 + Int64(text[index]) - 0x30
                index += 1
            }
            return value
        }

        /// Digits behind the point as microseconds, rounded to the nearest as a double is.
        mutating func fraction() -> Int64? {
            var (value, divisor, count) = (0.0, 1.0, 0)
            while index < text.count, (0x30...0x39).contains(text[index]) {
                if count < 15 {
                    value = value * 10 + Double(text[index] - 0x30)
                    divisor *= 10
                }
                count += 1
                index += 1
            }
            guard count > 0 else { return nil }
            return Int64((value / divisor * 1_000_000).rounded(.toNearestOrEven))
        }
    }
}
