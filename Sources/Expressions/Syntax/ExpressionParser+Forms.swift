import Declaration

/// What begins with a word and is no plain call: literals with a type, `case`, `cast`, and calls with words inside.
extension ExpressionParser {
    /// The form that the present word begins; nil when it is a field or a function.
    mutating func form(_ word: String) throws(Diagnostics) -> ExpressionSyntax? {
        let offset = token.offset
        if word == "case", beginsOperand(nextToken) { return try caseForm(at: offset) }
        if case .text(let text) = nextToken.kind {
            switch word {
            case "timestamp", "timestamptz": return try timestamp(text, at: offset)
            case "interval": return try interval(text, at: offset)
            default: return nil
            }
        }
        guard nextToken.kind == .symbol(.leftParenthesis) else { return nil }
        switch word {
        case "cast", "try_cast", "safe_cast": return try castForm(at: offset)
        case "if", "iff", "iif": return try ifForm(at: offset)
        case "extract", "position", "trim", "substring": return try wordCall(word, at: offset)
        default: return nil
        }
    }

    private func beginsOperand(_ token: ExpressionToken) -> Bool {
        switch token.kind {
        case .name, .number, .text, .symbol(.leftParenthesis), .symbol(.minus), .symbol(.not): true
        case .keyword(let keyword): [.not, .null, .true, .false].contains(keyword)
        default: false
        }
    }

    private mutating func timestamp(_ text: String, at offset: Int) throws(Diagnostics) -> ExpressionSyntax {
        advance()
        guard let microseconds = TimestampLiteral.parse(text) else {
            throw source.problem(
                "bad-timestamp", token.offset, "a timestamp is not well formed, expected a date and time of RFC 3339",
                hint: "for example timestamp '2026-01-31T12:00:00Z'")
        }
        advance()
        return try make(.literal(.timestamp(microseconds)), at: offset, start: offset, over: [])
    }

    private mutating func interval(_ text: String, at offset: Int) throws(Diagnostics) -> ExpressionSyntax {
        advance()
        guard let interval = IntervalLiteral.parse(text) else {
            throw source.problem(
                "bad-interval", token.offset, "an interval is not well formed, expected amounts with their units",
                hint: "for example interval '1 day' or interval '2 hours 30 minutes'")
        }
        advance()
        return try make(.literal(.interval(interval)), at: offset, start: offset, over: [])
    }

    private mutating func caseForm(at offset: Int) throws(Diagnostics) -> ExpressionSyntax {
        advance()
        let operand = token.isWord("when") ? nil : try expression(0)
        var choices: [ChoiceSyntax] = []
        while accept(word: "when") {
            let condition = try expression(0)
            guard accept(word: "then") else {
                throw unexpected("then or an operator", hint: ForeignSyntax.hint(for: token))
            }
            choices.append(ChoiceSyntax(condition: condition, value: try expression(0)))
        }
        guard !choices.isEmpty else {
            throw unexpected("when", hint: "write case when a > 1 then 'x' else 'y' end")
        }
        let otherwise = accept(word: "else") ? try expression(0) : nil
        guard accept(word: "end") else {
            throw unexpected(otherwise == nil ? "'when', 'else', 'end' or an operator" : "'end' or an operator")
        }
        return try choose(of: operand, choices, otherwise, at: offset)
    }

    private mutating func ifForm(at offset: Int) throws(Diagnostics) -> ExpressionSyntax {
        advance()
        advance()
        let condition = try expression(0)
        guard accept(.comma) else { throw unexpected("',' or an operator", hint: "write if(condition, a, b)") }
        let value = try expression(0)
        let otherwise = accept(.comma) ? try expression(0) : nil
        guard accept(.rightParenthesis) else { throw unexpected("')' or an operator") }
        return try choose(of: nil, [ChoiceSyntax(condition: condition, value: value)], otherwise, at: offset)
    }

    private func choose(
        of operand: ExpressionSyntax?, _ choices: [ChoiceSyntax], _ otherwise: ExpressionSyntax?, at offset: Int
    ) throws(Diagnostics) -> ExpressionSyntax {
        try make(
            .choose(of: operand, choices, otherwise: otherwise), at: offset, start: offset,
            over: choices.flatMap { [$0.condition, $0.value] } + [operand, otherwise].compactMap(\.self))
    }

    private mutating func castForm(at offset: Int) throws(Diagnostics) -> ExpressionSyntax {
        advance()
        advance()
        let operand = try expression(0)
        guard accept(word: "as") else { throw unexpected("as or an operator", hint: "write cast(field as integer)") }
        let type = try typeName()
        guard accept(.rightParenthesis) else { throw unexpected("')'") }
        return try make(.cast(operand, to: type), at: offset, start: offset, over: [operand])
    }

    /// `extract(unit from x)`, `position(a in x)`, `substring(x from a for b)`, `trim(leading a from x)`; the same
    /// calls with commas are plain ones.
    private mutating func wordCall(_ word: String, at offset: Int) throws(Diagnostics) -> ExpressionSyntax? {
        advance()
        advance()
        var name = word
        var arguments: [ExpressionSyntax] = []
        if word == "trim" {
            let sides = ["leading": "ltrim", "trailing": "rtrim", "both": "btrim"]
            if case .name(let side, isQuoted: false) = token.kind, let own = sides[side.lowercased()],
                beginsOperand(nextToken)
            {
                advance()
                name = own
                if accept(word: "from") { return try closed(own, [try expression(0)], at: offset) }
            } else {
                name = "btrim"
            }
        }
        if word == "extract", case .name(let unit, _) = token.kind, nextToken.isWord("from") {
            let place = advance().offset
            arguments.append(try make(.literal(.text(unit)), at: place, start: place, over: []))
        } else if token.kind != .symbol(.rightParenthesis) {
            arguments.append(try expression(word == "position" ? Power.compare : 0))
        }
        switch word {
        case "position" where accept(keyword: .in):
            arguments.insert(try expression(0), at: 0)
            return try closed("strpos", arguments, at: offset)
        case "extract" where accept(word: "from"): arguments.append(try expression(0))
        case "trim" where accept(word: "from"): arguments.insert(try expression(0), at: 0)
        case "substring" where accept(word: "from"):
            arguments.append(try expression(0))
            if accept(word: "for") { arguments.append(try expression(0)) }
        default:
            while accept(.comma) { arguments.append(try expression(0)) }
        }
        return try closed(name, arguments, at: offset)
    }

    private mutating func closed(
        _ name: String, _ arguments: [ExpressionSyntax], at offset: Int
    ) throws(Diagnostics) -> ExpressionSyntax {
        guard accept(.rightParenthesis) else { throw unexpected("',' or ')'") }
        return try make(.call(name, arguments), at: offset, start: offset, over: arguments)
    }

    /// The name of a type, Postgres's or our own.
    mutating func typeName() throws(Diagnostics) -> ValueType {
        let place = token.offset
        guard case .name(let name, isQuoted: false) = token.kind else {
            throw unexpected("a type", hint: TypeName.hint)
        }
        advance()
        switch name.lowercased() {
        case "integer", "int", "bigint", "int8", "int4", "smallint", "int2": return .integer
        case "text", "varchar", "string", "char": return .text
        case "boolean", "bool": return .boolean
        case "float", "float8", "real", "float4": return .double
        case "double":
            _ = accept(word: "precision")
            return .double
        case "timestamptz": return .timestamp
        case "timestamp":
            if accept(word: "with") || accept(word: "without") {
                guard accept(word: "time"), accept(word: "zone") else { throw unexpected("time zone") }
            }
            return .timestamp
        case "decimal", "numeric": return .decimal(scale: try scale(at: place))
        default:
            throw source.problem(
                "unknown-type", place, "there is no type of this name, found '\(name)', expected \(TypeName.list)",
                hint: TypeName.advice(for: name.lowercased()))
        }
    }

    /// The digits after the point of `decimal(n)` or `numeric(p, n)`.
    private mutating func scale(at place: Int) throws(Diagnostics) -> Int {
        guard accept(.leftParenthesis) else {
            throw source.problem(
                "unknown-type", place, "a decimal needs its digits after the point, found none",
                hint: "write decimal(2)")
        }
        var numbers: [Int] = []
        repeat {
            guard case .number(let number) = token.kind, number.scale == nil, let value = number.magnitude,
                value <= 1000
            else { throw unexpected("a whole number") }
            advance()
            numbers.append(Int(value))
        } while accept(.comma) && numbers.count < 2
        guard accept(.rightParenthesis) else { throw unexpected("')'") }
        let scale = numbers[numbers.count - 1]
        guard scale <= ExpressionLimits.scaleMax else {
            throw source.problem(
                "unknown-type", place,
                "a decimal has too many digits after the point, found \(scale), expected at most "
                    + "\(ExpressionLimits.scaleMax)")
        }
        return scale
    }
}

/// What a diagnostic says about names of types.
private enum TypeName {
    static let list = "integer, decimal(n), double, text, boolean or timestamp"
    static let hint = "one of \(list)"

    static func advice(for name: String) -> String? {
        switch name {
        case "date": "write date_trunc('day', field)"
        case "time": "write to_char(field, 'HH24:MI:SS')"
        case "interval": "write interval '1 day', or seconds_between(a, b)"
        case "json", "jsonb": "write json_extract_path_text(field, 'key')"
        case "int64", "long": "write integer"
        case "float64": "write double"
        case "datetime": "write timestamp"
        default: nil
        }
    }
}
