import Dataflow
import Declaration
import Platform

/// Writes an expression in Postgres's SQL.
struct SQLWriter {
    let source: ExpressionSource
    let schema: RecordSchema
    /// Where the text may mean something else than the expression.
    var remarks: [String] = []

    init(source: ExpressionSource, schema: RecordSchema) {
        self.source = source
        self.schema = schema
    }

    /// The text of an expression, in brackets unless it is one word.
    mutating func operand(_ syntax: ExpressionSyntax) throws(SQLGap) -> String {
        let text = try write(syntax)
        let isWord =
            text.utf8.allSatisfy { $0 == 95 || $0 == 46 || (48...57).contains($0) || (97...122).contains($0 | 0x20) }
        if isWord || Self.isClosed(text) { return text }
        return "(\(text))"
    }

    /// Whether a text is one quoted word, one call or one `CASE`.
    private static func isClosed(_ text: String) -> Bool {
        if text.hasPrefix("CASE ") { return text.hasSuffix(" END") && !text.dropLast(4).contains(" END ") }
        guard let first = text.utf8.first else { return false }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
            // Doubled quotes are of the word.
            return text.utf8.dropFirst().dropLast().split(separator: first, omittingEmptySubsequences: true).count <= 1
                && text.utf8.last == first
        }
        guard let open = text.utf8.firstIndex(of: UInt8(ascii: "(")), text.hasSuffix(")"),
            text.utf8[..<open].allSatisfy({ $0 == 95 || (48...57).contains($0) || (97...122).contains($0) })
        else { return false }
        return closes(text, from: open)
    }

    /// Whether the bracket at a place is closed by the last byte.
    private static func closes(_ text: String, from open: String.Index) -> Bool {
        var depth = 0
        var quote: UInt8?
        let bytes = text.utf8[open...]
        for index in bytes.indices {
            let byte = bytes[index]
            if let inside = quote {
                if byte == inside { quote = nil }
                continue
            }
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\""): quote = byte
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"):
                depth -= 1
                if depth == 0 { return bytes.index(after: index) == bytes.endIndex }
            default: break
            }
        }
        return false
    }

    /// What the checker knows of an expression, and the texts that its plan refers to.
    func typed(_ syntax: ExpressionSyntax) -> (value: TypedPlan, texts: [[UInt8]]) {
        var checker = ExpressionChecker(source: source, schema: schema)
        guard let value = checker.check(syntax) else {
            preconditionFailure("an expression that was checked before: \(checker.diagnostics.report)")
        }
        return (value, checker.texts)
    }

    func type(_ syntax: ExpressionSyntax) -> ValueType? { typed(syntax).value.type }

    /// The text of an expression, which may be several words.
    mutating func write(_ syntax: ExpressionSyntax) throws(SQLGap) -> String {
        switch syntax.kind {
        case .literal(let literal): return Self.text(of: literal)
        case .field(let name): return SQLWord.name(name)
        default: break
        }
        let (value, texts) = typed(syntax)
        if value.isConstant, let text = Self.constant(value, texts) { return text }
        switch syntax.kind {
        case .literal, .field: preconditionFailure("written above")
        case .negate(let part): return "- " + (try operand(part))
        case .not(let part): return "NOT " + (try operand(part))
        case .arithmetic(let operation, let left, let right): return try arithmetic(operation, left, right, value.type)
        case .compare(let comparison, let left, let right):
            return "\(try operand(left)) \(Self.sign(comparison)) \(try operand(right))"
        case .and(let parts): return try operands(parts).joined(separator: " AND ")
        case .or(let parts): return try operands(parts).joined(separator: " OR ")
        case .isNull(let part, let isNegated): return try operand(part) + (isNegated ? " IS NOT NULL" : " IS NULL")
        case .isIn(let part, let list, let isNegated):
            let values = try operands(list).joined(separator: ", ")
            return try operand(part) + (isNegated ? " NOT IN (" : " IN (") + values + ")"
        case .isDistinct(let left, let right, let isNegated):
            return "\(try operand(left)) IS \(isNegated ? "NOT " : "")DISTINCT FROM \(try operand(right))"
        case .between(let part, let low, let high):
            return "\(try operand(part)) BETWEEN \(try operand(low)) AND \(try operand(high))"
        case .cast(let part, let type): return try cast(part, to: type)
        case .choose(let operand, let choices, let otherwise):
            let values = choices.map(\.value) + (otherwise.map { [$0] } ?? [])
            return try Self.fitting(choice(operand, choices, otherwise), value.type, of: values.map { type($0) })
        case .call(let name, let arguments): return try call(name.lowercased(), arguments, value.type)
        }
    }

    mutating func operands(_ parts: [ExpressionSyntax]) throws(SQLGap) -> [String] {
        var texts: [String] = []
        for part in parts { texts.append(try operand(part)) }
        return texts
    }

    private mutating func choice(
        _ subject: ExpressionSyntax?, _ choices: [ChoiceSyntax], _ otherwise: ExpressionSyntax?
    ) throws(SQLGap) -> String {
        var text = "CASE"
        if let subject { text += " " + (try operand(subject)) }
        for choice in choices {
            text += " WHEN \(try operand(choice.condition)) THEN \(try operand(choice.value))"
        }
        if let otherwise { text += " ELSE " + (try operand(otherwise)) }
        return text + " END"
    }

    /// A value that Postgres may compute in 32 bits, in 64.
    static func widened(_ text: String, _ type: ValueType?) -> String {
        type == .integer ? "cast(\(text) AS bigint)" : text
    }

    /// One of several values as one of their common type; null where it leaves the 64 bits that decimals have.
    static func fitting(_ text: String, _ type: ValueType?, of types: [ValueType?]) -> String {
        guard case .decimal(let scale)? = type, types.contains(where: { $0?.exactScale ?? scale < scale }) else {
            return widened(text, type)
        }
        return bounded(text, scale)
    }

    // MARK: - Numbers and times

    private mutating func arithmetic(
        _ operation: Arithmetic, _ left: ExpressionSyntax, _ right: ExpressionSyntax, _ type: ValueType?
    ) throws(SQLGap) -> String {
        let types = (self.type(left), self.type(right))
        var (first, second) = (try operand(left), try operand(right))
        let isExact = types.0?.exactScale != nil && types.1?.exactScale != nil
        let isNumeric = types.0?.isNumeric ?? false || types.1?.isNumeric ?? false
        guard isNumeric, operation == .divide || operation == .remainder else {
            let text = "\(first) \(operation.rawValue) \(second)"
            guard case .decimal(let scale)? = type else { return text }
            return Self.bounded(text, scale)
        }
        if operation == .remainder, !isExact { throw SQLGap(what: "the remainder of doubles") }
        if operation == .divide, isExact, types != (.integer, .integer) {
            (first, second) = ("cast(\(first) AS double precision)", "cast(\(second) AS double precision)")
        }
        return "\(first) \(operation.rawValue) nullif(\(second), 0)"
    }

    private static func sign(_ comparison: Comparison) -> String {
        switch comparison {
        case .equal: "="
        case .notEqual: "<>"
        default: comparison.rawValue
        }
    }

    // MARK: - Constants

    /// The value of an expression that is the same for all records; nil for an interval made of parts.
    private static func constant(_ value: TypedPlan, _ texts: [[UInt8]]) -> String? {
        if let interval = value.interval { return text(of: .interval(interval)) }
        switch value.plan {
        case nil:
            guard let type = value.type?.column else { return "NULL" }
            return "cast(NULL AS \(SQLWord.type(type)))"
        case .integer(.constant(let number))?:
            switch value.type {
            case .timestamp: return text(of: .timestamp(number))
            case .localTimestamp: return "timestamp '\(SQLWord.clock(number))'"
            case .decimal(let scale): return text(of: .decimal(units: number, scale: scale))
            default: return text(of: .integer(number))
            }
        case .double(.constant(let number))?: return text(of: .double(number))
        case .boolean(.constant(let truth))?: return text(of: .boolean(truth))
        case .text(.constant(let index))?: return text(of: .text(String(decoding: texts[index], as: UTF8.self)))
        default: return nil
        }
    }

    private static func text(of literal: ExpressionLiteral) -> String {
        switch literal {
        case .null: return "NULL"
        case .boolean(let value): return value ? "true" : "false"
        // What is written as -9223372036854775808 is a numeric and its sign.
        case .integer(let value): return value == .min ? "cast('\(value)' AS bigint)" : "\(value)"
        case .decimal(let units, let scale):
            // Without places it would be an integer.
            return DecimalText.of(units: units, scale: scale) + (scale == 0 ? "." : "")
        case .double(let value): return "cast('\(value)' AS double precision)"
        case .text(let text): return SQLWord.literal(text)
        case .timestamp(let microseconds): return SQLWord.timestamp(microseconds)
        case .interval(let value):
            return "interval '\(value.months) months \(value.days) days \(value.microseconds) microseconds'"
        }
    }
}
