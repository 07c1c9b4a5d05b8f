import Declaration
import Platform

/// A unit of the calendar that may be a window.
package enum CalendarUnit: String, Sendable, CaseIterable {
    /// From midnight to midnight, on Mondays and the first days of months for the longer ones.
    case day, week, month, quarter, year

    /// The unit that a window's size names, nil when it is a length of time or nothing at all.
    init?(_ size: ConfigValue) {
        guard let name = size.string, let unit = CalendarUnit(rawValue: name) else { return nil }
        self = unit
    }

    /// `1 day, 1 week, 1 month, 1 quarter or 1 year`
    static var choices: String {
        let all = allCases.map { "1 \($0.rawValue)" }
        return all.dropLast().joined(separator: ", ") + " or " + all[all.count - 1]
    }

    /// The days that the unit around a day is made of, counted from 1970-01-01. Weeks begin on Mondays, as in ISO 8601.
    func days(around day: Int64) -> Range<Int64> {
        switch self {
        case .day: return day..<day + 1
        case .week:
            let monday = day - (CivilDate.weekday(daysSince1970: day) + 6) % 7
            return monday..<monday + 7
        case .month, .quarter, .year:
            var date = CivilDate(daysSince1970: day)
            let months: Int64 = self == .month ? 1 : self == .quarter ? 3 : 12
            date.day = 1
            date.month = (date.month - 1) / months * months + 1
            let first = date.daysSince1970
            date.month += months
            if date.month > 12 {
                date.month -= 12
                date.year += 1
            }
            return first..<date.daysSince1970
        }
    }
}
