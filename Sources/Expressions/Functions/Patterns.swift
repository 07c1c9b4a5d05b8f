extension FunctionCatalog {
    private static let re2 = """
        patterns are those of RE2, not Postgres's: `\\b` is a word boundary, there are no back references and no \
        lookaround, and with a lazy quantifier (`*?`) the order of the pattern decides which match is taken
        """

    static let patterns: [ExpressionFunction] = [
        ExpressionFunction(
            "like", "Whether the text is of the pattern: `%` is any text, `_` one character. Also `not like`.",
            [
                .init("'/api/v1' like '/api/%'", "true"), .init("'a_b' like 'a\\_b'", "true"),
                .init("'100%' like '100#%' escape '#'", "true"),
            ], writing: "t like pattern [escape c]", likeForm(ignoresCase: false), escapedForm(ignoresCase: false)
        )
        .inSQL(.words { words("LIKE", $0) }),
        ExpressionFunction(
            "ilike", "As `like`, with ASCII letters of either case.", [.init("'GET' ilike 'g%'", "true")],
            writing: "t ilike pattern [escape c]",
            deviation: "ignores the case of ASCII letters only, as Postgres does for `COLLATE \"C\"`",
            likeForm(ignoresCase: true), escapedForm(ignoresCase: true)
        )
        .inSQL(.words { words("ILIKE", $0) }),
        ExpressionFunction(
            "regexp_like",
            "Whether the pattern matches somewhere. Flags: `i` ignores case, `n` makes lines count. "
                + "Also `t ~ pattern`, `~*` (ignores case), `!~` and `!~*`.",
            [.init("regexp_like('user-17', '^user-[0-9]+$')", "true"), .init("'ABC' ~* 'b'", "true")], deviation: re2,
            regexForm([.text("t"), pattern], .boolean) { regex, _ in .map { (text: TextView) in regex.matches(text) } },
            regexForm([.text("t"), pattern, flags], .boolean, flags: 2) { regex, _ in
                .map { (text: TextView) in regex.matches(text) }
            }),
        ExpressionFunction(
            "regexp_count", "How often the pattern matches.", [.init("regexp_count('a1b22', '[0-9]+')", "2")],
            deviation: re2,
            regexForm([.text("t"), pattern], .integer) { regex, _ in .map { (text: TextView) in count(regex, text) } }),
        ExpressionFunction(
            "regexp_substr",
            "The first match; with `start`, `n`, `flags` and `group` the `n`-th from the code point at `start`, or one "
                + "of its groups. Null when there is none.",
            [
                .init("regexp_substr('v1.22.3', '[0-9]+')", "1"),
                .init("regexp_substr('v1.22.3', '([0-9]+)\\.([0-9]+)', 1, 1, '', 2)", "22"),
                .init("regexp_substr('abc', '[0-9]')", nil),
            ], deviation: re2,
            regexForm([.text("t"), pattern], .text) { regex, _ in substring(regex, start: 1, n: 1, group: 0) },
            substringForm(3), substringForm(4), substringForm(5), substringForm(6)),
        ExpressionFunction(
            "regexp_instr", "Where the first match begins, in code points from 1; 0 when there is none.",
            [.init("regexp_instr('größe 12', '[0-9]')", "7")], deviation: re2,
            regexForm([.text("t"), pattern], .integer) { regex, _ in
                .map { (text: TextView) in
                    regex.find(in: text).map { text[0..<$0.whole.lowerBound].codePoints + 1 } ?? 0
                }
            }),
        ExpressionFunction(
            "regexp_replace",
            "The text with the first match replaced, or all with flag `g`; `\\1` to `\\9` stand for groups, `\\&` for "
                + "the match.",
            [
                .init("regexp_replace('/user/17/x', '[0-9]+', '{id}')", "/user/{id}/x"),
                .init("regexp_replace('2026-01-31', '(\\d+)-(\\d+)', '\\2/\\1')", "01/2026-31"),
                .init("regexp_replace('a1b2', '[0-9]', '', 'g')", "ab"),
            ], deviation: re2,
            replaceForm([.text("t"), pattern, replacement]), replaceForm([.text("t"), pattern, replacement, flags])),
    ]

    private static let pattern = Parameter.text("pattern").fixed
    private static let flags = Parameter.text("flags").fixed
    private static let replacement = Parameter.text("replacement").fixed
}

/// `like`.
extension FunctionCatalog {
    /// A test of a pattern in SQL, with its escape if it has one.
    private static func words(_ operation: String, _ arguments: [String]) -> String {
        "\(arguments[0]) \(operation) \(arguments[1])" + (arguments.count > 2 ? " ESCAPE \(arguments[2])" : "")
    }

    private static func likeForm(ignoresCase: Bool) -> FunctionForm {
        .form([.text("t"), .text("pattern")], .boolean) { facts throws(FormProblem) in
            try like(facts, escape: UInt8(ascii: "\\"), ignoresCase)
        }
    }

    private static func escapedForm(ignoresCase: Bool) -> FunctionForm {
        .form([.text("t"), .text("pattern"), Parameter.text("escape").fixed], .boolean) { facts throws(FormProblem) in
            guard let escape = facts.text(2), escape.count < 2, escape.allSatisfy({ $0 < 0x80 }) else {
                throw FormProblem(
                    code: "bad-pattern", argument: 2,
                    message: "an escape is not one character, expected an ASCII character or an empty text")
            }
            return try like(facts, escape: escape.first, ignoresCase)
        }
    }

    private static func like(
        _ facts: FormArguments, escape: UInt8?, _ ignoresCase: Bool
    ) throws(FormProblem) -> Kernel {
        guard let constant = facts.text(1) else {
            // The escape, if there is one, is an argument, too.
            return Kernel { call in
                let (text, pattern) = (call.arguments[0], call.arguments[1])
                call.fill({ text.isThere($0) && pattern.isThere($0) }) { row -> Bool? in
                    LikePattern.matches(
                        TextView.load(text, row), TextView.load(pattern, row), escape: escape, ignoresCase: ignoresCase)
                }
            }
        }
        guard let pattern = LikePattern(constant, escape: escape, ignoresCase: ignoresCase) else {
            throw FormProblem(
                code: "bad-pattern", argument: 1, offset: constant.count - 1,
                message: "a pattern ends with its escape, expected a character behind it", hint: "double it to match it"
            )
        }
        return Kernel { call in
            let text = call.arguments[0]
            call.fill({ text.isThere($0) }) { row -> Bool? in pattern.matches(TextView.load(text, row)) }
        }
    }
}

/// Regular expressions.
extension FunctionCatalog {
    /// A form whose second argument is a pattern, compiled when the expression is checked.
    private static func regexForm(
        _ parameters: [Parameter], _ result: FunctionForm.Result, flags: Int? = nil, allowsAll: Bool = false,
        _ kernel: @escaping @Sendable (RegularExpression, FormArguments) throws(FormProblem) -> Kernel
    ) -> FunctionForm {
        .form(parameters, result) { facts throws(FormProblem) in
            var ignoresCase = false
            var hasLines = false
            for flag in flags.flatMap({ facts.text($0) }) ?? [] {
                switch flag {
                case UInt8(ascii: "i"): ignoresCase = true
                case UInt8(ascii: "c"): ignoresCase = false
                case UInt8(ascii: "n"), UInt8(ascii: "m"): hasLines = true
                case UInt8(ascii: "s"): hasLines = false
                case UInt8(ascii: "g") where allowsAll: break
                default:
                    throw FormProblem(
                        code: "bad-pattern", argument: flags ?? 0,
                        message: "there is no such flag, found '\(Unicode.Scalar(flag))', "
                            + "expected i, c, n, s\(allowsAll ? " or g" : "")")
                }
            }
            let compiled = try compile(facts, ignoresCase, hasLines)
            var made = try kernel(compiled, facts)
            made.isCostly = true
            return made
        }
    }

    private static func compile(
        _ facts: FormArguments, _ ignoresCase: Bool, _ hasLines: Bool
    ) throws(FormProblem) -> RegularExpression {
        guard let pattern = facts.text(1) else {
            throw FormProblem(
                code: "bad-pattern", argument: 1,
                message: "a pattern is missing, found null, expected a regular expression")
        }
        do throws(RegularExpression.Problem) {
            return try RegularExpression(pattern, ignoresCase: ignoresCase, hasLines: hasLines)
        } catch {
            throw FormProblem(
                code: "bad-pattern", argument: 1, offset: error.range?.lowerBound,
                message: "a regular expression is not well formed: \(error.message)", hint: patternHint(pattern, error))
        }
    }

    private static func patternHint(_ pattern: [UInt8], _ problem: RegularExpression.Problem) -> String? {
        let text = String(decoding: pattern, as: UTF8.self)
        if text.contains("(?=") || text.contains("(?!") || text.contains("(?<=") || text.contains("(?<!") {
            return "there is no lookaround; match more, and take a group with regexp_substr"
        }
        guard problem.message.contains("escape") else { return nil }
        if text.contains("\\m") || text.contains("\\M") || text.contains("\\y") { return "a word boundary is \\b" }
        if text.contains("\\Z") { return "the end is $ or \\z" }
        return (1...9).contains { text.contains("\\\($0)") } ? "there are no back references" : nil
    }

    /// Where the next search begins: behind the match, and a character further if it is empty.
    private static func next(_ match: Range<Int>, _ text: TextView) -> Int {
        guard match.isEmpty else { return match.upperBound }
        return match.upperBound < text.count
            ? match.upperBound + text.point(at: match.upperBound).width : match.upperBound + 1
    }

    private static func count(_ regex: RegularExpression, _ text: TextView) -> Int64 {
        var found: Int64 = 0
        var from = 0
        while from <= text.count, let match = regex.find(in: text, from: from) {
            found += 1
            from = next(match.whole, text)
        }
        return found
    }

    private static func substring(_ regex: RegularExpression, start: Int64, n: Int64, group: Int) -> Kernel {
        Kernel.cut { (text: TextView) in
            var from = text.byteOffset(ofPoint: start - 1)
            if start - 1 > text.codePoints { return nil }
            var left = n
            while from <= text.count, let match = regex.find(in: text, from: from, groups: group) {
                left -= 1
                if left == 0 { return match.range(group) }
                from = next(match.whole, text)
            }
            return nil
        }.searching
    }

    private static func substringForm(_ count: Int) -> FunctionForm {
        let all = [
            .text("t"), pattern, Parameter.integer("start").fixed, Parameter.integer("n").fixed, flags,
            Parameter.integer("group").fixed,
        ]
        return regexForm(Array(all.prefix(count)), .text, flags: count > 4 ? 4 : nil) {
            regex, facts throws(FormProblem) in
            let start = facts.integer(2) ?? 1
            let n = facts.integer(3) ?? 1
            let group = facts.integer(5) ?? 0
            for (value, index) in [(start, 2), (n, 3)] where value < 1 {
                throw FormProblem(
                    code: "wrong-arguments", argument: index,
                    message: "regexp_substr counts from 1, found \(value), expected 1 or more")
            }
            guard (0...Int64(min(9, regex.groupCount))).contains(group) else {
                throw FormProblem(
                    code: "wrong-arguments", argument: 5,
                    message: "the pattern has no such group, found \(group), expected 0 to \(min(9, regex.groupCount))")
            }
            return substring(regex, start: start, n: n, group: Int(group))
        }
    }

    private static func replaceForm(_ parameters: [Parameter]) -> FunctionForm {
        regexForm(parameters, .text, flags: parameters.count > 3 ? 3 : nil, allowsAll: true) {
            regex, facts throws(FormProblem) in
            guard let replacement = facts.text(2) else {
                throw FormProblem(
                    code: "bad-pattern", argument: 2, message: "a replacement is missing, found null, expected a text")
            }
            let parts = RegexReplacement(replacement)
            let isGlobal = facts.text(3)?.contains(UInt8(ascii: "g")) ?? false
            return Kernel { call in
                let text = call.arguments[0]
                call.write({ text.isThere($0) }) { row, out in
                    replace(regex, parts, TextView.load(text, row), isGlobal, &out)
                    return true
                }
            }
        }
    }

    private static func replace(
        _ regex: RegularExpression, _ parts: RegexReplacement, _ text: TextView, _ isGlobal: Bool,
        _ out: inout TextWriter
    ) {
        var (from, copied) = (0, 0)
        while from <= text.count, let match = regex.find(in: text, from: from, groups: parts.groupMax) {
            out.append(text[copied..<match.whole.lowerBound])
            parts.append(match, text, &out)
            copied = match.whole.upperBound
            guard isGlobal else { break }
            from = next(match.whole, text)
        }
        out.append(text[copied..<text.count])
    }
}

/// What a match is replaced by: texts and groups.
private struct RegexReplacement: Sendable {
    private enum Part: Sendable {
        case text([UInt8])
        case group(Int)
    }

    private var parts: [Part] = []
    /// The last group that is asked for.
    private(set) var groupMax = 0

    init(_ text: [UInt8]) {
        var literal: [UInt8] = []
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < text.count else {
                literal.append(byte)
                continue
            }
            let escaped = text[index]
            switch escaped {
            case UInt8(ascii: "1")...UInt8(ascii: "9"), UInt8(ascii: "&"):
                parts += [.text(literal), .group(escaped == UInt8(ascii: "&") ? 0 : Int(escaped) - 0x30)]
                literal = []
                groupMax = max(groupMax, escaped == UInt8(ascii: "&") ? 0 : Int(escaped) - 0x30)
                index += 1
            case UInt8(ascii: "\\"):
                literal.append(byte)
                index += 1
            default: literal.append(byte)
            }
        }
        parts.append(.text(literal))
    }

    func append(_ match: RegularExpression.Match, _ text: TextView, _ out: inout TextWriter) {
        for part in parts {
            switch part {
            case .text(let bytes): out.append(bytes)
            case .group(let group): if let range = match.range(group) { out.append(text[range]) }
            }
        }
    }
}
