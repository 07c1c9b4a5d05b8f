package import Expressions

/// A column that is computed from the metrics of its row: `error_ratio: errors / requests`.
///
/// It is a double. An operation on null is null, and so is a division by 0.
package struct GeneratedColumn: Sendable {
    /// A shown column of a metric.
    package struct Source: Hashable, Sendable {
        /// The position of the metric.
        package var metric: Int
        /// The position of the column among those of the metric.
        package var column: Int
        /// The column's name.
        package var name: String
        /// Whether its values are those of a field of doubles, which may be of any size.
        package var isUnbounded: Bool

        /// A column.
        package init(metric: Int, column: Int, name: String, isUnbounded: Bool) {
            self.metric = metric
            self.column = column
            self.name = name
            self.isUnbounded = isUnbounded
        }
    }

    /// The magnitudes of doubles that take part, 0 apart: so no operation of Postgres can overflow or underflow, which
    /// would refuse the row. Others count as null.
    package static let magnitudes = 1e-70...1e70

    /// The column's name.
    package var name: String
    /// What it is made of.
    package var formula: Formula<Source>
    /// The formula in canonical form.
    package var text: String

    /// A column.
    package init(name: String, formula: Formula<Source>, text: String) {
        self.name = name
        self.formula = formula
        self.text = text
    }

    /// The value of a row.
    /// - Parameter number: the value of a metric's column, nil for null.
    package func value(_ number: (Source) -> Double?) -> Double? {
        // -0 is 0.
        Self.value(formula, number).map { $0 + 0 }
    }

    private static func value(_ formula: Formula<Source>, _ number: (Source) -> Double?) -> Double? {
        switch formula {
        case .number(let value): return value
        case .name(let source):
            guard let value = number(source) else { return nil }
            let isOfUse = !source.isUnbounded || value == 0 || magnitudes.contains(value.magnitude)
            return isOfUse ? value : nil
        case .negate(let part): return value(part, number).map { -$0 }
        case .operation(let operation, let left, let right):
            guard let left = value(left, number), let right = value(right, number) else { return nil }
            switch operation {
            case .add: return left + right
            case .subtract: return left - right
            case .multiply: return left * right
            case .divide: return right == 0 ? nil : left / right
            }
        }
    }
}
