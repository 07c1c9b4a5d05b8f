package import Dataflow
package import Declaration

/// An expression of the filter language as written in a topology file, not yet checked against any records.
///
/// The language: fields by name (in backquotes when the name is not a plain word), texts in quotes, numbers, `true`,
/// `false`, `null`, `timestamp '2026-01-31T12:00:00Z'`; `= <> < <= > >=` and `== !=`, `and or not` and `&& || !`,
/// `+ - * / %`, `in […]`, `is null`, `like`, `between`, `case`, casts, and the functions of `FunctionCatalog`.
///
/// Meaning: Postgres's, with its three-valued logic. An operation on null is null; overflow, division by zero, a
/// failed cast and a result that is not finite are null, and counted. Integers and decimals are exact: a decimal is
/// compared with a literal or another decimal by value, whatever the scales; `integer / integer` is cut off towards
/// zero. A comparison or an operation with a double is done in doubles, as is the division of decimals. Texts compare
/// by their UTF-8 bytes, which is code point order.
package struct Expression: Sendable {
    let source: ExpressionSource
    let syntax: ExpressionSyntax

    /// Parses an expression that begins at `start` of its file.
    ///
    /// - Throws: the syntax error with its place; a retry does not help.
    package static func parse(_ text: String, at start: SourceLocation) throws(Diagnostics) -> Expression {
        let source = ExpressionSource(text, at: start)
        return Expression(source: source, syntax: try ExpressionParser.parse(source))
    }

    /// Resolves names and types against the records the expression will see.
    ///
    /// - Throws: all type errors with their places; a retry does not help.
    package func check(against schema: RecordSchema) throws(Diagnostics) -> TypedExpression {
        var checker = ExpressionChecker(source: source, schema: schema)
        let typed = checker.check(syntax)
        guard let typed, !checker.diagnostics.hasErrors else { throw checker.diagnostics }
        guard let type = (typed.type ?? .boolean).column else {
            throw source.problem(
                "wrong-type", syntax.start,
                "the expression has no type that a record can hold, found \(typed.type ?? .boolean), expected another",
                hint: typed.type == .interval
                    ? "write seconds_between(a, b)" : "write at time zone behind it, or to_char(field, 'YYYY-MM-DD')")
        }
        return TypedExpression(
            resultType: type, warnings: checker.diagnostics, source: source, plan: typed.plan, texts: checker.texts,
            sites: checker.sites)
    }

    /// As `check(against:)`, for an expression that decides whether a record is kept.
    ///
    /// - Throws: also when the expression is not a condition.
    package func checkCondition(against schema: RecordSchema) throws(Diagnostics) -> TypedExpression {
        let typed = try check(against: schema)
        guard typed.resultType == .boolean else {
            throw source.problem(
                "wrong-type", syntax.start,
                "the expression is not a condition, found \(typed.resultType), expected boolean",
                hint: "compare it with something")
        }
        return typed
    }
}

/// An expression whose names and types are resolved against one schema.
package struct TypedExpression: Sendable {
    /// The type of the expression's values.
    package let resultType: ColumnType
    /// What is probably not meant so.
    package let warnings: Diagnostics
    let source: ExpressionSource
    let plan: ValuePlan?
    let texts: [[UInt8]]
    let sites: [FailureSite]

    /// An evaluator of its own for one thread.
    /// - Parameter memory: what it draws its memory from, as `kept`.
    package func makeEvaluator(drawingFrom memory: MemoryAccountant? = nil) -> ExpressionEvaluator {
        ExpressionEvaluator(plan: plan, type: resultType, texts: texts, sites: sites, memory: memory)
    }

    /// Where an operation of the expression stands in its file.
    package func location(of site: FailureSite) -> SourceLocation { source.location(site.range.lowerBound) }
}
