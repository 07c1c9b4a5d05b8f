import Dataflow
import Declaration

/// Parses tokens into syntax by operator precedence (V. Pratt, "Top down operator precedence", 1973).
///
/// From loose to tight: `or ||`, `and &&`, `not`, comparisons with `in` and `is` (which do not chain), `+ -`,
/// `* / %`, and `-` and `!` before a value.
struct ExpressionParser {
    private enum Power {
        static let or = 1
        static let and = 2
        static let not = 3
        static let compare = 4
        static let add = 5
        static let multiply = 6
        static let prefix = 7
    }

    private let source: ExpressionSource
    private let tokens: [ExpressionToken]
    private var index = 0
    private var depth = 0

    private init(_ source: ExpressionSource) throws(Diagnostics) {
        self.source = source
        tokens = try ExpressionLexer.tokens(of: source)
        if let assign = tokens.first(where: { $0.kind == .symbol(.assign) }) {
            throw source.problem(
                "expression-syntax", assign.offset,
                "a character has no meaning here, found '=', expected an operator", hint: "write == to compare")
        }
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

    private var token: ExpressionToken { tokens[index] }

    private mutating func advance() -> ExpressionToken {
        let current = tokens[index]
        if index < tokens.count - 1 { index += 1 }
        return current
    }

    private mutating func accept(_ symbol: ExpressionToken.Symbol) -> Bool {
        guard token.kind == .symbol(symbol) else { return false }
        _ = advance()
        return true
    }

    private mutating func accept(keyword: ExpressionToken.Keyword) -> Bool {
        guard token.kind == .keyword(keyword) else { return false }
        _ = advance()
        return true
    }

    private func unexpected(_ expected: String, hint: String? = nil) -> Diagnostics {
        source.problem(
            "expression-syntax", token.offset,
            "the expression is not well formed, found \(token.found), expected \(expected)",
            hint: hint)
    }

    private func make(
        _ kind: ExpressionSyntax.Kind, at offset: Int, start: Int, over children: [ExpressionSyntax]
    ) throws(Diagnostics) -> ExpressionSyntax {
        let height = 1 + (children.map(\.height).max() ?? 0)
        guard height <= ExpressionLimits.heightMax else { throw tooDeep(offset) }
        return ExpressionSyntax(kind: kind, offset: offset, start: start, height: height)
    }

    private func tooDeep(_ offset: Int) -> Diagnostics {
        source.problem(
            "too-large", offset,
            "the expression nests too deeply, expected at most \(ExpressionLimits.heightMax) levels",
            hint: "write a long list of values as: field in [a, b, c]")
    }
}

extension ExpressionParser {
    private mutating func expression(_ power: Int) throws(Diagnostics) -> ExpressionSyntax {
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
            _ = advance()
            let operand = try expression(Power.not)
            return try make(.not(operand), at: first.offset, start: first.offset, over: [operand])
        case .symbol(.not):
            _ = advance()
            let operand = try expression(Power.prefix)
            return try make(.not(operand), at: first.offset, start: first.offset, over: [operand])
        case .symbol(.minus):
            _ = advance()
            if case .number(let number) = token.kind {
                _ = advance()
                return try literal(number, isNegative: true, at: first.offset)
            }
            let operand = try expression(Power.prefix)
            return try make(.negate(operand), at: first.offset, start: first.offset, over: [operand])
        case .symbol(.leftParenthesis):
            _ = advance()
            var inner = try expression(0)
            guard accept(.rightParenthesis) else { throw unexpected("')' or an operator") }
            inner.start = first.offset
            return inner
        default: return try primary()
        }
    }

    private mutating func primary() throws(Diagnostics) -> ExpressionSyntax {
        let first = token
        let literal: ExpressionLiteral
        switch first.kind {
        case .number(let number):
            _ = advance()
            return try self.literal(number, isNegative: false, at: first.offset)
        case .text(let text): literal = .text(text)
        case .keyword(.null): literal = .null
        case .keyword(.true): literal = .boolean(true)
        case .keyword(.false): literal = .boolean(false)
        case .name(let name, let isQuoted):
            _ = advance()
            if !isQuoted, name.lowercased() == "timestamp", case .text(let text) = token.kind {
                return try timestamp(text, at: first.offset)
            }
            if !isQuoted, accept(.leftParenthesis) { return try call(name, at: first.offset) }
            return try make(.field(name), at: first.offset, start: first.offset, over: [])
        default: throw unexpected("a field, a value or '('")
        }
        _ = advance()
        return try make(.literal(literal), at: first.offset, start: first.offset, over: [])
    }

    private mutating func call(_ name: String, at offset: Int) throws(Diagnostics) -> ExpressionSyntax {
        var arguments: [ExpressionSyntax] = []
        if !accept(.rightParenthesis) {
            repeat { arguments.append(try expression(0)) } while accept(.comma)
            guard accept(.rightParenthesis) else { throw unexpected("',' or ')'") }
        }
        return try make(.call(name, arguments), at: offset, start: offset, over: arguments)
    }

    private mutating func timestamp(_ text: String, at offset: Int) throws(Diagnostics) -> ExpressionSyntax {
        guard let microseconds = TimestampLiteral.parse(text) else {
            throw source.problem(
                "bad-timestamp", token.offset, "a timestamp is not well formed, expected a date and time of RFC 3339",
                hint: "for example timestamp '2026-01-31T12:00:00Z'")
        }
        _ = advance()
        return try make(.literal(.timestamp(microseconds)), at: offset, start: offset, over: [])
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

extension ExpressionParser {
    /// The operator after `left` with both its sides; nil when none binds tighter than `power`.
    private mutating func infix(
        _ left: ExpressionSyntax, above power: Int
    ) throws(Diagnostics) -> ExpressionSyntax? {
        let offset = token.offset
        switch token.kind {
        case .symbol(.or), .keyword(.or):
            guard power < Power.or else { return nil }
            return try chain(left, Power.or, .symbol(.or), .keyword(.or)) { .or($0) }
        case .symbol(.and), .keyword(.and):
            guard power < Power.and else { return nil }
            return try chain(left, Power.and, .symbol(.and), .keyword(.and)) { .and($0) }
        case .keyword(.is), .keyword(.in), .keyword(.not):
            guard power < Power.compare else { return nil }
            return try wordComparison(left)
        case .symbol(let symbol):
            if let comparison = Comparison(rawValue: symbol.rawValue) {
                guard power < Power.compare else { return nil }
                _ = advance()
                let right = try expression(Power.compare)
                try refuseChain()
                return try make(.compare(comparison, left, right), at: offset, start: left.start, over: [left, right])
            }
            guard let operation = Arithmetic(rawValue: symbol.rawValue) else { return nil }
            let own = operation == .add || operation == .subtract ? Power.add : Power.multiply
            guard power < own else { return nil }
            _ = advance()
            let right = try expression(own)
            return try make(.arithmetic(operation, left, right), at: offset, start: left.start, over: [left, right])
        default: return nil
        }
    }

    /// Collects `a && b && c` into one node, so that a long condition does not nest.
    private mutating func chain(
        _ left: ExpressionSyntax, _ power: Int, _ symbol: ExpressionToken.Kind, _ keyword: ExpressionToken.Kind,
        _ kind: ([ExpressionSyntax]) -> ExpressionSyntax.Kind
    ) throws(Diagnostics) -> ExpressionSyntax {
        let offset = token.offset
        var parts = [left]
        while token.kind == symbol || token.kind == keyword {
            _ = advance()
            parts.append(try expression(power))
        }
        return try make(kind(parts), at: offset, start: left.start, over: parts)
    }

    /// `is null`, `is not null`, `in […]`, `not in […]`.
    private mutating func wordComparison(_ left: ExpressionSyntax) throws(Diagnostics) -> ExpressionSyntax {
        let offset = token.offset
        if accept(keyword: .is) {
            let isNegated = accept(keyword: .not)
            guard accept(keyword: .null) else {
                throw unexpected(
                    isNegated ? "null" : "null or not null",
                    hint: ForeignSyntax.hintAfterIs(token, isNegated: isNegated))
            }
            try refuseChain()
            return try make(.isNull(left, isNegated: isNegated), at: offset, start: left.start, over: [left])
        }
        let isNegated = accept(keyword: .not)
        guard accept(keyword: .in) else {
            throw unexpected(
                "in", hint: ForeignSyntax.hint(for: token) ?? "'not' stands before a condition: not (a == b)")
        }
        let isBracket = token.kind == .symbol(.leftBracket)
        guard accept(.leftBracket) || accept(.leftParenthesis) else {
            throw unexpected("a list", hint: "for example country in ['DE', 'FR']")
        }
        let close: ExpressionToken.Symbol = isBracket ? .rightBracket : .rightParenthesis
        var elements: [ExpressionSyntax] = []
        if !accept(close) {
            repeat { elements.append(try expression(Power.compare)) } while accept(.comma)
            guard accept(close) else { throw unexpected("',' or '\(close.rawValue)'") }
        }
        try refuseChain()
        return try make(
            .isIn(left, elements, isNegated: isNegated), at: offset, start: left.start, over: [left] + elements)
    }

    private func refuseChain() throws(Diagnostics) {
        switch token.kind {
        case .symbol(let symbol) where Comparison(rawValue: symbol.rawValue) != nil: break
        case .keyword(.is), .keyword(.in): break
        default: return
        }
        throw source.problem(
            "expression-syntax", token.offset, "comparisons do not chain, found a second one: \(token.found)",
            hint: "write a < b && b < c, or use parentheses")
    }
}
