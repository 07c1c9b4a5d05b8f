/// The rule for the times behind the last change that a zone's file lists: a TZ string of POSIX, such as
/// `CET-1CEST,M3.5.0,M10.5.0/3`.
struct PosixRule {
    /// When a year's change comes.
    private struct Change {
        enum Day {
            /// 1 to 365, 29 February never counted.
            case julian(Int64)
            /// 0 to 365.
            case zeroBased(Int64)
            case weekday(month: Int64, week: Int64, day: Int64)
        }

        var day: Day
        /// Seconds after midnight, by the clock of before.
        var time: Int64
    }

    /// Seconds east of UTC.
    let standard: Int64
    private var summer: (offset: Int64, start: Change, end: Change)?

    /// nil when the text is no such rule.
    init?(_ text: String) {
        var parser = Parser(text: Array(text.utf8)[...])
        guard parser.name(), let offset = parser.offset() else { return nil }
        standard = -offset
        guard !parser.text.isEmpty else { return }
        guard parser.name() else { return nil }
        var summerOffset = standard + 3600
        if parser.text.first != UInt8(ascii: ",") {
            guard let offset = parser.offset() else { return nil }
            summerOffset = -offset
        }
        guard parser.accept(","), let start = Self.change(&parser), parser.accept(","), let end = Self.change(&parser),
            parser.text.isEmpty
        else { return nil }
        summer = (summerOffset, start, end)
    }

    /// The changes of a year, in order: when they come, in seconds since 1970, and the offset from then on.
    func changes(in year: Int64) -> [(at: Int64, offset: Int64)] {
        guard let summer else { return [] }
        let start = (at: Self.seconds(summer.start, year) - standard, offset: summer.offset)
        let end = (at: Self.seconds(summer.end, year) - summer.offset, offset: standard)
        return start.at < end.at ? [start, end] : [end, start]
    }

    private static func seconds(_ change: Change, _ year: Int64) -> Int64 {
        let first = CivilDate(year: year, month: 1, day: 1).daysSince1970
        let day: Int64
        switch change.day {
        case .zeroBased(let number): day = first + number
        case .julian(let number): day = first + number - 1 + (CivilDate.isLeap(year) && number >= 60 ? 1 : 0)
        case .weekday(let month, let week, let weekday):
            let start = CivilDate(year: year, month: month, day: 1).daysSince1970
            var date = 1 + (weekday - CivilDate.weekday(daysSince1970: start) + 7) % 7 + (week - 1) * 7
            // The fifth is the last there is.
            if date > CivilDate.daysInMonth(month, year: year) { date -= 7 }
            day = start + date - 1
        }
        return day * 86_400 + change.time
    }

    private static func change(_ parser: inout Parser) -> Change? {
        let day: Change.Day
        if parser.accept("M") {
            guard let month = parser.number(), (1...12).contains(month), parser.accept("."), let week = parser.number(),
                (1...5).contains(week), parser.accept("."), let weekday = parser.number(), weekday <= 6
            else { return nil }
            day = .weekday(month: month, week: week, day: weekday)
        } else if parser.accept("J") {
            guard let number = parser.number(), (1...365).contains(number) else { return nil }
            day = .julian(number)
        } else {
            guard let number = parser.number(), number <= 365 else { return nil }
            day = .zeroBased(number)
        }
        guard parser.accept("/") else { return Change(day: day, time: 7200) }
        return parser.offset().map { Change(day: day, time: $0) }
    }

    private struct Parser {
        var text: ArraySlice<UInt8>

        mutating func accept(_ character: Unicode.Scalar) -> Bool {
            guard text.first == UInt8(ascii: character) else { return false }
            text = text.dropFirst()
            return true
        }

        mutating func number() -> Int64? {
            let digits = text.prefix { (0x30...0x39).contains($0) }
            text = text.dropFirst(digits.count)
            return Int64(String(decoding: digits, as: UTF8.self))
        }

        /// A zone's abbreviation, in `< >` unless it is of letters.
        mutating func name() -> Bool {
            if accept("<") {
                text = text.drop { $0 != UInt8(ascii: ">") }
                return accept(">")
            }
            let letters = text.prefix { (0x41...0x5A).contains($0 & 0xDF) }
            text = text.dropFirst(letters.count)
            return letters.count >= 3
        }

        /// Hours, and minutes and seconds, as seconds.
        mutating func offset() -> Int64? {
            let isNegative = accept("-")
            if !isNegative { _ = accept("+") }
            guard var seconds = number().map({ $0 * 3600 }) else { return nil }
            for unit in [60, 1] as [Int64] where accept(":") {
                guard let part = number() else { return nil }
                seconds += part * unit
            }
            return isNegative ? -seconds : seconds
        }
    }
}
