extension FunctionCatalog {
    private static let cCollation = """
        changes ASCII letters only, as Postgres does for `COLLATE "C"`: what a letter is must not depend on the database
        """

    /// Texts as a whole: letters, lengths, joining.
    static let text: [ExpressionFunction] = [
        ExpressionFunction(
            "lower", "The text with its ASCII letters in lower case; all others stay as they are.",
            [.init("lower('Größe A')", "größe a")], deviation: cCollation,
            .form(
                [.text("t")], .text,
                .write { (text: TextView, out: inout TextWriter) in
                    out.append(text) { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
                    return true
                })),
        ExpressionFunction(
            "upper", "The text with its ASCII letters in upper case; all others stay as they are.",
            [.init("upper('Größe')", "GRößE")], deviation: cCollation,
            .form(
                [.text("t")], .text,
                .write { (text: TextView, out: inout TextWriter) in
                    out.append(text) { (0x61...0x7A).contains($0) ? $0 & 0xDF : $0 }
                    return true
                })),
        ExpressionFunction(
            "initcap", "The text with the first letter of each word in upper case and the others in lower case.",
            [.init("initcap('hello WORLD 2nd')", "Hello World 2nd")], deviation: cCollation,
            .form([.text("t")], .text, .write(capitalized))),
        ExpressionFunction(
            "length", "Unicode code points in the text.", [.init("length('größe')", "5")],
            .form([.text("t")], .integer, .map { (text: TextView) in text.codePoints })),
        ExpressionFunction(
            "char_length", "The same as `length`.", [.init("char_length('größe')", "5")],
            .form([.text("t")], .integer, .map { (text: TextView) in text.codePoints })),
        ExpressionFunction(
            "octet_length", "Bytes of the text in UTF-8.", [.init("octet_length('größe')", "7")],
            .form([.text("t")], .integer, .map { (text: TextView) in Int64(text.count) })),
        ExpressionFunction(
            "bit_length", "Bits of the text in UTF-8.", [.init("bit_length('größe')", "56")],
            .form([.text("t")], .integer, .map { (text: TextView) in Int64(text.count) * 8 })),
        ExpressionFunction(
            "concat", "The texts of all arguments one behind the other; nulls are left out.",
            [.init("concat('a', 1, null, 2.50)", "a12.5")],
            deviation: "refuses booleans, which Postgres writes here as `t` and `f`: cast them",
            FunctionForm(
                parameters: [Parameter(name: "a", kind: .printable)], isVariadic: true, skipsNulls: true, result: .text
            ) { _ in joined(hasSeparator: false) }),
        ExpressionFunction(
            "concat_ws",
            "The texts of all arguments but the first, a constant, which stands between them; nulls are left out.",
            [.init("concat_ws('-', 'a', null, 'b')", "a-b")],
            deviation: "as for `concat`; the separator is the same for all records",
            FunctionForm(
                parameters: [Parameter.text("separator").fixed, Parameter(name: "a", kind: .printable)],
                isVariadic: true,
                skipsNulls: true, result: .text
            ) { facts throws(FormProblem) in
                guard facts.text(0) != nil else {
                    throw FormProblem(
                        code: "wrong-arguments", argument: 0,
                        message: "concat_ws needs a separator, found null, expected a text")
                }
                return joined(hasSeparator: true)
            }),
        ExpressionFunction(
            "repeat", "The text `n` times.", [.init("repeat('ab', 3)", "ababab")],
            .form(
                [.text("t"), .integer("n")], .text,
                .write { (text: TextView, n: Int64, out: inout TextWriter) in
                    guard n > 0, text.count > 0 else { return true }
                    guard n <= Int64(ExpressionLimits.textBytesMax) else { return false }
                    for _ in 0..<n where out.written <= ExpressionLimits.textBytesMax - text.count { out.append(text) }
                    return out.written == text.count * Int(n)
                })),
        ExpressionFunction(
            "reverse", "The text with its code points in reverse order.", [.init("reverse('größe')", "eßörg")],
            .form(
                [.text("t")], .text,
                .write { (text: TextView, out: inout TextWriter) in
                    var end = text.count
                    while end > 0 {
                        let start = text[0..<end].byteOffset(fromEnd: 1)
                        out.append(text[start..<end])
                        end = start
                    }
                    return true
                })),
        ExpressionFunction(
            "lpad", "The text made `n` code points long by `fill` (a space) before it, or by cutting it off.",
            [.init("lpad('7', 3, '0')", "007"), .init("lpad('hello', 2)", "he")],
            .form([.text("t"), .integer("n")], .text, padded(onLeft: true)),
            .form([.text("t"), .integer("n"), .text("fill")], .text, padded(onLeft: true))),
        ExpressionFunction(
            "rpad", "The text made `n` code points long by `fill` (a space) behind it, or by cutting it off.",
            [.init("rpad('ab', 5, 'xy')", "abxyx")],
            .form([.text("t"), .integer("n")], .text, padded(onLeft: false)),
            .form([.text("t"), .integer("n"), .text("fill")], .text, padded(onLeft: false))),
        ExpressionFunction(
            "ascii", "The number of the first code point; 0 for an empty text.", [.init("ascii('ö')", "246")],
            .form(
                [.text("t")], .integer,
                .map { (text: TextView) in
                    text.count == 0 ? Int64(0) : Int64(text.point(at: 0).value)
                })),
        ExpressionFunction(
            "chr", "The code point of a number.", [.init("chr(246)", "ö"), .init("chr(0)", nil)],
            .form(
                [.integer("n")], .text,
                .write { (n: Int64, out: inout TextWriter) in
                    (1...0x10FFFF).contains(n) && out.append(point: UInt32(n))
                })),
        ExpressionFunction(
            "to_hex", "The number in base 16; negative ones as 64 bits.",
            [.init("to_hex(255)", "ff"), .init("to_hex(-1)", "ffffffffffffffff")],
            .form(
                [.integer("n")], .text,
                .write { (n: Int64, out: inout TextWriter) in
                    var shift: UInt64 = 60
                    let bits = UInt64(bitPattern: n)
                    while shift > 0, bits >> shift == 0 { shift -= 4 }
                    while true {
                        out.append(hexDigit(UInt8(bits >> shift & 15)))
                        guard shift > 0 else { return true }
                        shift -= 4
                    }
                })
        )
        .inSQL(.wideNamesake),
    ]

    static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x61 + value - 10 }

    @Sendable private static func capitalized(_ text: TextView, _ out: inout TextWriter) -> Bool {
        var isInside = false
        for index in 0..<text.count {
            let byte = text[index]
            let isLower = (0x61...0x7A).contains(byte)
            let isUpper = (0x41...0x5A).contains(byte)
            out.append(isLower && !isInside ? byte & 0xDF : isUpper && isInside ? byte | 0x20 : byte)
            isInside = isLower || isUpper || (0x30...0x39).contains(byte)
        }
        return true
    }

    private static func joined(hasSeparator: Bool) -> Kernel {
        Kernel { call in
            let separator = hasSeparator ? call.arguments.first : nil
            let parts = call.arguments.dropFirst(hasSeparator ? 1 : 0)
            call.write({ _ in true }) { row, out in
                var isFirst = true
                for part in parts where part.isThere(row) {
                    if !isFirst, let separator { out.append(TextView.load(separator, row)) }
                    out.append(TextView.load(part, row))
                    isFirst = false
                }
                return true
            }
        }
    }

    private static func padded(onLeft: Bool) -> Kernel {
        Kernel { call in
            let (text, n) = (call.arguments[0], call.arguments[1])
            let fill = call.arguments.count > 2 ? call.arguments[2] : nil
            call.write({ text.isThere($0) && n.isThere($0) && (fill?.isThere($0) ?? true) }) { row, out in
                TextView.with([0x20]) { space in
                    pad(
                        TextView.load(text, row), Int64.load(n, row), fill.map { TextView.load($0, row) } ?? space,
                        onLeft, &out)
                }
            }
        }
    }

    private static func pad(
        _ text: TextView, _ n: Int64, _ fill: TextView, _ onLeft: Bool, _ out: inout TextWriter
    ) -> Bool {
        guard n <= Int64(ExpressionLimits.textBytesMax) else { return false }
        let kept = text[0..<text.byteOffset(ofPoint: n)]
        var missing = fill.count == 0 ? 0 : max(0, n - kept.codePoints)
        if !onLeft { out.append(kept) }
        while missing > 0 {
            let part = fill[0..<fill.byteOffset(ofPoint: missing)]
            out.append(part)
            missing -= part.codePoints
        }
        if onLeft { out.append(kept) }
        return true
    }
}
