import Expressions
import Postgres
import Summaries

/// A column that Postgres computes from others of its row.
struct GeneratedTableColumn: Sendable {
    /// The column's name.
    let name: String
    /// What it is made of, in SQL.
    let expression: String

    init(_ column: GeneratedColumn) {
        name = column.name
        // -0 is 0.
        expression = Self.sql(column.formula) + " + 0::double precision"
    }

    /// The column in CREATE TABLE.
    var definition: String {
        "\(SQLName.quote(name)) double precision GENERATED ALWAYS AS (\(expression)) STORED"
    }

    /// As `GeneratedColumn.value` computes it.
    private static func sql(_ formula: Formula<GeneratedColumn.Source>) -> String {
        switch formula {
        case .number(let value): return "'\(value)'::double precision"
        case .name(let source):
            let column = SQLName.quote(source.name)
            guard source.isUnbounded else { return "\(column)::double precision" }
            let (low, high) = (GeneratedColumn.magnitudes.lowerBound, GeneratedColumn.magnitudes.upperBound)
            return "CASE WHEN abs(\(column)) BETWEEN '\(low)' AND '\(high)' OR \(column) = 0 "
                + "THEN \(column)::double precision END"
        case .negate(let part): return "(-\(sql(part)))"
        case .operation(.divide, let left, let right):
            return "(\(sql(left)) / nullif(\(sql(right)), 0::double precision))"
        case .operation(let operation, let left, let right):
            return "(\(sql(left)) \(operation.rawValue) \(sql(right)))"
        }
    }
}
