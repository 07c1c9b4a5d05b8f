package import Dataflow

extension ColumnType {
    /// Decimal places of a sum that is kept in 128 bits: a decimal's own, none for integers.
    package var decimalPlaces: Int { if case .decimal(let scale) = self { scale } else { 0 } }
}
