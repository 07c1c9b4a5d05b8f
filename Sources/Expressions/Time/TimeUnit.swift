import Platform

/// The units of `date_trunc` and `extract`.
enum TimeUnit: Sendable {
    case microseconds, milliseconds, second, minute, hour, day, week, month, quarter, year, decade, century, millennium
    case dow, isodow, doy, isoyear, epoch

    /// The names that Postgres takes, in lower case.
    init?(_ name: String) {
        switch name {
        case "microseconds", "microsecond", "us", "usec", "usecs", "useconds": self = .microseconds
        case "milliseconds", "millisecond", "ms", "msec", "msecs", "mseconds": self = .milliseconds
        case "second", "seconds", "sec", "secs", "s": self = .second
        case "minute", "minutes", "min", "mins", "m": self = .minute
        case "hour", "hours", "hr", "hrs", "h": self = .hour
        case "day", "days", "d": self = .day
        case "week", "weeks", "w": self = .week
        case "month", "months", "mon", "mons": self = .month
        case "quarter", "qtr": self = .quarter
        case "year", "years", "yr", "yrs", "y": self = .year
        case "decade", "decades", "dec", "decs": self = .decade
        case "century", "centuries", "cent", "c": self = .century
        case "millennium", "millennia", "mil", "mils": self = .millennium
        case "dow": self = .dow
        case "isodow": self = .isodow
        case "doy": self = .doy
        case "isoyear": self = .isoyear
        case "epoch": self = .epoch
        default: return nil
        }
    }

    static let names = [
        "microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade",
        "century", "millennium", "dow", "isodow", "doy", "isoyear", "epoch",
    ]

    /// Whether a time can be cut off at the unit.
    var isLength: Bool {
        switch self {
        case .dow, .isodow, .doy, .isoyear, .epoch: false
        default: true
        }
    }

    /// Microseconds of a unit that is the same length on every day; nil for days and longer.
    var microsecondsLength: Int64? {
        switch self {
        case .microseconds: 1
        case .milliseconds: 1000
        case .second: 1_000_000
        case .minute: 60_000_000
        case .hour: 3_600_000_000
        default: nil
        }
    }

    /// Digits after the point of what `extract` answers.
    var scale: Int {
        switch self {
        case .milliseconds: 3
        case .second, .epoch: 6
        default: 0
        }
    }

    /// The beginning of the unit in which a time lies.
    @inline(__always)
    func truncate(_ microseconds: Int64) -> Int64 {
        if let length = microsecondsLength {
            let remainder = microseconds % length
            return microseconds - (remainder < 0 ? remainder + length : remainder)
        }
        let days = CivilTime(microseconds).days
        return truncate(days: days) * CivilTime.day
    }

    private func truncate(days: Int64) -> Int64 {
        switch self {
        case .day: return days
        case .week: return days - (CivilDate.weekday(daysSince1970: days) + 6) % 7
        default: break
        }
        var date = CivilDate(daysSince1970: days)
        date.day = 1
        switch self {
        case .month: break
        case .quarter: date.month = (date.month - 1) / 3 * 3 + 1
        default:
            date.month = 1
            switch self {
            case .decade: date.year = date.year / 10 * 10
            case .century: date.year = (date.year - 1) / 100 * 100 + 1
            case .millennium: date.year = (date.year - 1) / 1000 * 1000 + 1
            default: break
            }
        }
        return date.daysSince1970
    }

    /// The unit's number in a time, in units of 10^-scale.
    func part(of microseconds: Int64) -> Int64 {
        let civil = CivilTime(microseconds)
        switch self {
        case .microseconds, .milliseconds, .second: return civil.time % 60_000_000
        case .minute: return civil.minute
        case .hour: return civil.hour
        case .epoch: return microseconds
        case .dow: return CivilDate.weekday(daysSince1970: civil.days)
        case .isodow: return (CivilDate.weekday(daysSince1970: civil.days) + 6) % 7 + 1
        case .week: return CivilDate.isoWeek(daysSince1970: civil.days).week
        case .isoyear: return CivilDate.isoWeek(daysSince1970: civil.days).year
        default: break
        }
        let date = civil.date
        return switch self {
        case .day: date.day
        case .doy: date.dayOfYear
        case .month: date.month
        case .quarter: (date.month - 1) / 3 + 1
        case .decade: date.year / 10
        case .century: (date.year + 99) / 100
        case .millennium: (date.year + 999) / 1000
        default: date.year
        }
    }
}

extension Interval {
    /// A time later by the interval: months first, by the calendar, then days, then the rest. nil outside the years 1
    /// to 9999.
    func added(to microseconds: Int64) -> Int64? {
        var civil = CivilTime(microseconds)
        if months != 0 {
            var date = civil.date
            let month = date.year * 12 + date.month - 1 + months
            date.year = month >= 0 ? month / 12 : (month - 11) / 12
            date.month = month - date.year * 12 + 1
            date.day = min(date.day, CivilDate.days(in: date.month, of: date.year))
            civil.days = date.daysSince1970
        }
        civil.days += days
        let (product, isTooFar) = civil.days.multipliedReportingOverflow(by: CivilTime.day)
        let (sum, overflow) = product.addingReportingOverflow(civil.time)
        let (result, isBeyond) = sum.addingReportingOverflow(self.microseconds)
        return isTooFar || overflow || isBeyond ? nil : CivilTime.checked(result)
    }
}
