/// A day of the proleptic Gregorian calendar.
struct CivilDate: Equatable {
    var year: Int64
    var month: Int64
    var day: Int64

    /// Days from 1970-01-01, counting years from March so that the leap day is the last of a year (H. Hinnant,
    /// "chrono-Compatible Low-Level Date Algorithms", 2013: `days_from_civil`).
    @inline(__always)
    var daysSince1970: Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day that lies so many after 1970-01-01 (`civil_from_days`).
    @inline(__always)
    init(daysSince1970 days: Int64) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let m = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * m + 2) / 5 + 1
        month = m < 10 ? m + 3 : m - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    static func daysInMonth(_ month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// 1 on 1 January.
    var dayOfYear: Int64 { daysSince1970 - CivilDate(year: year, month: 1, day: 1).daysSince1970 + 1 }

    /// Day of the week, 0 on Sunday.
    static func weekday(daysSince1970 days: Int64) -> Int64 { (days % 7 + 11) % 7 }

    /// The week of ISO 8601 and the year it belongs to: that of its Thursday.
    static func isoWeek(daysSince1970 days: Int64) -> (year: Int64, week: Int64) {
        let thursday = days - (weekday(daysSince1970: days) + 6) % 7 + 3
        let date = CivilDate(daysSince1970: thursday)
        return (date.year, (date.dayOfYear - 1) / 7 + 1)
    }
}

/// Microseconds since 1970, split.
struct CivilTime {
    /// Instants that a timestamp may have: years 1 to 9999.
    static let range: Range<Int64> = -62_135_596_800_000_000..<253_402_300_800_000_000
    static let day: Int64 = 86_400_000_000

    var days: Int64
    /// Microseconds of the day.
    var time: Int64

    @inline(__always)
    init(_ microseconds: Int64) {
        let remainder = microseconds % Self.day
        time = remainder < 0 ? remainder + Self.day : remainder
        days = (microseconds - time) / Self.day
    }

    var date: CivilDate { CivilDate(daysSince1970: days) }
    var hour: Int64 { time / 3_600_000_000 }
    var minute: Int64 { time / 60_000_000 % 60 }
    var second: Int64 { time / 1_000_000 % 60 }
    var microsecond: Int64 { time % 1_000_000 }

    /// A timestamp of the range; nil outside of it.
    @inline(__always)
    static func checked(_ microseconds: Int64) -> Int64? { range.contains(microseconds) ? microseconds : nil }
}
