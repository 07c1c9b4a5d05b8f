/// Reads JSON that stands in a text, as Postgres reads its type `json`: checks all of the text, and finds the value at a
/// path. The text is gone through once, without recursion, and nothing is allocated for it.
struct JSONTextReader {
    /// Arrays and objects inside each other; a text that goes deeper is taken for none.
    static let depthMax = 1_024

    enum Finding {
        /// Where the value stands: the first byte says what it is.
        case value(Range<Int>)
        /// There is none, or it is null.
        case nothing
        /// The text is no JSON.
        case invalid
    }

    /// A step of a path: a key, or the place of an element in an array, from its end when negative.
    private struct Step {
        let key: TextView
        let index: Int?
        /// In the array that is being read: the place that is looked for, and the one that was reached.
        var wanted = -1
        var reached = -1
    }

    /// Whether U+0000 and halves of surrogate pairs are faults, as they are where texts are taken out.
    private let refusesUnstorable: Bool
    private var steps: [Step] = []
    private var isObject = [Bool](repeating: false, count: depthMax)
    private var at = 0
    /// Containers around the present value.
    private var level = 0
    /// How many steps of the path lead to the present value or to what holds it; `level` when it is on the path.
    private var matched = 0
    private var found: Range<Int>?
    private var start = 0
    /// Elements of the outermost array.
    private var elements = 0

    init(refusesUnstorable: Bool) {
        self.refusesUnstorable = refusesUnstorable
    }

    /// Begins another path.
    mutating func forgetPath() { steps.removeAll(keepingCapacity: true) }

    /// Adds a step to the path.
    mutating func append(_ key: TextView) { steps.append(Step(key: key, index: Self.index(key))) }

    /// Finds the value at the path; of members with the same key the last one.
    mutating func find(in text: TextView) -> Finding {
        guard read(text) else { return .invalid }
        guard let found, text[found.lowerBound] != UInt8(ascii: "n") else { return .nothing }
        return .value(found)
    }

    /// Counts the elements of a text that is an array; nil for any other.
    mutating func count(in text: TextView) -> Int64? {
        guard read(text), isObject[0] == false, text[Self.afterSpace(text, 0)] == UInt8(ascii: "[") else { return nil }
        return Int64(elements)
    }

    /// As Postgres takes a key for a place: spaces in front and a sign are no harm, more than 32 bits is none.
    private static func index(_ key: TextView) -> Int? {
        var at = 0
        while at < key.count, key[at] == 0x20 || (0x09...0x0D).contains(key[at]) { at += 1 }
        let isNegative = at < key.count && key[at] == UInt8(ascii: "-")
        if at < key.count, isNegative || key[at] == UInt8(ascii: "+") { at += 1 }
        guard at < key.count else { return nil }
        var value = 0
        while at < key.count, isDigit(key[at]) {
            value = value * 10 + Int(key[at] - UInt8(ascii: "0"))
            guard value <= Int(Int32.max) else { return nil }
            at += 1
        }
        guard at == key.count else { return nil }
        return isNegative ? -value : value
    }
}

/// The grammar.
extension JSONTextReader {
    /// Goes through a text; false when it is no JSON.
    private mutating func read(_ text: TextView) -> Bool {
        (at, level, matched, elements, found) = (0, 0, 0, 0, nil)
        isObject[0] = false
        while true {
            space(text)
            guard at < text.count else { return false }
            if matched == level, level == steps.count { start = at }
            let first = text[at]
            if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
                guard open(text, isObject: first == UInt8(ascii: "{")) else { return false }
                if at < text.count, text[at] == closing {
                    at += 1
                    level -= 1
                } else {
                    guard begin(text) else { return false }
                    continue
                }
            } else {
                guard first == UInt8(ascii: "\"") ? string(text) : scalar(text) else { return false }
            }
            end()
            while level > 0 {
                space(text)
                guard at < text.count else { return false }
                let next = text[at]
                at += 1
                if next == UInt8(ascii: ",") { break }
                guard next == closing else { return false }
                level -= 1
                end()
            }
            if level == 0 {
                space(text)
                return at == text.count
            }
            space(text)
            guard begin(text) else { return false }
        }
    }

    /// What ends the present container.
    private var closing: UInt8 { isObject[level - 1] ? UInt8(ascii: "}") : UInt8(ascii: "]") }

    /// Enters a container.
    private mutating func open(_ text: TextView, isObject: Bool) -> Bool {
        guard level < Self.depthMax else { return false }
        if !isObject, matched == level, level < steps.count, let index = steps[level].index {
            steps[level].reached = -1
            steps[level].wanted = index < 0 ? index + Self.elements(of: text, from: at) : index
        }
        self.isObject[level] = isObject
        level += 1
        at += 1
        space(text)
        return true
    }

    /// Begins a member or an element; the value comes next.
    private mutating func begin(_ text: TextView) -> Bool {
        let isOnPath = matched == level - 1 && level <= steps.count
        guard isObject[level - 1] else {
            if level == 1 { elements += 1 }
            if isOnPath, steps[level - 1].index != nil {
                steps[level - 1].reached += 1
                if steps[level - 1].reached == steps[level - 1].wanted { matched = level }
            }
            return true
        }
        guard at < text.count, text[at] == UInt8(ascii: "\"") else { return false }
        let quote = at
        guard string(text) else { return false }
        if isOnPath, Self.spells(text[(quote + 1)..<(at - 1)], steps[level - 1].key) {
            matched = level
            // What stood under the same key before counts no more, whatever was found in it.
            found = nil
        }
        space(text)
        guard at < text.count, text[at] == UInt8(ascii: ":") else { return false }
        at += 1
        return true
    }

    /// The value that ends here, with `level` containers around it, may be the one.
    private mutating func end() {
        guard matched == level else { return }
        if level == steps.count { found = start..<at }
        matched = level - 1
    }

    private mutating func space(_ text: TextView) { at = Self.afterSpace(text, at) }

    private static func afterSpace(_ text: TextView, _ from: Int) -> Int {
        var at = from
        while at < text.count, text[at] == 0x20 || text[at] == 0x0A || text[at] == 0x0D || text[at] == 0x09 { at += 1 }
        return at
    }

    /// Elements of the array that begins at a byte. The text may be no JSON behind it, which is found out later.
    private static func elements(of text: TextView, from start: Int) -> Int {
        var at = afterSpace(text, start + 1)
        guard at < text.count, text[at] != UInt8(ascii: "]") else { return 0 }
        var (count, depth) = (1, 1)
        while at < text.count, depth > 0 {
            switch text[at] {
            case UInt8(ascii: "\""):
                at += 1
                while at < text.count, text[at] != UInt8(ascii: "\"") {
                    at += text[at] == UInt8(ascii: "\\") ? 2 : 1
                }
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: ","): count += depth == 1 ? 1 : 0
            default: break
            }
            at += 1
        }
        return count
    }
}

/// Words, numbers and strings.
extension JSONTextReader {
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private mutating func scalar(_ text: TextView) -> Bool {
        switch text[at] {
        case UInt8(ascii: "t"): word(text, Self.words.true)
        case UInt8(ascii: "f"): word(text, Self.words.false)
        case UInt8(ascii: "n"): word(text, Self.words.null)
        default: number(text)
        }
    }

    private static let words = (true: Array("true".utf8), false: Array("false".utf8), null: Array("null".utf8))

    private mutating func word(_ text: TextView, _ word: [UInt8]) -> Bool {
        guard text.count - at >= word.count, word.indices.allSatisfy({ text[at + $0] == word[$0] }) else {
            return false
        }
        at += word.count
        return true
    }

    private mutating func digits(_ text: TextView) -> Bool {
        let first = at
        while at < text.count, Self.isDigit(text[at]) { at += 1 }
        return at > first
    }

    private mutating func number(_ text: TextView) -> Bool {
        if text[at] == UInt8(ascii: "-") { at += 1 }
        if at < text.count, text[at] == UInt8(ascii: "0") { at += 1 } else if !digits(text) { return false }
        if at < text.count, text[at] == UInt8(ascii: ".") {
            at += 1
            guard digits(text) else { return false }
        }
        if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") { at += 1 }
            guard digits(text) else { return false }
        }
        return true
    }

    /// A string with its quotes.
    private mutating func string(_ text: TextView) -> Bool {
        at += 1
        while at < text.count {
            let byte = text[at]
            if byte == UInt8(ascii: "\"") {
                at += 1
                return true
            }
            if byte == UInt8(ascii: "\\") {
                guard let escape = Self.escape(text, at), !refusesUnstorable || escape.isStorable else { return false }
                at += escape.length
            } else {
                guard byte >= 0x20 else { return false }
                at += 1
            }
        }
        return false
    }

    /// What stands behind a backslash: the code point, 0 for U+0000, and how many bytes it takes. Half of a surrogate pair
    /// stands for itself.
    private static func escape(_ text: TextView, _ at: Int) -> (point: UInt32, length: Int, isStorable: Bool)? {
        guard at + 1 < text.count else { return nil }
        switch text[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return (UInt32(text[at + 1]), 2, true)
        case UInt8(ascii: "b"): return (0x08, 2, true)
        case UInt8(ascii: "f"): return (0x0C, 2, true)
        case UInt8(ascii: "n"): return (0x0A, 2, true)
        case UInt8(ascii: "r"): return (0x0D, 2, true)
        case UInt8(ascii: "t"): return (0x09, 2, true)
        case UInt8(ascii: "u"): break
        default: return nil
        }
        guard let first = unit(text, at) else { return nil }
        guard (0xD800...0xDFFF).contains(first) else { return (first, 6, first != 0) }
        guard first < 0xDC00, at + 6 < text.count, text[at + 6] == UInt8(ascii: "\\"),
            let second = unit(text, at + 6), (0xDC00...0xDFFF).contains(second)
        else { return (first, 6, false) }
        return (0x10000 + (first - 0xD800) << 10 + second - 0xDC00, 12, true)
    }

    /// The 16 bits of `\uXXXX`.
    private static func unit(_ text: TextView, _ at: Int) -> UInt32? {
        guard at + 5 < text.count, text[at + 1] == UInt8(ascii: "u") else { return nil }
        var value: UInt32 = 0
        for place in (at + 2)..<(at + 6) {
            guard let digit = PercentCoding.digit(text[place]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Whether a string, without its quotes, is a key.
    private static func spells(_ string: TextView, _ key: TextView) -> Bool {
        guard string.find(byte: UInt8(ascii: "\\")) != nil else { return string == key }
        var (at, reached) = (0, 0)
        while at < string.count {
            var point = UInt32(string[at])
            if point == UInt32(UInt8(ascii: "\\")), let escape = escape(string, at) {
                (point, at) = (escape.point, at + escape.length)
            } else {
                guard reached < key.count, key[reached] == string[at] else { return false }
                (at, reached) = (at + 1, reached + 1)
                continue
            }
            guard let scalar = Unicode.Scalar(point), let bytes = UTF8.encode(scalar) else { return false }
            for byte in bytes {
                guard reached < key.count, key[reached] == byte else { return false }
                reached += 1
            }
        }
        return reached == key.count
    }

    /// Appends a value that was found: of a string what it stands for, of everything else what is written.
    static func write(_ value: TextView, _ out: inout TextWriter) {
        guard value[0] == UInt8(ascii: "\"") else { return out.append(value) }
        var at = 1
        while at < value.count - 1 {
            let end = min(value.find(byte: UInt8(ascii: "\\"), from: at) ?? value.count - 1, value.count - 1)
            if end > at { out.append(value[at..<end]) }
            at = end
            guard at < value.count - 1, let escape = escape(value, at) else { continue }
            _ = out.append(point: escape.point)
            at += escape.length
        }
    }
}
