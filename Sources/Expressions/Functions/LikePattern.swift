/// A pattern of `like`: `%` stands for any text, `_` for one code point, and what follows the escape for itself.
struct LikePattern: Sendable {
    /// What a pattern without `_` comes down to.
    private enum Shape: Sendable {
        case whole, prefix, suffix, inside, general
    }

    private let shape: Shape
    /// The pattern, or for the simple shapes the text that is looked for.
    private let bytes: [UInt8]
    private let escape: UInt8?
    private let ignoresCase: Bool

    /// nil when the pattern ends with the escape.
    init?(_ pattern: [UInt8], escape: UInt8?, ignoresCase: Bool) {
        self.escape = escape
        self.ignoresCase = ignoresCase
        let pattern = ignoresCase ? pattern.map(Self.lowered) : pattern
        var literal: [UInt8] = []
        var isSimple = true
        var index = 0
        let body = pattern.drop { $0 == UInt8(ascii: "%") }
        var tail = false
        while index < body.count {
            let byte = body[body.startIndex + index]
            if byte == escape {
                index += 1
                guard index < body.count else { return nil }
                literal.append(body[body.startIndex + index])
            } else if byte == UInt8(ascii: "%") {
                // Only at the end is it simple.
                tail = body[(body.startIndex + index)...].allSatisfy { $0 == UInt8(ascii: "%") }
                isSimple = isSimple && tail
                if tail { break }
            } else {
                isSimple = isSimple && byte != UInt8(ascii: "_")
                literal.append(byte)
            }
            index += 1
        }
        guard isSimple, !ignoresCase else {
            shape = .general
            bytes = pattern
            return
        }
        let head = body.count < pattern.count
        // Nothing but `%` begins and ends with it.
        shape = head && (tail || body.isEmpty) ? .inside : head ? .suffix : tail ? .prefix : .whole
        bytes = literal
    }

    /// Whether a text is of the pattern.
    func matches(_ text: TextView) -> Bool {
        TextView.with(bytes) { bytes in
            switch shape {
            case .whole: text == bytes
            case .prefix: text.hasPrefix(bytes)
            case .suffix: text.hasSuffix(bytes)
            case .inside: text.contains(bytes)
            case .general: Self.matches(text, bytes, escape: escape, ignoresCase: ignoresCase) ?? false
            }
        }
    }

    /// Whether a text is of a pattern, in lower case where case is ignored; nil when it ends with the escape.
    ///
    /// After a mismatch only the last `%` takes more: what the ones before have taken stays right.
    static func matches(_ text: TextView, _ pattern: TextView, escape: UInt8?, ignoresCase: Bool) -> Bool? {
        var (t, p) = (0, 0)
        var restart: (text: Int, pattern: Int)?
        while t < text.count {
            if p < pattern.count {
                let byte = pattern[p]
                if byte == escape {
                    guard p + 1 < pattern.count else { return nil }
                    if fold(text[t], ignoresCase) == fold(pattern[p + 1], ignoresCase) {
                        (t, p) = (t + 1, p + 2)
                        continue
                    }
                } else if byte == UInt8(ascii: "%") {
                    p += 1
                    restart = (t, p)
                    continue
                } else if byte == UInt8(ascii: "_") {
                    (t, p) = (t + text.point(at: t).width, p + 1)
                    continue
                } else if fold(text[t], ignoresCase) == fold(byte, ignoresCase) {
                    (t, p) = (t + 1, p + 1)
                    continue
                }
            }
            guard let last = restart else { return false }
            t = last.text + text.point(at: last.text).width
            p = last.pattern
            restart = (t, p)
        }
        while p < pattern.count, pattern[p] == UInt8(ascii: "%"), pattern[p] != escape { p += 1 }
        // As in Postgres, where the text is at its end only what follows on a `%` is looked at for a lonely escape, past
        // other `%` and `_`.
        if let restart, p + 1 == pattern.count, pattern[p] == escape,
            (restart.pattern..<p).allSatisfy({ pattern[$0] == UInt8(ascii: "_") || pattern[$0] == UInt8(ascii: "%") })
        {
            return nil
        }
        return p == pattern.count
    }

    @inline(__always)
    private static func fold(_ byte: UInt8, _ ignoresCase: Bool) -> UInt8 { ignoresCase ? lowered(byte) : byte }

    private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
