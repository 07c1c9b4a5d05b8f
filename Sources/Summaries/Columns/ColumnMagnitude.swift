import Expressions
import Foundation

/// How large and how small the values of a formula can be, as decimal logarithms of what is not 0.
struct ColumnMagnitude {
    /// The least exponent of ten.
    var low: Double
    /// The greatest one.
    var high: Double

    /// Whether a double holds all of them.
    var isSafe: Bool { low > -307 && high < 307 }

    /// Exact sums of integers have 128 bits, decimals 18 places.
    private static let bounded = ColumnMagnitude(low: -38, high: 39)

    /// - Returns: the magnitude of the result; nil when that of a part may leave the range of doubles.
    init?(_ formula: Formula<GeneratedColumn.Source>) {
        guard let found = Self.of(formula) else { return nil }
        self = found
    }

    private init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }

    private static func of(_ formula: Formula<GeneratedColumn.Source>) -> ColumnMagnitude? {
        let found: ColumnMagnitude
        switch formula {
        case .number(let value):
            let exponent = value == 0 ? 0 : log10(value.magnitude)
            found = ColumnMagnitude(low: exponent, high: exponent)
        case .name(let source):
            guard source.isUnbounded else { return bounded }
            found = ColumnMagnitude(
                low: log10(GeneratedColumn.magnitudes.lowerBound), high: log10(GeneratedColumn.magnitudes.upperBound))
        case .negate(let part): return of(part)
        case .operation(let operation, let left, let right):
            guard let left = of(left), let right = of(right) else { return nil }
            switch operation {
            case .add, .subtract:
                // What is left of a difference is at least a unit in the last place.
                found = ColumnMagnitude(low: min(left.low, right.low) - 16, high: max(left.high, right.high) + 0.31)
            case .multiply: found = ColumnMagnitude(low: left.low + right.low, high: left.high + right.high)
            case .divide: found = ColumnMagnitude(low: left.low - right.high, high: left.high - right.low)
            }
        }
        return found.isSafe ? found : nil
    }
}
