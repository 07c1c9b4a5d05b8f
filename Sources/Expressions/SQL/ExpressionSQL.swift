import Dataflow
package import Declaration

/// An expression in Postgres's SQL.
package struct ExpressionSQL: Sendable {
    /// The text: a value that binds as tightly as a name.
    package var text: String
    /// Where the text may mean something else than the expression, each in a sentence.
    package var remarks: [String]
}

/// Why an expression cannot be said in SQL.
package struct SQLGap: Error {
    /// What there is no SQL for.
    package var what: String
}

extension TypedExpression {
    /// The expression over the columns of a relation: its value, of the type that a column has.
    ///
    /// Session settings decide nothing about it but the time zone, which has to be UTC. Where the engine makes null of a
    /// value that cannot be computed, the query does so too, or fails; it never answers another value.
    /// - Throws: what there is no SQL for.
    package func sql(over relation: QueryRelation) throws(SQLGap) -> ExpressionSQL {
        let text = source.text(0..<source.scalars.count)
        guard let expression = try? Expression.parse(text, at: source.start) else {
            preconditionFailure("an expression that was parsed before")
        }
        var writer = SQLWriter(source: source, schema: relation.schema)
        let value = try writer.operand(expression.syntax)
        return ExpressionSQL(text: value, remarks: writer.remarks)
    }
}
