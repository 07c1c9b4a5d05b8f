import Declaration

extension Comparison {
    /// The comparison that a symbol stands for, in either spelling.
    init?(_ symbol: ExpressionToken.Symbol) {
        switch symbol {
        case .assign: self = .equal
        case .unequal: self = .notEqual
        default: self.init(rawValue: symbol.rawValue)
        }
    }
}

extension ExpressionParser {
    /// The operator after `left` with both its sides; nil when none binds tighter than `power`.
    mutating func infix(_ left: ExpressionSyntax, above power: Int) throws(Diagnostics) -> ExpressionSyntax? {
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
        case .symbol(let symbol): return try infix(left, symbol, above: power)
        case .name(let name, isQuoted: false):
            switch name.lowercased() {
            case "like", "ilike", "between":
                guard power < Power.compare else { return nil }
                return try wordComparison(left)
            case "at" where nextToken.isWord("time"):
                guard power < Power.zone else { return nil }
                return try atTimeZone(left)
            default: return nil
            }
        default: return nil
        }
    }

    private mutating func infix(
        _ left: ExpressionSyntax, _ symbol: ExpressionToken.Symbol, above power: Int
    ) throws(Diagnostics) -> ExpressionSyntax? {
        let offset = token.offset
        if let comparison = Comparison(symbol) {
            guard power < Power.compare else { return nil }
            advance()
            let right = try expression(Power.compare)
            try refuseChain()
            return try make(.compare(comparison, left, right), at: offset, start: left.start, over: [left, right])
        }
        switch symbol {
        case .cast:
            guard power < Power.cast else { return nil }
            advance()
            let type = try typeName()
            return try make(.cast(left, to: type), at: offset, start: left.start, over: [left])
        case .match, .matchAnyCase, .noMatch, .noMatchAnyCase:
            guard power < Power.compare else { return nil }
            return try patternMatch(left, symbol)
        default: break
        }
        guard let operation = Arithmetic(rawValue: symbol.rawValue) else { return nil }
        let own = operation == .add || operation == .subtract ? Power.add : Power.multiply
        guard power < own else { return nil }
        advance()
        let right = try expression(own)
        return try make(.arithmetic(operation, left, right), at: offset, start: left.start, over: [left, right])
    }

    /// `text ~ pattern` and its kin.
    private mutating func patternMatch(
        _ left: ExpressionSyntax, _ symbol: ExpressionToken.Symbol
    ) throws(Diagnostics) -> ExpressionSyntax {
        let offset = advance().offset
        var arguments = [left, try expression(Power.compare)]
        if symbol == .matchAnyCase || symbol == .noMatchAnyCase {
            arguments.append(try make(.literal(.text("i")), at: offset, start: offset, over: []))
        }
        try refuseChain()
        let test = try make(.call("regexp_like", arguments), at: offset, start: left.start, over: arguments)
        let isNegated = symbol == .noMatch || symbol == .noMatchAnyCase
        return isNegated ? try make(.not(test), at: offset, start: left.start, over: [test]) : test
    }

    /// Collects `a && b && c` into one node, so that a long condition does not nest.
    private mutating func chain(
        _ left: ExpressionSyntax, _ power: Int, _ symbol: ExpressionToken.Kind, _ keyword: ExpressionToken.Kind,
        _ kind: ([ExpressionSyntax]) -> ExpressionSyntax.Kind
    ) throws(Diagnostics) -> ExpressionSyntax {
        let offset = token.offset
        var parts = [left]
        while token.kind == symbol || token.kind == keyword {
            advance()
            parts.append(try expression(power))
        }
        return try make(kind(parts), at: offset, start: left.start, over: parts)
    }

    /// `is null`, `is distinct from`, `in […]`, `like`, `between`, each also with `not`.
    private mutating func wordComparison(_ left: ExpressionSyntax) throws(Diagnostics) -> ExpressionSyntax {
        let offset = token.offset
        if accept(keyword: .is) { return try isTest(left, at: offset) }
        let isNegated = accept(keyword: .not)
        let result: ExpressionSyntax
        if accept(keyword: .in) {
            result = try membership(left, at: offset, isNegated: isNegated)
        } else if accept(word: "between") {
            result = try range(left, at: offset, isNegated: isNegated)
        } else if token.isWord("like") || token.isWord("ilike") {
            result = try likeness(left, at: offset, isNegated: isNegated)
        } else {
            throw unexpected(
                "in, like or between",
                hint: ForeignSyntax.hint(for: token) ?? "'not' stands before a condition: not (a = b)")
        }
        try refuseChain()
        return result
    }

    private mutating func isTest(_ left: ExpressionSyntax, at offset: Int) throws(Diagnostics) -> ExpressionSyntax {
        let isNegated = accept(keyword: .not)
        if accept(word: "distinct") {
            guard accept(word: "from") else { throw unexpected("from") }
            let right = try expression(Power.compare)
            try refuseChain()
            return try make(
                .isDistinct(left, right, isNegated: isNegated), at: offset, start: left.start, over: [left, right])
        }
        guard accept(keyword: .null) else {
            throw unexpected(
                isNegated ? "null or distinct from" : "null, not null or distinct from",
                hint: ForeignSyntax.hintAfterIs(token, isNegated: isNegated))
        }
        try refuseChain()
        return try make(.isNull(left, isNegated: isNegated), at: offset, start: left.start, over: [left])
    }

    private mutating func membership(
        _ left: ExpressionSyntax, at offset: Int, isNegated: Bool
    ) throws(Diagnostics) -> ExpressionSyntax {
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
        return try make(
            .isIn(left, elements, isNegated: isNegated), at: offset, start: left.start, over: [left] + elements)
    }

    /// `x between low and high`.
    private mutating func range(
        _ left: ExpressionSyntax, at offset: Int, isNegated: Bool
    ) throws(Diagnostics) -> ExpressionSyntax {
        let low = try expression(Power.compare)
        guard accept(keyword: .and) else { throw unexpected("and", hint: "for example level between 1 and 5") }
        let high = try expression(Power.compare)
        let parts = [left, low, high]
        let test = try make(.between(left, low: low, high: high), at: offset, start: left.start, over: parts)
        return isNegated ? try make(.not(test), at: offset, start: left.start, over: [test]) : test
    }

    private mutating func likeness(
        _ left: ExpressionSyntax, at offset: Int, isNegated: Bool
    ) throws(Diagnostics) -> ExpressionSyntax {
        let name = token.isWord("like") ? "like" : "ilike"
        advance()
        var arguments = [left, try expression(Power.compare)]
        if accept(word: "escape") { arguments.append(try expression(Power.compare)) }
        let test = try make(.call(name, arguments), at: offset, start: left.start, over: arguments)
        return isNegated ? try make(.not(test), at: offset, start: left.start, over: [test]) : test
    }

    private mutating func atTimeZone(_ left: ExpressionSyntax) throws(Diagnostics) -> ExpressionSyntax {
        let offset = advance().offset
        advance()
        guard accept(word: "zone") else { throw unexpected("zone", hint: "write at time zone 'Europe/Berlin'") }
        let zone = try expression(Power.zone)
        return try make(.call("timezone", [zone, left]), at: offset, start: left.start, over: [zone, left])
    }

    private func refuseChain() throws(Diagnostics) {
        switch token.kind {
        case .symbol(let symbol) where Comparison(symbol) != nil: break
        case .keyword(.is), .keyword(.in): break
        default: return
        }
        throw source.problem(
            "expression-syntax", token.offset, "comparisons do not chain, found a second one: \(token.found)",
            hint: "write a < b and b < c, or use parentheses")
    }
}
