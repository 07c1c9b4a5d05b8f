/// How an instant is written, compiled from a format of `strptime` letters.
package struct TimestampPattern: Hashable, Sendable {
    /// What is wrong with a format, and where.
    struct Fault: Error, Hashable {
        /// The place in the format, in Unicode scalars from its beginning.
        var place: Int
        /// What is wrong, as a sentence without its end.
        var what: String
        /// The way out, nil when nobody can guess.
        var hint: String?
    }

    /// One piece of a format.
    enum Item: Hashable, Sendable {
        /// This very byte.
        case literal(UInt8)
        /// Any amount of white space, none included.
        case space
        case year, yearOfCentury, month, monthName, day, dayOfYear, weekdayName
        case hour, hourOfHalf, half, minute, second, fraction
        case offset, epochSeconds
        /// `T`, `t` or a space, as in RFC 3339.
        case separator
        /// A point and digits, or nothing.
        case optionalFraction
        /// An offset, or nothing.
        case optionalOffset
    }

    /// The format as it is written; nil for the one that is RFC 3339 with or without an offset.
    let format: String?
    let items: [Item]

    /// Whether every text of this kind says its offset from UTC.
    var hasOffset: Bool { items.contains(.offset) || items.contains(.epochSeconds) }

    /// `2026-03-29 02:30:00.250`, with or without an offset: what a timestamp is when nothing but its zone is given.
    static let localTime = TimestampPattern(
        format: nil,
        items: [
            .year, .literal(45), .month, .literal(45), .day, .separator, .hour, .literal(58), .minute, .literal(58),
            .second, .optionalFraction, .optionalOffset,
        ])

    private init(format: String?, items: [Item]) {
        self.format = format
        self.items = items
    }

    /// Compiles a format.
    /// - Throws: the first thing that is wrong with it.
    init(_ format: String) throws(Fault) {
        var compiler = TimestampFormatCompiler(format)
        self.init(format: format, items: try compiler.compile())
    }
}

/// Reads a format letter by letter.
struct TimestampFormatCompiler {
    /// What the letters behind a percent sign mean; `docs/nodes.md` lists them.
    static let letters: [(letter: Unicode.Scalar, items: [TimestampPattern.Item], meaning: String)] = [
        ("Y", [.year], "the year, four digits"), ("y", [.yearOfCentury], "its last two digits, 69 to 68"),
        ("m", [.month], "the month, 1 to 12"), ("b", [.monthName], "its English name, short or in full"),
        ("B", [.monthName], "as %b"), ("h", [.monthName], "as %b"),
        ("d", [.day], "the day, 1 to 31"), ("e", [.space, .day], "the day, with a space in front"),
        ("j", [.dayOfYear], "the day of the year, 1 to 366"),
        ("a", [.weekdayName], "the weekday's English name, ignored"),
        ("A", [.weekdayName], "as %a"),
        ("H", [.hour], "the hour, 0 to 23"), ("I", [.hourOfHalf], "the hour, 1 to 12"), ("p", [.half], "AM or PM"),
        ("M", [.minute], "the minute"), ("S", [.second], "the second"), ("f", [.fraction], "digits of a second"),
        ("z", [.offset], "Z, +0200, +02:00 or +02"), ("s", [.epochSeconds], "seconds since 1970"),
        ("F", [.year, .literal(45), .month, .literal(45), .day], "%Y-%m-%d"),
        ("T", [.hour, .literal(58), .minute, .literal(58), .second], "%H:%M:%S"),
        ("R", [.hour, .literal(58), .minute], "%H:%M"),
        ("D", [.month, .literal(47), .day, .literal(47), .yearOfCentury], "%m/%d/%y"),
        ("n", [.space], "any white space"), ("t", [.space], "any white space"), ("%", [.literal(37)], "a percent sign"),
    ]

    /// The letters, for the reference page.
    static var reference: String { letters.map { "`%\($0.letter)` \($0.meaning)" }.joined(separator: ", ") }

    private let format: String
    private let scalars: [Unicode.Scalar]
    private var items: [TimestampPattern.Item] = []
    /// Where each kind of item was asked for.
    private var places: [TimestampPattern.Item: Int] = [:]

    init(_ format: String) {
        self.format = format
        scalars = Array(format.unicodeScalars)
    }

    mutating func compile() throws(TimestampPattern.Fault) -> [TimestampPattern.Item] {
        guard scalars.contains("%") else {
            throw TimestampPattern.Fault(
                place: 0, what: "holds no letter with a percent sign", hint: Self.translation(of: format))
        }
        var at = 0
        while at < scalars.count {
            let place = at
            let scalar = scalars[at]
            at += 1
            guard scalar == "%" else {
                let isSpace = scalar.properties.isWhitespace
                items += isSpace ? [.space] : String(scalar).utf8.map { .literal($0) }
                continue
            }
            guard at < scalars.count else {
                throw TimestampPattern.Fault(place: place, what: "ends with a percent sign", hint: "%% stands for one")
            }
            try add(scalars[at], at: place)
            at += 1
        }
        try checkParts()
        try checkDigits()
        return items
    }

    /// What takes all digits that there are leaves none for what stands directly behind it.
    private func checkDigits() throws(TimestampPattern.Fault) {
        for (item, next) in zip(items, items.dropFirst()) where [.epochSeconds, .fraction].contains(item) {
            let isDigits =
                switch next {
                case .literal(let byte): (48...57).contains(byte)
                case .year, .yearOfCentury, .month, .day, .dayOfYear, .hour, .hourOfHalf, .minute, .second, .fraction,
                    .epochSeconds:
                    true
                default: false
                }
            guard isDigits else { continue }
            let letter = item == .fraction ? "%f" : "%s"
            throw TimestampPattern.Fault(
                place: places[item] ?? 0, what: "has digits directly behind \(letter), which takes all that there are",
                hint: item == .fraction
                    ? nil
                    : "%s.%f has a point between; counts of smaller units are timestamp(ms), timestamp(us) and timestamp(ns), with "
                        + "accept: text where they are texts")
        }
    }

    private mutating func add(_ letter: Unicode.Scalar, at place: Int) throws(TimestampPattern.Fault) {
        guard let found = Self.letters.first(where: { $0.letter == letter }) else {
            throw TimestampPattern.Fault(
                place: place, what: "holds %\(letter), which is no letter of a format", hint: Self.advice(letter))
        }
        for item in found.items {
            switch item {
            case .literal, .space: break
            default:
                if places[item] != nil {
                    throw TimestampPattern.Fault(place: place, what: "says the \(Self.name(item)) twice", hint: nil)
                }
                places[item] = place
            }
        }
        items += found.items
    }

    /// Whether there is all that makes an instant, and nothing that contradicts it.
    private func checkParts() throws(TimestampPattern.Fault) {
        func has(_ items: TimestampPattern.Item...) -> Bool { items.contains { places[$0] != nil } }
        func place(_ items: TimestampPattern.Item...) -> Int { items.compactMap { places[$0] }.max() ?? 0 }
        func fault(_ place: Int, _ what: String, _ hint: String? = nil) -> TimestampPattern.Fault {
            TimestampPattern.Fault(place: place, what: what, hint: hint)
        }
        if has(.epochSeconds) {
            let others = places.filter { ![.epochSeconds, .fraction].contains($0.key) }
            if let other = others.values.min() {
                throw fault(other, "says more beside %s, which is an instant by itself")
            }
            return
        }
        if has(.year), has(.yearOfCentury) { throw fault(place(.year, .yearOfCentury), "says the year twice") }
        if has(.month), has(.monthName) { throw fault(place(.month, .monthName), "says the month twice") }
        if has(.hour), has(.hourOfHalf) { throw fault(place(.hour, .hourOfHalf), "says the hour twice") }
        guard has(.year, .yearOfCentury) else { throw fault(0, "lacks the year", "%Y stands for one of four digits") }
        if has(.dayOfYear) {
            if has(.month, .monthName, .day) {
                throw fault(place(.dayOfYear, .month, .monthName, .day), "says the day twice")
            }
        } else {
            guard has(.month, .monthName) else {
                let minute = places[.minute]
                throw fault(
                    minute ?? 0, "lacks the month",
                    minute == nil ? "%m stands for its number, %b for its name" : "%M is the minute; the month is %m")
            }
            guard has(.day) else { throw fault(0, "lacks the day", "%d stands for it") }
        }
        if has(.hourOfHalf), !has(.half) {
            throw fault(
                place(.hourOfHalf), "has an hour of twelve without AM or PM", "%p stands for these; %H is 0 to 23")
        }
        if has(.half), !has(.hourOfHalf) {
            throw fault(place(.half), "has AM or PM without an hour of twelve", "%I stands for it")
        }
        if has(.minute), !has(.hour, .hourOfHalf) {
            throw fault(place(.minute), "has a minute without an hour", "%H stands for it")
        }
        if has(.second), !has(.minute) {
            throw fault(place(.second), "has a second without a minute", "%M stands for it")
        }
        if has(.fraction), !has(.second) {
            throw fault(place(.fraction), "has digits of a second without a second", "%S stands for it")
        }
    }

    private static func name(_ item: TimestampPattern.Item) -> String {
        switch item {
        case .year, .yearOfCentury: "year"
        case .month, .monthName: "month"
        case .day, .dayOfYear: "day"
        case .weekdayName: "weekday"
        case .hour, .hourOfHalf: "hour"
        case .half: "half of the day"
        case .minute: "minute"
        case .second: "second"
        case .fraction, .optionalFraction: "digits of a second"
        case .offset, .optionalOffset: "offset"
        case .epochSeconds: "seconds since 1970"
        case .literal, .space, .separator: "same"
        }
    }

    private static func advice(_ letter: Unicode.Scalar) -> String {
        switch letter {
        case "Z": "names of zones such as CET have no one meaning: %z stands for an offset, zone: gives a zone"
        case "L", "Q": "%f stands for digits of a second, however many"
        case "N": "%f stands for digits of a second; use timestamp(s) for numbers"
        case "k", "l": "%H and %I take one digit too"
        case "r": "write %I:%M:%S %p"
        case "c", "x", "X", "+": "write the parts one by one, such as %Y-%m-%d %H:%M:%S"
        default: "letters: " + letters.map { String($0.letter) }.filter { $0 != "%" }.joined(separator: " ")
        }
    }

    /// A format in the letters of Java and the like, in ours; nil when it is none.
    static func translation(of format: String) -> String? {
        let words: [(String, String)] = [
            ("yyyy", "%Y"), ("YYYY", "%Y"), ("yy", "%y"), ("MMMM", "%B"), ("MMM", "%b"), ("MM", "%m"), ("DD", "%d"),
            ("dd", "%d"), ("HH", "%H"), ("hh", "%I"), ("mm", "%M"), ("ss", "%S"), ("SSSSSS", "%f"), ("SSS", "%f"),
            ("\u{58}XX", "%z"), ("ZZZ", "%z"), ("Z", "%z"), ("X", "%z"), ("a", "%p"),
        ]
        var (rest, result, count) = (Substring(format), "", 0)
        while let first = rest.first {
            if let (word, letter) = words.first(where: { rest.hasPrefix($0.0) }) {
                result += letter
                count += 1
                rest = rest.dropFirst(word.count)
            } else {
                // 'T' in quotes is a literal there.
                if first != "'" { result.append(first) }
                rest = rest.dropFirst()
            }
        }
        return count >= 2 ? "write \(result)" : nil
    }
}
