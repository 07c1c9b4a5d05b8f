import Platform

/// Reads one text by a pattern: where it stands in it, and the parts found so far.
@safe struct TimestampReader {
    /// An instant, or a local time.
    enum Outcome: Equatable {
        /// Microseconds since 1970.
        case instant(Int64)
        /// Seconds since 1970 as if the clock showed UTC, and microseconds behind them.
        case local(seconds: Int64, micros: Int64)
        /// It is not of this form from this byte on, or such an hour does not exist.
        case mismatch(at: Int)
        /// It is of this form, and the calendar has no such day.
        case noSuchDay(NoSuchDay)
    }

    /// A day that does not exist.
    enum NoSuchDay: Equatable, CustomStringConvertible {
        case ofMonth(Int, month: Int, year: Int64)
        case ofYear(Int, year: Int64)

        /// As a sentence.
        var description: String {
            switch self {
            case .ofMonth(let day, let month, let year): "\(Self.months[month - 1]) \(year) has no day \(day)"
            case .ofYear(let day, let year): "the year \(year) has no day \(day)"
            }
        }

        private static let months = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November",
            "December",
        ]
    }

    private let bytes: UnsafeRawBufferPointer
    private var at = 0
    private var year: Int64 = 1970
    private var month = 1
    private var day = 1
    private var dayOfYear = 0
    private var hour: Int64 = 0
    private var isAfternoon = false
    private var hasHalf = false
    private var minute: Int64 = 0
    private var second: Int64 = 0
    private var micros: Int64 = 0
    private var offset: Int64?
    private var epoch: Int64?
    private var isBefore1970 = false

    private init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = unsafe bytes }

    /// Reads a text, all of it.
    static func read(_ text: UnsafeRawBufferPointer, by pattern: TimestampPattern) -> Outcome {
        var reader = unsafe TimestampReader(text)
        for item in pattern.items {
            let start = reader.at
            guard reader.take(item) else { return .mismatch(at: start) }
        }
        guard reader.at == text.count else { return .mismatch(at: reader.at) }
        return reader.outcome
    }

    private var outcome: Outcome {
        if let epoch { return .instant(isBefore1970 ? -epoch * 1_000_000 - micros : epoch * 1_000_000 + micros) }
        let days: Int64
        if dayOfYear > 0 {
            guard dayOfYear <= (CivilDate.isLeap(year) ? 366 : 365) else {
                return .noSuchDay(.ofYear(dayOfYear, year: year))
            }
            days = CivilDate(year: year, month: 1, day: 1).daysSince1970 + Int64(dayOfYear) - 1
        } else {
            let date = CivilDate(year: year, month: Int64(month), day: Int64(day))
            guard year > 0 else { return .mismatch(at: 0) }
            guard date.day <= CivilDate.days(in: date.month, of: year) else {
                return .noSuchDay(.ofMonth(day, month: month, year: year))
            }
            days = date.daysSince1970
        }
        let hours = hasHalf ? hour % 12 + (isAfternoon ? 12 : 0) : hour
        let seconds = days * 86_400 + hours * 3_600 + minute * 60 + second
        guard let offset else { return .local(seconds: seconds, micros: micros) }
        return .instant((seconds - offset) * 1_000_000 + micros)
    }

    private var byte: UInt8 { unsafe at < bytes.count ? bytes[at] : 0 }

    private mutating func take(_ item: TimestampPattern.Item) -> Bool {
        switch item {
        case .literal(let literal): return skip(literal)
        case .space:
            while byte == 0x20 || (0x09...0x0d).contains(byte) { at += 1 }
            return true
        case .separator: return skip(UInt8(ascii: "T")) || skip(UInt8(ascii: "t")) || skip(0x20)
        case .year: return number(4...4, 0...9_999) { $0.year = Int64($1) }
        case .yearOfCentury: return number(2...2, 0...99) { $0.year = Int64($1 < 69 ? 2_000 + $1 : 1_900 + $1) }
        case .month: return number(1...2, 1...12) { $0.month = $1 }
        case .day: return number(1...2, 1...31) { $0.day = $1 }
        case .dayOfYear: return number(1...3, 1...366) { $0.dayOfYear = $1 }
        case .hour: return number(1...2, 0...23) { $0.hour = Int64($1) }
        case .hourOfHalf: return number(1...2, 1...12) { $0.hour = Int64($1) }
        case .minute: return number(1...2, 0...59) { $0.minute = Int64($1) }
        // A leap second is the first one of the next minute.
        case .second: return number(1...2, 0...60) { $0.second = Int64($1) }
        case .monthName:
            guard let index = name(Self.months) else { return false }
            month = index + 1
            return true
        case .weekdayName: return name(Self.weekdays) != nil
        case .half:
            guard let index = name(Self.halves) else { return false }
            (hasHalf, isAfternoon) = (true, index == 1)
            return true
        case .fraction: return fraction()
        case .optionalFraction: return byte != UInt8(ascii: ".") || (skip(UInt8(ascii: ".")) && fraction())
        case .offset: return zoneOffset()
        case .optionalOffset: return unsafe at == bytes.count || zoneOffset()
        case .epochSeconds: return epochSeconds()
        }
    }

    private mutating func skip(_ expected: UInt8) -> Bool {
        guard unsafe at < bytes.count, byte == expected else { return false }
        at += 1
        return true
    }

    /// Takes as many digits as there may be.
    private mutating func number(
        _ digits: ClosedRange<Int>, _ range: ClosedRange<Int>, _ store: (inout Self, Int) -> Void
    ) -> Bool {
        let start = at
        var value = 0
        while at - start < digits.upperBound, (48...57).contains(byte) {
            value = value * 10 + Int(byte - 48)
            at += 1
        }
        guard at - start >= digits.lowerBound, range.contains(value) else { return false }
        store(&self, value)
        return true
    }

    /// Digits of a second; those behind the sixth are dropped.
    private mutating func fraction() -> Bool {
        let start = at
        var unit: Int64 = 100_000
        while (48...57).contains(byte) {
            micros += Int64(byte - 48) * unit
            unit /= 10
            at += 1
        }
        return at > start
    }

    private mutating func epochSeconds() -> Bool {
        isBefore1970 = skip(UInt8(ascii: "-"))
        let start = at
        var value: Int64 = 0
        while (48...57).contains(byte), at - start < 12 {
            value = value * 10 + Int64(byte - 48)
            at += 1
        }
        epoch = value
        return at > start
    }

    /// `Z`, `+0200`, `+02:00` or `+02`.
    private mutating func zoneOffset() -> Bool {
        if skip(UInt8(ascii: "Z")) || skip(UInt8(ascii: "z")) {
            offset = 0
            return true
        }
        let isWest = byte == UInt8(ascii: "-")
        guard skip(UInt8(ascii: "+")) || skip(UInt8(ascii: "-")) else { return false }
        var (hours, minutes) = (0, 0)
        guard number(2...2, 0...23, { hours = $1 }) else { return false }
        let hasColon = skip(UInt8(ascii: ":"))
        if hasColon || (48...57).contains(byte) {
            guard number(2...2, 0...59, { minutes = $1 }) else { return false }
        }
        offset = Int64(hours * 3_600 + minutes * 60) * (isWest ? -1 : 1)
        return true
    }

    /// The number of a name, in full or by its first letters, in any case.
    /// - Parameter shortest: how many letters are enough.
    private mutating func name(_ names: Names) -> Int? {
        guard unsafe at + names.shortest <= bytes.count else { return nil }
        var first: UInt32 = 0
        for index in 0..<names.shortest { first = first << 8 | UInt32(unsafe bytes[at + index] | 0x20) }
        guard let number = names.firstLetters.firstIndex(of: first) else { return nil }
        at += names.shortest
        guard isLetter(byte) else { return number }
        for letter in names.rest[number] {
            guard isLetter(byte), byte | 0x20 == letter else { return nil }
            at += 1
        }
        return number
    }

    private func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }

    /// Names that are told apart by their first letters.
    private struct Names {
        let shortest: Int
        /// The first letters, as one number each.
        let firstLetters: [UInt32]
        /// The letters behind them.
        let rest: [[UInt8]]

        init(_ names: String, shortest: Int) {
            let names = names.split(separator: " ").map { Array($0.utf8) }
            self.shortest = shortest
            firstLetters = names.map { $0.prefix(shortest).reduce(0) { $0 << 8 | UInt32($1) } }
            rest = names.map { Array($0.dropFirst(shortest)) }
        }
    }

    private static let months = Names(
        "january february march april may june july august september october november december", shortest: 3)
    private static let weekdays = Names("monday tuesday wednesday thursday friday saturday sunday", shortest: 3)
    private static let halves = Names("am pm", shortest: 2)
}
