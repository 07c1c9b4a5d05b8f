import Declaration
import Expressions

extension GeneratedColumn {
    /// The column in SQL, as `value` computes it.
    /// - Parameter number: a source in SQL.
    package func sql(_ number: (Source) -> String = { SQLWord.name($0.name) }) -> String {
        // -0 is 0.
        Self.sql(formula, number) + " + 0::double precision"
    }

    private static func sql(_ formula: Formula<Source>, _ number: (Source) -> String) -> String {
        switch formula {
        case .number(let value): return "'\(value)'::double precision"
        case .name(let source):
            let value = number(source)
            guard source.isUnbounded else { return "\(value)::double precision" }
            let (low, high) = (magnitudes.lowerBound, magnitudes.upperBound)
            return "CASE WHEN abs(\(value)) BETWEEN '\(low)' AND '\(high)' OR \(value) = 0 "
                + "THEN \(value)::double precision END"
        case .negate(let part): return "(-\(sql(part, number)))"
        case .operation(.divide, let left, let right):
            return "(\(sql(left, number)) / nullif(\(sql(right, number)), 0::double precision))"
        case .operation(let operation, let left, let right):
            return "(\(sql(left, number)) \(operation.rawValue) \(sql(right, number)))"
        }
    }
}
