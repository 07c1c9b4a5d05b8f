import Platform

/// How long a stretch of time one partition of a table holds, in UTC: enough partitions that old rows go soon, few enough
/// that planning a query stays cheap.
enum PartitionUnit: Sendable, Equatable {
    case hour, day, month

    private static let hourLength: Int64 = 3_600_000_000
    private static let dayLength: Int64 = 86_400_000_000

    /// The unit for rows that are kept for so many microseconds.
    init(keeping length: Int64) {
        self = length <= 2 * Self.dayLength ? .hour : length <= 100 * Self.dayLength ? .day : .month
    }

    /// The unit of partitions of a length; nil when it is none.
    init?(length: Int64) {
        switch length {
        case Self.hourLength: self = .hour
        case Self.dayLength: self = .day
        case 28 * Self.dayLength...31 * Self.dayLength: self = .month
        default: return nil
        }
    }

    /// The partition around a moment: its first moment, and that of the next one, in microseconds since 1970.
    func bounds(around moment: Int64) -> Range<Int64> {
        switch self {
        case .hour: return Self.bounds(around: moment, Self.hourLength)
        case .day: return Self.bounds(around: moment, Self.dayLength)
        case .month:
            let day = Self.bounds(around: moment, Self.dayLength).lowerBound / Self.dayLength
            var date = CivilDate(daysSince1970: day)
            date.day = 1
            let first = date.daysSince1970
            let next = first + CivilDate.days(in: date.month, of: date.year)
            return first * Self.dayLength..<next * Self.dayLength
        }
    }

    private static func bounds(around moment: Int64, _ length: Int64) -> Range<Int64> {
        let part = moment % length
        let start = moment - (part < 0 ? part + length : part)
        return start..<start + length
    }

    /// What stands behind the table's name in that of a partition: `_p202603`, `_p20260301`, `_p20260301_05`.
    func suffix(from start: Int64) -> String {
        let day = Self.bounds(around: start, Self.dayLength).lowerBound
        let date = CivilDate(daysSince1970: day / Self.dayLength)
        let month = "_p\(Self.padded(date.year, 4))\(Self.padded(date.month, 2))"
        return switch self {
        case .month: month
        case .day: month + Self.padded(date.day, 2)
        case .hour: month + Self.padded(date.day, 2) + "_" + Self.padded((start - day) / Self.hourLength, 2)
        }
    }

    /// The same of a wide partition, by what comes after it: `_past_20260301_05`. It begins as others do, so that it goes
    /// along when the table gets another name.
    func suffix(before end: Int64) -> String { "_past_" + suffix(from: end).dropFirst(2) }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = "\(number.magnitude)"
        return (number < 0 ? "m" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
