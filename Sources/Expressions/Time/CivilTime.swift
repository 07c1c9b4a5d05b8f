import Platform

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
