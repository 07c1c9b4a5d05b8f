/// When clocks change in every year, as POSIX writes it in the variable `TZ`, and as the last line of a TZif file has it:
/// `CET-1CEST,M3.5.0,M10.5.0/3`.
struct RecurringRule: Hashable, Sendable {
    /// A day of any year, and a time on it.
    struct Moment: Hashable, Sendable {
        enum Day: Hashable, Sendable {
            /// `Mm.w.d`: the `week`-th weekday (Sunday 0) of a month; week 5 is the last one.
            case weekday(month: Int, week: Int, weekday: Int)
            /// `Jn`: day 1...365; 29 February is never counted.
            case julian(Int)
            /// `n`: day 0...365; 29 February is counted.
            case ordinal(Int)
        }

        var day: Day
        /// Seconds after midnight by the clocks as they are before the change; may be negative or beyond a day.
        var time: Int

        /// The moment in a year, in local seconds.
        func local(in year: Int64) -> Int64 {
            let days: Int64
            switch day {
            case .weekday(let month, let week, let weekday):
                let first = CivilDate(year: year, month: Int64(month), day: 1)
                var day = 1 + (Int64(weekday) - first.weekday + 7) % 7 + 7 * Int64(week - 1)
                if day > CivilDate.days(in: first.month, of: year) { day -= 7 }
                days = first.daysSince1970 + day - 1
            case .julian(let day):
                let isAfterLeapDay = CivilDate.isLeap(year) && day >= 60
                days = CivilDate(year: year, month: 1, day: 1).daysSince1970 + Int64(isAfterLeapDay ? day : day - 1)
            case .ordinal(let day):
                days = CivilDate(year: year, month: 1, day: 1).daysSince1970 + Int64(day)
            }
            return days * 86_400 + Int64(time)
        }
    }

    /// Daylight-saving time: what it is, when it begins and when it ends.
    struct Daylight: Hashable, Sendable {
        var kind: TimeZoneRules.Kind
        var start: Moment
        var end: Moment
    }

    /// What holds outside of daylight-saving time.
    var standard: TimeZoneRules.Kind
    /// Nil when clocks do not change.
    var daylight: Daylight?

    /// The span that a second of UTC lies in.
    /// - Parameters:
    ///   - begin: where the rule begins to hold.
    ///   - kind: what holds there, until the rule makes the first change.
    func span(at second: Int64, behind begin: Int64, _ kind: TimeZoneRules.Kind) -> TimeZoneRules.Span {
        guard let daylight else { return TimeZoneRules.Span(standard, from: begin, to: .max) }
        let days = (second + Int64(standard.offset)) / 86_400
        let year = CivilDate(daysSince1970: days).year
        var changes: [(at: Int64, kind: TimeZoneRules.Kind)] = []
        for year in year - 1...year + 1 {
            let start = (daylight.start.local(in: year) - Int64(standard.offset), daylight.kind)
            let end = (daylight.end.local(in: year) - Int64(daylight.kind.offset), standard)
            changes += start.0 < end.0 ? [start, end] : [end, start]
        }
        var current = (at: begin, kind: kind)
        for change in changes where change.at > begin {
            // In a zone with daylight-saving time all the year, one year's begins in the second in which another's ends.
            if change.at > second { return TimeZoneRules.Span(current.kind, from: current.at, to: change.at) }
            current = change
        }
        preconditionFailure("a year has no change of clocks")
    }
}

extension RecurringRule {
    /// Reads a rule; nil for what POSIX does not allow, and for daylight-saving time without dates.
    init?(_ text: some Sequence<UInt8>) {
        var scanner = Scanner(bytes: Array(text))
        guard let name = scanner.name(), let west = scanner.time(hoursMax: 24) else { return nil }
        standard = TimeZoneRules.Kind(offset: -west, isDaylight: false, abbreviation: name)
        if scanner.isAtEnd { return }
        guard let daylightName = scanner.name() else { return nil }
        var offset = standard.offset + 3_600
        if scanner.peek != UInt8(ascii: ",") {
            guard let west = scanner.time(hoursMax: 24) else { return nil }
            offset = -west
        }
        guard let start = scanner.moment(), let end = scanner.moment(), scanner.isAtEnd else { return nil }
        daylight = Daylight(
            kind: TimeZoneRules.Kind(offset: offset, isDaylight: true, abbreviation: daylightName), start: start,
            end: end)
    }

    private struct Scanner {
        let bytes: [UInt8]
        var at = 0

        var isAtEnd: Bool { at == bytes.count }
        var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

        mutating func take(_ letter: Unicode.Scalar) -> Bool {
            guard peek == UInt8(ascii: letter) else { return false }
            at += 1
            return true
        }

        /// At least three letters, or anything in angle brackets.
        mutating func name() -> String? {
            let isQuoted = take("<")
            let start = at
            while let byte = peek, isQuoted ? byte != UInt8(ascii: ">") : (65...90).contains(byte & 0xdf) { at += 1 }
            let name = bytes[start..<at]
            guard name.count >= 3, !isQuoted || take(">") else { return nil }
            return String(decoding: name, as: UTF8.self)
        }

        mutating func number(_ range: ClosedRange<Int>) -> Int? {
            let start = at
            var value = 0
            while let byte = peek, (48...57).contains(byte), at - start < 4 {
                value = value * 10 + Int(byte - 48)
                at += 1
            }
            return at > start && range.contains(value) ? value : nil
        }

        /// `[+-]h[h][:mm[:ss]]` in seconds.
        mutating func time(hoursMax: Int) -> Int? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard let hours = number(0...hoursMax) else { return nil }
            var seconds = hours * 3_600
            for unit in [60, 1] where take(":") {
                guard let part = number(0...59) else { return nil }
                seconds += part * unit
            }
            return isNegative ? -seconds : seconds
        }

        /// `,date[/time]`.
        mutating func moment() -> Moment? {
            guard take(",") else { return nil }
            let day: Moment.Day
            if take("M") {
                guard let month = number(1...12), take("."), let week = number(1...5), take("."),
                    let weekday = number(0...6)
                else { return nil }
                day = .weekday(month: month, week: week, weekday: weekday)
            } else if take("J") {
                guard let number = number(1...365) else { return nil }
                day = .julian(number)
            } else {
                guard let number = number(0...365) else { return nil }
                day = .ordinal(number)
            }
            guard take("/") else { return Moment(day: day, time: 7_200) }
            guard let time = time(hoursMax: 167) else { return nil }
            return Moment(day: day, time: time)
        }
    }
}
