extension FunctionCatalog {
    /// Parts of texts, which are slices of them: nothing is copied.
    static let textParts: [ExpressionFunction] = [
        ExpressionFunction(
            "substring", "`count` code points from the one at `start`, counted from 1; all to the end without `count`.",
            [
                .init("substring('größe', 3, 2)", "öß"), .init("substring('abc' from 2)", "bc"),
                .init("substring('abc', 0, 2)", "a"),
            ],
            .form([.text("t"), .integer("start")], .text, fromStart),
            .form([.text("t"), .integer("start"), .integer("count")], .text, making: counted)),
        ExpressionFunction(
            "substr", "The same as `substring`.", [.init("substr('abcdef', 2, 3)", "bcd")],
            .form([.text("t"), .integer("start")], .text, fromStart),
            .form([.text("t"), .integer("start"), .integer("count")], .text, making: counted)),
        ExpressionFunction(
            "left", "The first `n` code points; all but the last when `n` is negative.",
            [.init("left('abcde', 2)", "ab"), .init("left('abcde', -2)", "abc")],
            .form(
                [.text("t"), .integer("n")], .text,
                .cut { (text: TextView, n: Int64) in
                    0..<(n >= 0 ? text.byteOffset(ofPoint: n) : text.byteOffset(fromEnd: n == .min ? .max : -n))
                })),
        ExpressionFunction(
            "right", "The last `n` code points; all but the first when `n` is negative.",
            [.init("right('abcde', 2)", "de"), .init("right('abcde', -2)", "cde")],
            .form(
                [.text("t"), .integer("n")], .text,
                .cut { (text: TextView, n: Int64) in
                    (n >= 0 ? text.byteOffset(fromEnd: n) : text.byteOffset(ofPoint: n == .min ? .max : -n))..<text
                        .count
                })),
        ExpressionFunction(
            "btrim", "The text without the characters (spaces) at its beginning and end. Also `trim(t)`.",
            [.init("btrim('  a b ')", "a b"), .init("btrim('xyaxy', 'xy')", "a"), .init("trim(' a ')", "a")],
            .form([.text("t")], .text, trimmed(true, true)),
            .form([.text("t"), .text("characters")], .text, trimmed(true, true))),
        ExpressionFunction(
            "ltrim", "The text without the characters (spaces) at its beginning. Also `trim(leading c from t)`.",
            [.init("ltrim('xxa', 'x')", "a"), .init("trim(leading '0' from '007')", "7")],
            .form([.text("t")], .text, trimmed(true, false)),
            .form([.text("t"), .text("characters")], .text, trimmed(true, false))),
        ExpressionFunction(
            "rtrim", "The text without the characters (spaces) at its end. Also `trim(trailing c from t)`.",
            [.init("rtrim('a  ')", "a")],
            .form([.text("t")], .text, trimmed(false, true)),
            .form([.text("t"), .text("characters")], .text, trimmed(false, true))),
        ExpressionFunction(
            "split_part", "The `n`-th part between separators, counted from 1; from the end when `n` is negative.",
            [
                .init("split_part('a/b/c', '/', 2)", "b"), .init("split_part('a/b/c', '/', -1)", "c"),
                .init("split_part('a/b/c', '/', 9)", ""),
            ],
            .form([.text("t"), .text("separator"), .integer("n")], .text, .cut(part))),
    ]

    private static let fromStart = Kernel.cut { (text: TextView, start: Int64) in
        text.byteOffset(ofPoint: max(0, start == .min ? 0 : start - 1))..<text.count
    }

    @Sendable private static func counted(_ facts: FormArguments) throws(FormProblem) -> Kernel {
        if let count = facts.integer(2), count < 0 {
            throw FormProblem(
                code: "wrong-arguments", argument: 2,
                message: "substring needs a count, found \(count), expected a whole number, 0 or more")
        }
        return .cut { (text: TextView, start: Int64, count: Int64) in
            guard count >= 0 else { return nil }
            let (end, overflow) = start.addingReportingOverflow(count)
            let from = text.byteOffset(ofPoint: start > 1 ? start - 1 : 0)
            guard !overflow else { return from..<text.count }
            guard end > 1, end > start else { return 0..<0 }
            let rest = text[from..<text.count]
            return from..<(from + rest.byteOffset(ofPoint: end - max(1, start)))
        }
    }

    /// Bytes at which code points begin are looked for among the characters' own.
    private static func trimmed(_ left: Bool, _ right: Bool) -> Kernel {
        Kernel { call in
            let text = call.arguments[0]
            guard call.arguments.count > 1 else {
                call.cut({ text.isThere($0) }) { row in
                    TextView.with([0x20]) { trim(TextView.load(text, row), $0, left, right) }
                }
                return
            }
            let characters = call.arguments[1]
            call.cut({ text.isThere($0) && characters.isThere($0) }) { row in
                trim(TextView.load(text, row), TextView.load(characters, row), left, right)
            }
        }
    }

    private static func trim(_ text: TextView, _ characters: TextView, _ left: Bool, _ right: Bool) -> Range<Int> {
        var (start, end) = (0, text.count)
        if left {
            while start < end {
                let width = text.point(at: start).width
                guard characters.find(text[start..<(start + width)]) != nil else { break }
                start += width
            }
        }
        if right {
            while end > start {
                let last = text[0..<end].byteOffset(fromEnd: 1)
                guard characters.find(text[last..<end]) != nil else { break }
                end = last
            }
        }
        return start..<end
    }

    @Sendable private static func part(_ text: TextView, _ separator: TextView, _ n: Int64) -> Range<Int>? {
        guard n != 0 else { return nil }
        guard separator.count > 0 else { return n == 1 || n == -1 ? 0..<text.count : 0..<0 }
        var wanted = n
        if n < 0 {
            var parts: Int64 = 1
            var from = 0
            while let found = text.find(separator, from: from) {
                parts += 1
                from = found + separator.count
            }
            wanted = parts + n + 1
            guard wanted > 0 else { return 0..<0 }
        }
        var from = 0
        while true {
            let found = text.find(separator, from: from)
            if wanted == 1 { return from..<(found ?? text.count) }
            guard let found else { return 0..<0 }
            wanted -= 1
            from = found + separator.count
        }
    }
}
