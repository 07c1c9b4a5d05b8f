import Declaration

extension SQLWriter {
    /// A call of a function, by the form of it that the checker takes.
    mutating func call(
        _ name: String, _ arguments: [ExpressionSyntax], _ type: ValueType?
    ) throws(SQLGap) -> String {
        guard let function = FunctionCatalog[name] else { preconditionFailure("a function that was checked before") }
        let values = arguments.map { typed($0).value }
        switch function.body {
        case .special:
            let list = try operands(arguments).joined(separator: ", ")
            return Self.fitting("\(name)(\(list))", type, of: values.map(\.type))
        case .forms(let forms):
            let fitting = forms.filter { $0.fits(values.map(\.type)) }
            let best = fitting.first { form in
                values.indices.allSatisfy { values[$0].isConstant || !form.parameter($0).isConstant }
            }
            guard let form = best ?? fitting.first else { preconditionFailure("a call that was checked before") }
            var texts: [String] = []
            for (index, argument) in arguments.enumerated() {
                let kind = form.parameter(index).kind
                texts.append(try self.argument(argument, values[index], kind, function.sql))
            }
            guard let text = function.sql.call(name, texts) else { throw SQLGap(what: "the function \(name)") }
            remarkOnPattern(function, arguments)
            if function.name.hasPrefix("json_") {
                remarks.append("a text that is no JSON stops the query, and makes a null in the table")
            }
            return Self.widened(text, type)
        }
    }

    /// An argument of the type that Postgres's function has there.
    private mutating func argument(
        _ syntax: ExpressionSyntax, _ value: TypedPlan, _ kind: Parameter.Kind, _ sql: FunctionSQL
    ) throws(SQLGap) -> String {
        let text = try operand(syntax)
        switch kind {
        case .integer:
            if case .wideNamesake = sql { return text }
            return value.isConstant ? text : "cast(\(text) AS integer)"
        case .double: return value.type == .double ? text : "cast(\(text) AS double precision)"
        case .exact: return value.type == .integer ? "cast(\(text) AS numeric)" : text
        case .printable: return value.isConstant ? text : Self.printable(text, value.type)
        case .text, .boolean, .timestamp, .localTimestamp, .interval: return text
        }
    }

    /// A value whose text is to be that of its type: a decimal has all of its digits.
    static func printable(_ text: String, _ type: ValueType?) -> String {
        guard case .decimal(let scale)? = type else { return text }
        return "cast(\(text) AS numeric(38, \(scale)))"
    }

    /// Parts of patterns that RE2 and Postgres read differently.
    private static let ownOfRE2 = ["\\b", "\\B", "\\z", "\\p", "\\P", "\\Q", "(?", "*?", "+?", "??", "}?"]

    private mutating func remarkOnPattern(_ function: ExpressionFunction, _ arguments: [ExpressionSyntax]) {
        guard function.name.hasPrefix("regexp_"), arguments.count > 1,
            case .literal(.text(let pattern)) = arguments[1].kind,
            let part = Self.ownOfRE2.first(where: { pattern.contains($0) })
        else { return }
        remarks.append("the pattern '\(pattern)' holds \(part), which Postgres may read differently")
    }

    // MARK: - Casts

    /// A cast; null where it fails, as far as Postgres can tell beforehand.
    mutating func cast(_ part: ExpressionSyntax, to type: ValueType) throws(SQLGap) -> String {
        let source = self.type(part)
        let text = try operand(part)
        guard let column = type.column, let source, source != type else { return text }
        let plain = "cast(\(text) AS \(SQLWord.type(column)))"
        switch (source, type) {
        case (.text, .integer): return Self.number(text, digits: Self.wholeNumber, Self.wholeRange, "bigint")
        case (.text, .decimal(let scale)):
            return Self.number(text, digits: Self.anyNumber, Self.range(scale), "numeric(38, \(scale))")
        case (.text, .double): return Self.number(text, digits: Self.anyNumber, Self.doubleRange, "double precision")
        case (.text, .boolean):
            return SQLWord.truth(of: text)
        case (.text, .timestamp):
            remarks.append("a text that is no timestamp stops the query, and is null in the table")
            return plain
        case (.integer, .boolean): return "\(text) <> 0"
        case (.boolean, .integer): return "cast(cast(\(text) AS integer) AS bigint)"
        case (.double, .integer):
            return "CASE WHEN \(text) >= -9223372036854775808 AND \(text) < 9223372036854775808 THEN \(plain) END"
        case (.double, .decimal(let scale)): return Self.bounded("round(cast(\(text) AS numeric), \(scale))", scale)
        case (.integer, .decimal(let scale)), (.decimal, .decimal(let scale)): return Self.bounded(plain, scale)
        case (.decimal, .integer): return "cast(round(\(text)) AS bigint)"
        case (_, .text): return "cast(\(Self.printable(text, source)) AS text)"
        default: return plain
        }
    }

    private static let wholeNumber = "[+-]?[0-9]+"
    private static let anyNumber = "[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
    private static let wholeRange = "BETWEEN -9223372036854775808 AND 9223372036854775807"
    private static let doubleRange = "BETWEEN -1.7976931348623158e308 AND 1.7976931348623158e308"
    private static func range(_ scale: Int) -> String {
        "BETWEEN -9223372036854775808e-\(scale) AND 9223372036854775807e-\(scale)"
    }

    /// An exact value of a scale; null where it leaves the 64 bits that decimals have in the engine.
    static func bounded(_ text: String, _ scale: Int) -> String {
        "(SELECT CASE WHEN v \(range(scale)) THEN v END FROM (VALUES (\(text))) AS n(v))"
    }

    /// The number that a text is; null where it is none, or none of the type.
    private static func number(_ text: String, digits: String, _ range: String, _ type: String) -> String {
        let trimmed = SQLWord.trimmed(text)
        return "CASE WHEN \(trimmed) ~ '^\(digits)$' THEN CASE WHEN cast(\(trimmed) AS numeric) \(range) "
            + "THEN cast(cast(\(trimmed) AS numeric) AS \(type)) END END"
    }
}
