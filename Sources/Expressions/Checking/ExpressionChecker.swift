import Dataflow
import Declaration

/// A checked expression and the type of its values.
struct TypedPlan {
    /// nil: every value is null, or the value is an interval.
    var plan: ValuePlan?
    /// nil: the literal `null`, which fits every type.
    var type: ValueType?
    /// Whether the value is the same for all records.
    var isConstant: Bool
    /// The value, when the type is `interval`.
    var interval: Interval?

    static func null(_ type: ValueType?) -> TypedPlan { TypedPlan(plan: nil, type: type, isConstant: true) }

    /// The plan of a truth value.
    var condition: BooleanPlan { if case .boolean(let plan)? = plan { plan } else { .null } }

    /// A plan of the representation that `type` has.
    static func call(_ call: CallPlan, _ type: ValueType) -> ValuePlan {
        switch type {
        case .text: .text(.call(call))
        case .double: .double(.call(call))
        case .boolean: .boolean(.call(call))
        case .integer, .decimal, .timestamp, .localTimestamp, .interval: .integer(.call(call))
        }
    }
}

/// Resolves the names and types of an expression against a schema and makes its plan; finds all type errors.
struct ExpressionChecker {
    let source: ExpressionSource
    let schema: RecordSchema
    /// The expression's constant texts, which plans refer to by index.
    private(set) var texts: [[UInt8]] = []
    /// The operations that can fail, which plans refer to by index.
    private(set) var sites: [FailureSite] = []
    /// What is wrong with the expression.
    private(set) var diagnostics = Diagnostics()
    private var boundCount = 0

    init(source: ExpressionSource, schema: RecordSchema) {
        self.source = source
        self.schema = schema
    }

    /// The plan of an expression; nil when a diagnostic says why there is none.
    mutating func check(_ syntax: ExpressionSyntax) -> TypedPlan? {
        switch syntax.kind {
        case .literal(let literal): return constant(literal)
        case .field(let name): return field(name, at: syntax.offset)
        case .negate(let operand): return checkSign(syntax, operand)
        case .arithmetic(let operation, let left, let right): return checkArithmetic(syntax, operation, left, right)
        case .compare(let comparison, let left, let right): return checkComparison(syntax, comparison, left, right)
        case .not(let operand):
            guard let condition = checkCondition(operand, of: "not") else { return nil }
            return fold(.boolean(.not(condition.plan)), .boolean, condition.isConstant)
        case .and(let operands): return checkJoin(syntax, operands, { .and($0) })
        case .or(let operands): return checkJoin(syntax, operands, { .or($0) })
        case .isNull(let operand, let isNegated):
            guard let value = check(operand) else { return nil }
            guard let plan = value.plan else {
                return TypedPlan(plan: .boolean(.constant(!isNegated)), type: .boolean, isConstant: true)
            }
            let test = BooleanPlan.isNull(plan)
            return fold(.boolean(isNegated ? .not(test) : test), .boolean, value.isConstant)
        case .isIn(let operand, let elements, let isNegated):
            return checkMembership(syntax, operand, elements, isNegated: isNegated)
        case .isDistinct(let left, let right, let isNegated):
            return checkDistinction(syntax, left, right, isNegated: isNegated)
        case .cast(let operand, let type): return checkCast(syntax, operand, to: type)
        case .between(let part, let low, let high): return checkRange(syntax, part, low, high)
        case .choose(let operand, let choices, let otherwise):
            return checkChoice(syntax, operand, choices, otherwise)
        case .call(let name, let arguments): return checkCall(syntax, name, arguments)
        }
    }

    /// A plan with its value computed now when it is constant.
    mutating func fold(_ plan: ValuePlan, _ type: ValueType, _ isConstant: Bool) -> TypedPlan {
        guard isConstant else { return TypedPlan(plan: plan, type: type, isConstant: false) }
        let evaluator = ExpressionEvaluator(plan: plan, type: type.column, texts: texts, sites: sites)
        let folded: ValuePlan?
        switch evaluator.constantValue() {
        case nil: folded = nil
        case .integer(let value): folded = .integer(.constant(value))
        case .double(let value): folded = .double(.constant(value))
        case .boolean(let value): folded = .boolean(.constant(value))
        case .text(let bytes): folded = .text(.constant(intern(bytes)))
        }
        return TypedPlan(plan: folded, type: type, isConstant: true)
    }

    mutating func intern(_ bytes: [UInt8]) -> Int {
        if let index = texts.firstIndex(of: bytes) { return index }
        texts.append(bytes)
        return texts.count - 1
    }

    /// A place for the nulls of an operation.
    mutating func site(_ syntax: ExpressionSyntax, _ operation: String) -> Int {
        sites.append(FailureSite(range: syntax.start..<syntax.end, operation: operation))
        return sites.count - 1
    }

    /// A value for several parts of a plan to use, and what is to be computed once for that; nothing for a constant or a
    /// field, which cost nothing.
    mutating func bind(_ value: TypedPlan) -> (value: TypedPlan, operand: BoundOperand?) {
        guard let plan = value.plan, !value.isConstant else { return (value, nil) }
        let number = boundCount
        let part: ValuePlan
        switch plan {
        case .integer(.column), .double(.column), .text(.column), .boolean(.column): return (value, nil)
        case .integer: part = .integer(.bound(number))
        case .double: part = .double(.bound(number))
        case .text: part = .text(.bound(number))
        case .boolean: part = .boolean(.bound(number))
        }
        boundCount += 1
        return (
            TypedPlan(plan: part, type: value.type, isConstant: false), BoundOperand(number: number, plan: plan)
        )
    }

    mutating func report(
        _ code: String, _ offset: Int, _ message: String, hint: String? = nil,
        severity: Diagnostic.Severity = .error
    ) {
        diagnostics.append(Diagnostic(severity, code: code, at: source.location(offset), message, hint: hint))
    }

    /// The operator at `offset` as it was written: a word, or all that is not one.
    func spelling(at offset: Int) -> String {
        let rest = source.scalars[min(offset, source.scalars.count)...]
        let isWord = rest.first?.properties.isAlphabetic ?? false
        let word = String(
            String.UnicodeScalarView(isWord ? rest.prefix { $0.properties.isAlphabetic } : rest.prefix(2)))
        if isWord || ["==", "!=", "<>", "<=", ">=", "&&", "||"].contains(word) { return word.lowercased() }
        return String(word.prefix(1))
    }

    private mutating func constant(_ literal: ExpressionLiteral) -> TypedPlan {
        switch literal {
        case .null: .null(nil)
        case .boolean(let value): TypedPlan(plan: .boolean(.constant(value)), type: .boolean, isConstant: true)
        case .integer(let value): TypedPlan(plan: .integer(.constant(value)), type: .integer, isConstant: true)
        case .decimal(let units, let scale):
            TypedPlan(plan: .integer(.constant(units)), type: .decimal(scale: scale), isConstant: true)
        case .double(let value): TypedPlan(plan: .double(.constant(value)), type: .double, isConstant: true)
        case .timestamp(let value): TypedPlan(plan: .integer(.constant(value)), type: .timestamp, isConstant: true)
        case .interval(let value): TypedPlan(plan: nil, type: .interval, isConstant: true, interval: value)
        case .text(let text):
            TypedPlan(plan: .text(.constant(intern(Array(text.utf8)))), type: .text, isConstant: true)
        }
    }

    private mutating func field(_ name: String, at offset: Int) -> TypedPlan? {
        guard let field = schema[name] else {
            // What is wrong with the field itself is said where it is declared.
            guard !schema.isUnresolved(name) else { return nil }
            diagnostics.append(
                schema.absence(of: name, at: source.location(offset), advice: "a text stands in quotes: '\(name)'"))
            return nil
        }
        let plan: ValuePlan =
            switch field.type {
            case .integer, .decimal, .timestamp: .integer(.column(field.column))
            case .double: .double(.column(field.column))
            case .text: .text(.column(field.column))
            case .boolean: .boolean(.column(field.column))
            }
        return TypedPlan(plan: plan, type: ValueType(field.type), isConstant: false)
    }

    /// An operand that must be a truth value.
    mutating func checkCondition(
        _ syntax: ExpressionSyntax, of word: String
    ) -> (plan: BooleanPlan, isConstant: Bool)? {
        check(syntax).flatMap { condition($0, syntax, of: word) }
    }

    private mutating func condition(
        _ value: TypedPlan, _ syntax: ExpressionSyntax, of word: String
    ) -> (plan: BooleanPlan, isConstant: Bool)? {
        guard value.type == .boolean || value.type == nil else {
            report(
                "wrong-type", syntax.start,
                "'\(word)' joins conditions, found a value of type \(value.type?.description ?? "null"), expected boolean",
                hint: "compare it with something, or test: is not null")
            return nil
        }
        guard case .boolean(let plan)? = value.plan else { return (.null, true) }
        return (plan, value.isConstant)
    }

    private mutating func checkJoin(
        _ syntax: ExpressionSyntax, _ operands: [ExpressionSyntax], _ join: ([BooleanPlan]) -> BooleanPlan
    ) -> TypedPlan? {
        let word = spelling(at: syntax.offset)
        let values = operands.map { check($0) }
        if word == "||", values.contains(where: { $0?.type == .text }),
            !values.contains(where: { $0?.type == .boolean })
        {
            let parts = operands.map { source.text($0.start..<$0.end) }.joined(separator: ", ")
            report(
                "wrong-type", syntax.offset, "'||' joins conditions here, found texts",
                hint: "write concat(\(parts)) to join texts")
            return nil
        }
        let whole = zip(values, operands).compactMap { value, operand in
            value.flatMap { condition($0, operand, of: word) }
        }
        guard whole.count == operands.count else { return nil }
        if word == "||" {
            report(
                "ambiguous-operator", syntax.offset,
                "'||' joins texts in SQL and conditions elsewhere, found it between "
                    + "conditions, expected or", hint: "write or; to join texts, concat(a, b)", severity: .warning)
        }
        return fold(.boolean(join(whole.map(\.plan))), .boolean, whole.allSatisfy(\.isConstant))
    }
}
