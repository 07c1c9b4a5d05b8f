import Dataflow
import Declaration

/// Cuts an expression's text into tokens.
///
/// Names are letters, digits and `_`, or anything between backquotes. Texts stand in single or double quotes; the
/// quote is doubled to stand for itself, and a backslash is an ordinary character. Numbers are `12`, `0.5`, `1e-3`:
/// exact decimals up to 18 digits after the point, doubles beyond and with an exponent.
struct ExpressionLexer {
    private let source: ExpressionSource
    private var index = 0

    init(_ source: ExpressionSource) {
        self.source = source
    }

    /// All tokens, the last one `.end`.
    static func tokens(of source: ExpressionSource) throws(Diagnostics) -> [ExpressionToken] {
        guard source.scalars.count <= ExpressionLimits.lengthMax else {
            throw source.problem(
                "too-large", 0,
                "the expression is too long, found \(source.scalars.count) characters, "
                    + "expected at most \(ExpressionLimits.lengthMax)")
        }
        var lexer = ExpressionLexer(source)
        var tokens: [ExpressionToken] = []
        repeat { tokens.append(try lexer.next()) } while tokens.last?.kind != .end
        return tokens
    }

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        source.scalars.indices.contains(index + ahead) ? source.scalars[index + ahead] : nil
    }

    private mutating func next() throws(Diagnostics) -> ExpressionToken {
        while let scalar = peek(), scalar.properties.isWhitespace { index += 1 }
        let start = index
        guard let scalar = peek() else { return ExpressionToken(kind: .end, offset: start, end: start) }
        let kind: ExpressionToken.Kind =
            switch scalar {
            case "0"..."9": try number()
            case "." where peek(1).map { ("0"..."9").contains($0) } ?? false: try number()
            case "'", "\"": .text(try quoted(by: scalar, "text"))
            case "`": .name(try quoted(by: scalar, "name"), isQuoted: true)
            default: if isNameStart(scalar) { word() } else { .symbol(try symbol()) }
            }
        return ExpressionToken(kind: kind, offset: start, end: index)
    }

    private func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic
    }

    private mutating func word() -> ExpressionToken.Kind {
        let start = index
        while let scalar = peek(), isNameStart(scalar) || scalar.properties.numericType == .decimal { index += 1 }
        let text = String(String.UnicodeScalarView(source.scalars[start..<index]))
        if let keyword = ExpressionToken.Keyword(rawValue: text.lowercased()) { return .keyword(keyword) }
        return .name(text, isQuoted: false)
    }

    private mutating func quoted(by quote: Unicode.Scalar, _ what: String) throws(Diagnostics) -> String {
        let start = index
        var content = String.UnicodeScalarView()
        index += 1
        while let scalar = peek() {
            index += 1
            if scalar != quote {
                content.append(scalar)
            } else if peek() == quote {
                content.append(quote)
                index += 1
            } else {
                return String(content)
            }
        }
        throw source.problem(
            "expression-syntax", start, "a \(what) has no end, found no closing \(quote)",
            hint: "double the quote to write it inside: \(quote)\(quote)")
    }

    private static let pathHint =
        "what is nested in the document is a field with a path where records are parsed; where JSON stands in a text, write "
        + "json_extract_path_text(field, 'key')"

    private mutating func symbol() throws(Diagnostics) -> ExpressionToken.Symbol {
        if peek() == "-", peek(1) == ">" {
            throw source.problem(
                "expression-syntax", index, "there is no operator '->' here, expected a function",
                hint: Self.pathHint)
        }
        for length in [3, 2, 1] where index + length <= source.scalars.count {
            let text = String(String.UnicodeScalarView(source.scalars[index..<(index + length)]))
            if let symbol = ExpressionToken.Symbol(rawValue: text) {
                index += length
                return symbol
            }
        }
        let found = source.scalars[index]
        let hint: String? =
            switch found {
            case "&": "write && or and"
            case "|": "write || or or"
            case "?": "write if(condition, a, b)"
            case ".", "#": Self.pathHint
            default: nil
            }
        let shown = found.properties.generalCategory == .control ? "a control character" : "'\(found)'"
        throw source.problem(
            "expression-syntax", index, "a character has no meaning here, found \(shown), expected an operator",
            hint: hint)
    }
}

extension ExpressionLexer {
    private mutating func digits() -> [Unicode.Scalar] {
        var digits: [Unicode.Scalar] = []
        while let scalar = peek(), ("0"..."9").contains(scalar) {
            digits.append(scalar)
            index += 1
        }
        return digits
    }

    private mutating func number() throws(Diagnostics) -> ExpressionToken.Kind {
        let start = index
        let whole = digits()
        var fraction: [Unicode.Scalar]?
        if peek() == "." {
            index += 1
            fraction = digits()
        }
        var hasExponent = false
        if let scalar = peek(), scalar == "e" || scalar == "E" {
            hasExponent = true
            index += 1
            if let sign = peek(), sign == "+" || sign == "-" { index += 1 }
            guard !digits().isEmpty else {
                throw source.problem("expression-syntax", start, "a number has no digits after its exponent")
            }
        }
        if let scalar = peek(), isNameStart(scalar) || scalar == "." {
            throw source.problem(
                "expression-syntax", start, "a number is not well formed, found '\(scalar)' after its digits",
                hint: "put names that begin with a digit in backquotes")
        }
        let text = String(String.UnicodeScalarView(source.scalars[start..<index]))
        let double = Double((whole.isEmpty ? "0" : "") + (text.hasSuffix(".") ? text + "0" : text))
        guard let double, double.isFinite else {
            throw source.problem("number-range", start, "a number is too large, expected at most 1.8e308")
        }
        var number = ExpressionNumber(text: text, magnitude: nil, scale: nil, double: double)
        guard !hasExponent else { return .number(number) }
        if var fraction {
            while fraction.last == "0" { fraction.removeLast() }
            if fraction.count <= ExpressionLimits.scaleMax {
                number.magnitude = UInt64(String(String.UnicodeScalarView(["0"] + whole + fraction)))
            }
            number.scale = fraction.count
        } else {
            number.magnitude = UInt64(text)
            guard number.magnitude != nil else {
                throw source.problem(
                    "number-range", start, "a whole number is too large, expected at most \(Int64.max)",
                    hint: "write \(text).0 for a number that need not be exact")
            }
        }
        return .number(number)
    }
}
