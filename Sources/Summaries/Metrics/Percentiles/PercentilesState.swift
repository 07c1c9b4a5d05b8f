package import Dataflow
package import Sketches

/// `percentiles`: one exponential histogram per group.
package final class PercentilesState: MetricState {
    private let column: Int
    private let isDouble: Bool
    package private(set) var table: QuantileTable

    init(column: Int, type: ColumnType) {
        self.column = column
        isDouble = type == .double
        table = QuantileTable(valueKind: QuantileValueKind(type))
    }

    package func grow(to groups: Int) { table.grow(to: groups) }

    package func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        let input = batch.columns[column]
        if isDouble {
            unsafe table.insert(
                doubles: input.doubles, valid: input.valid, rows: rows.rows, groups: groups, count: rows.count)
        } else {
            unsafe table.insert(
                integers: input.integers, valid: input.valid, rows: rows.rows, groups: groups, count: rows.count)
        }
    }

    package func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? PercentilesState else { preconditionFailure("merged with another metric") }
        unsafe table.merge(other.table, groupMap: map)
    }

    package var memoryBytes: Int { table.memoryBytes }

    /// Adds a group's histogram to an accumulator.
    package func load(group: Int, into histogram: inout ExponentialHistogram) throws(SketchError) {
        try table.load(group: group, into: &histogram)
    }
}

extension QuantileValueKind {
    /// How values of a column are kept.
    package init(_ type: ColumnType) {
        switch type {
        case .decimal(let scale): self = .decimal(scale: scale)
        case .double: self = .double
        default: self = .integer
        }
    }
}
