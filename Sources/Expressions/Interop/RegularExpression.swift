import CRE2

/// A compiled regular expression of RE2: matching takes time linear in the text.
///
/// `@unchecked Sendable`: RE2 promises that a compiled expression may be used by several threads at once.
@safe final class RegularExpression: @unchecked Sendable {
    /// What is wrong with a pattern.
    struct Problem: Error {
        var message: String
        /// The bytes of the pattern that it is about, where RE2 says so.
        var range: Range<Int>?
    }

    /// Where a match and its groups stand: at most ten.
    @safe struct Match {
        fileprivate var spans = [10 of re_span](repeating: re_span(start: -1, end: -1))

        /// The bytes of a group, 0 being the whole match; nil when the group took no part in it.
        func range(_ group: Int) -> Range<Int>? {
            let span = spans[group]
            return span.start < 0 ? nil : span.start..<span.end
        }

        /// The whole match.
        var whole: Range<Int> { spans[0].start..<spans[0].end }
    }

    /// Bytes that one expression may take; RE2 falls back to a slower way of matching within them.
    private static let memoryBytesMax: Int64 = 8 << 20

    private let handle: OpaquePointer
    /// Groups in parentheses.
    let groupCount: Int

    /// Compiles a pattern. Unless a quantifier in it is lazy, the longest of the leftmost matches is taken, as Postgres
    /// does; with lazy ones the first that the pattern's order prefers.
    ///
    /// - Parameters:
    ///   - ignoresCase: Letters match in either case.
    ///   - hasLines: `^` and `$` match at line ends, and `.` matches none.
    init(_ pattern: [UInt8], ignoresCase: Bool = false, hasLines: Bool = false) throws(Problem) {
        var message = [CChar](repeating: 0, count: 256)
        var fragment = re_span(start: -1, end: -1)
        let isLongest = !Self.hasLazyQuantifier(pattern)
        let compiled = unsafe pattern.withUnsafeBytes { bytes in
            unsafe re_compile(
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, ignoresCase, isLongest, hasLines,
                Self.memoryBytesMax, &message, message.count, &fragment)
        }
        guard let compiled = unsafe compiled else {
            let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw Problem(message: text, range: fragment.start < 0 ? nil : fragment.start..<fragment.end)
        }
        unsafe handle = compiled
        groupCount = unsafe Int(re_group_count(compiled))
    }

    deinit {
        unsafe re_free(handle)
    }

    /// The first match that begins at `from` or later, with `groups` groups; nil when there is none.
    func find(in text: TextView, from: Int = 0, groups: Int = 0) -> Match? {
        var match = Match()
        let start = unsafe text.start.assumingMemoryBound(to: CChar.self)
        let count = Int32(min(groups, 9) + 1)
        let isFound = unsafe withUnsafeMutableBytes(of: &match.spans) { spans in
            unsafe re_find(
                handle, start, text.count, from, spans.baseAddress!.assumingMemoryBound(to: re_span.self), count)
        }
        return isFound ? match : nil
    }

    /// Whether there is a match.
    func matches(_ text: TextView) -> Bool {
        unsafe re_find(handle, text.start.assumingMemoryBound(to: CChar.self), text.count, 0, nil, 0)
    }

    /// Whether a pattern holds `*?`, `+?`, `??` or `}?` outside of brackets and escapes.
    private static func hasLazyQuantifier(_ pattern: [UInt8]) -> Bool {
        var index = 0
        var isInBrackets = false
        var isQuantified = false
        while index < pattern.count {
            let byte = pattern[index]
            switch byte {
            case UInt8(ascii: "\\"):
                index += 1
                isQuantified = false
            case UInt8(ascii: "[") where !isInBrackets:
                isInBrackets = true
                isQuantified = false
                // A bracket that stands first closes nothing.
                if index + 1 < pattern.count, pattern[index + 1] == UInt8(ascii: "^") { index += 1 }
                if index + 1 < pattern.count, pattern[index + 1] == UInt8(ascii: "]") { index += 1 }
            case UInt8(ascii: "]") where isInBrackets: isInBrackets = false
            case UInt8(ascii: "?") where isQuantified: return true
            case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "}"):
                isQuantified = !isInBrackets
            default: isQuantified = false
            }
            index += 1
        }
        return false
    }
}
