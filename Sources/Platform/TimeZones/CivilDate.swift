/// A date of the proleptic Gregorian calendar, as Postgres and ISO 8601 count it: year 0 is 1 BC.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013): `days_from_civil`, `civil_from_days`.
@frozen
public struct CivilDate: Hashable, Sendable {
    /// The year; 0 is 1 BC.
    public var year: Int64
    /// 1...12.
    public var month: Int64
    /// 1...31.
    public var day: Int64

    /// The date of these parts, which must exist.
    @inlinable
    public init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date so many days after 1970-01-01.
    @inlinable
    public init(daysSince1970 days: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days from 1970-01-01 to this date.
    @inlinable public var daysSince1970: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Sunday 0 to Saturday 6.
    @inlinable public var weekday: Int64 { Self.weekday(daysSince1970: daysSince1970) }

    /// 1 on 1 January.
    @inlinable public var dayOfYear: Int64 {
        daysSince1970 - CivilDate(year: year, month: 1, day: 1).daysSince1970 + 1
    }

    /// Whether a year has 366 days.
    @inlinable
    public static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// The number of days in a month.
    @inlinable
    public static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Sunday 0 to Saturday 6, of a day counted from 1970-01-01.
    @inlinable
    public static func weekday(daysSince1970 days: Int64) -> Int64 { (days % 7 + 11) % 7 }

    /// The week of ISO 8601 and the year it belongs to, that of its Thursday, of a day counted from 1970-01-01.
    @inlinable
    public static func isoWeek(daysSince1970 days: Int64) -> (year: Int64, week: Int64) {
        let date = CivilDate(daysSince1970: days - (weekday(daysSince1970: days) + 6) % 7 + 3)
        return (date.year, (date.dayOfYear - 1) / 7 + 1)
    }
}
