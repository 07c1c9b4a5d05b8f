extension FunctionCatalog {
    /// What is looked for in texts, and replaced.
    static let textSearch: [ExpressionFunction] = [
        ExpressionFunction(
            "starts_with", "Whether the text begins with another.", [.init("starts_with('abc', 'ab')", "true")],
            .form([.text("t"), .text("beginning")], .boolean, .map { (a: TextView, b: TextView) in a.hasPrefix(b) })),
        ExpressionFunction(
            "ends_with", "Whether the text ends with another.", [.init("ends_with('abc', 'bc')", "true")], isOwn: true,
            .form([.text("t"), .text("ending")], .boolean, .map { (a: TextView, b: TextView) in a.hasSuffix(b) })
        )
        .inSQL(.words { "right(\($0[0]), length(\($0[1]))) = \($0[1])" }),
        ExpressionFunction(
            "contains", "Whether the text holds another.", [.init("contains('abc', 'b')", "true")], isOwn: true,
            .form([.text("t"), .text("part")], .boolean, .map { (a: TextView, b: TextView) in a.contains(b) })
        )
        .inSQL(.words { "strpos(\($0[0]), \($0[1])) > 0" }),
        ExpressionFunction(
            "strpos", "Where another text begins in this one, in code points from 1; 0 when it does not.",
            [.init("strpos('größe', 'ß')", "4"), .init("position('ß' in 'größe')", "4")],
            .form([.text("t"), .text("part")], .integer, .map(position))),
        ExpressionFunction(
            "position", "The same as `strpos`; `position(part in t)` is written more often.",
            [.init("position('größe', 'ß')", "4")],
            .form([.text("t"), .text("part")], .integer, .map(position))
        )
        .inSQL(.words { "strpos(\($0[0]), \($0[1]))" }),
        ExpressionFunction(
            "replace", "The text with every occurrence of `from` replaced.",
            [.init("replace('a-b-c', '-', '')", "abc")],
            .form([.text("t"), .text("from"), .text("to")], .text, .write(replaced))),
        ExpressionFunction(
            "translate",
            "The text with each character of `from` replaced by the one at the same place of `to`, or dropped.",
            [.init("translate('12345', '143', 'ax')", "a2x5")],
            .form([.text("t"), .text("from"), .text("to")], .text, .write(translated))),
    ]

    @Sendable private static func position(_ text: TextView, _ part: TextView) -> Int64? {
        guard let found = text.find(part) else { return 0 }
        return text[0..<found].codePoints + 1
    }

    @Sendable private static func replaced(
        _ text: TextView, _ from: TextView, _ to: TextView, _ out: inout TextWriter
    ) -> Bool {
        guard from.count > 0 else {
            out.append(text)
            return true
        }
        var start = 0
        while let found = text.find(from, from: start) {
            out.append(text[start..<found])
            out.append(to)
            start = found + from.count
        }
        out.append(text[start..<text.count])
        return true
    }

    @Sendable private static func translated(
        _ text: TextView, _ from: TextView, _ to: TextView, _ out: inout TextWriter
    ) -> Bool {
        var index = 0
        while index < text.count {
            let width = text.point(at: index).width
            let character = text[index..<(index + width)]
            index += width
            guard let found = firstPoint(of: character, in: from) else {
                out.append(character)
                continue
            }
            let start = to.byteOffset(ofPoint: found)
            if start < to.count { out.append(to[start..<(start + to.point(at: start).width)]) }
        }
        return true
    }

    /// Which code point of a text a character is, counted from 0.
    private static func firstPoint(of character: TextView, in text: TextView) -> Int64? {
        text.find(character).map { text[0..<$0].codePoints }
    }
}
