import Dataflow
import Declaration

/// Parses tokens into syntax by operator precedence (V. Pratt, "Top down operator precedence", 1973).
///
/// From loose to tight: `or ||`, `and &&`, `not`, comparisons with `in`, `is`, `like` and `between` (which do not
/// chain), `+ -`, `* / %`, `at time zone`, `-` and `!` before a value, `::`.
///
/// Of the words that SQL reserves only a few are keywords here, so that fields may be called `end` or `case`; the
/// others have a meaning only where they can stand.
struct ExpressionParser {
    enum Power {
        static let or = 1
        static let and = 2
        static let not = 3
        static let compare = 4
        static let add = 5
        static let multiply = 6
        static let zone = 7
        static let prefix = 8
        static let cast = 9
    }

    let source: ExpressionSource
    private let tokens: [ExpressionToken]
    private var index = 0
    private var depth = 0

    private init(_ source: ExpressionSource) throws(Diagnostics) {
        self.source = source
        tokens = try ExpressionLexer.tokens(of: source)
    }

    /// Parses the whole text.
    static func parse(_ source: ExpressionSource) throws(Diagnostics) -> ExpressionSyntax {
        var parser = try ExpressionParser(source)
        let syntax = try parser.expression(0)
        let rest = parser.token
        guard rest.kind == .end else {
            throw source.problem(
                "expression-syntax", rest.offset,
                "the expression does not end here, found \(rest.found), expected an operator",
                hint: ForeignSyntax.hint(for: rest))
        }
        return syntax
    }

    var token: ExpressionToken { tokens[index] }

    /// The token behind the present one; the last one once more at the end.
    var nextToken: ExpressionToken { tokens[min(index + 1, tokens.count - 1)] }

    @discardableResult
    mutating func advance() -> ExpressionToken {
        let current = tokens[index]
        if index < tokens.count - 1 { index += 1 }
        return current
    }

    mutating func accept(_ symbol: ExpressionToken.Symbol) -> Bool {
        guard token.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func accept(keyword: ExpressionToken.Keyword) -> Bool {
        guard token.kind == .keyword(keyword) else { return false }
        advance()
        return true
    }

    /// Takes a word that has a meaning at this place only.
    mutating func accept(word: String) -> Bool {
        guard token.isWord(word) else { return false }
        advance()
        return true
    }

    func unexpected(_ expected: String, hint: String? = nil) -> Diagnostics {
        source.problem(
            "expression-syntax", token.offset,
            "the expression is not well formed, found \(token.found), expected \(expected)",
            hint: hint)
    }

    func make(
        _ kind: ExpressionSyntax.Kind, at offset: Int, start: Int, over children: [ExpressionSyntax]
    ) throws(Diagnostics) -> ExpressionSyntax {
        let height = 1 + (children.map(\.height).max() ?? 0)
        guard height <= ExpressionLimits.heightMax else { throw tooDeep(offset) }
        let end = max(tokens[max(0, index - 1)].end, start)
        return ExpressionSyntax(kind: kind, offset: offset, start: start, end: end, height: height)
    }

    private func tooDeep(_ offset: Int) -> Diagnostics {
        source.problem(
            "too-large", offset,
            "the expression nests too deeply, expected at most \(ExpressionLimits.heightMax) levels",
            hint: "write a long list of values as: field in [a, b, c]")
    }
}

extension ExpressionToken {
    /// Whether the token is a name that, unquoted and in any case, reads so.
    func isWord(_ word: String) -> Bool {
        if case .name(let name, isQuoted: false) = kind { name.lowercased() == word } else { false }
    }
}

extension ExpressionParser {
    /// An expression whose operators bind tighter than `power`.
    mutating func expression(_ power: Int) throws(Diagnostics) -> ExpressionSyntax {
        depth += 1
        defer { depth -= 1 }
        guard depth <= ExpressionLimits.heightMax else { throw tooDeep(token.offset) }
        var left = try prefix()
        while let next = try infix(left, above: power) { left = next }
        return left
    }

    private mutating func prefix() throws(Diagnostics) -> ExpressionSyntax {
        let first = token
        switch first.kind {
        case .keyword(.not):
            advance()
            let operand = try expression(Power.not)
            return try make(.not(operand), at: first.offset, start: first.offset, over: [operand])
        case .symbol(.not):
            advance()
            let operand = try expression(Power.prefix)
            return try make(.not(operand), at: first.offset, start: first.offset, over: [operand])
        case .symbol(.minus):
            advance()
            if case .number(let number) = token.kind {
                advance()
                return try literal(number, isNegative: true, at: first.offset)
            }
            let operand = try expression(Power.prefix)
            return try make(.negate(operand), at: first.offset, start: first.offset, over: [operand])
        case .symbol(.leftParenthesis):
            advance()
            var inner = try expression(0)
            guard accept(.rightParenthesis) else { throw unexpected("')' or an operator") }
            inner.start = first.offset
            inner.end = tokens[index - 1].end
            return inner
        default: return try primary()
        }
    }

    private mutating func primary() throws(Diagnostics) -> ExpressionSyntax {
        let first = token
        let literal: ExpressionLiteral
        switch first.kind {
        case .number(let number):
            advance()
            return try self.literal(number, isNegative: false, at: first.offset)
        case .text(let text): literal = .text(text)
        case .keyword(.null): literal = .null
        case .keyword(.true): literal = .boolean(true)
        case .keyword(.false): literal = .boolean(false)
        case .name(let name, let isQuoted):
            if !isQuoted, let special = try form(name.lowercased()) { return special }
            advance()
            if !isQuoted, accept(.leftParenthesis) { return try call(name, at: first.offset) }
            return try make(.field(name), at: first.offset, start: first.offset, over: [])
        default:
            let hint = first.kind == .symbol(.assign) ? "write = or ==" : nil
            throw unexpected("a field, a value or '('", hint: hint)
        }
        advance()
        return try make(.literal(literal), at: first.offset, start: first.offset, over: [])
    }

    private mutating func call(_ name: String, at offset: Int) throws(Diagnostics) -> ExpressionSyntax {
        var arguments: [ExpressionSyntax] = []
        if !accept(.rightParenthesis) {
            if token.kind == .symbol(.times), name.lowercased() == "count" {
                throw unexpected("an expression", hint: "metrics stand under metrics:")
            }
            repeat { arguments.append(try expression(0)) } while accept(.comma)
            guard accept(.rightParenthesis) else { throw unexpected("',' or ')'") }
        }
        return try make(.call(name, arguments), at: offset, start: offset, over: arguments)
    }

    private func literal(
        _ number: ExpressionNumber, isNegative: Bool, at offset: Int
    ) throws(Diagnostics) -> ExpressionSyntax {
        let bound = UInt64(Int64.max) + (isNegative ? 1 : 0)
        let literal: ExpressionLiteral
        if let magnitude = number.magnitude, magnitude <= bound {
            let units = isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude)
            literal = number.scale.map { .decimal(units: units, scale: $0) } ?? .integer(units)
        } else if number.magnitude != nil, number.scale == nil {
            throw source.problem(
                "number-range", offset, "a whole number is too large, expected \(Int64.min) to \(Int64.max)",
                hint: "write \(number.text).0 for a number that need not be exact")
        } else {
            literal = .double(isNegative ? -number.double : number.double)
        }
        return try make(.literal(literal), at: offset, start: offset, over: [])
    }
}
