package import Dataflow
package import Sketches

/// `uniques`: one HyperLogLog per group, and how many values it has seen: an estimate is never above that.
package final class UniquesState: MetricState {
    private let column: Int
    package private(set) var table: DistinctCountTable
    private let counts = ValueCounts()

    init(column: Int, preset: MetricPlan.HLLPreset) {
        self.column = column
        table = DistinctCountTable(parameters: preset.parameters)
    }

    package func grow(to groups: Int) {
        table.grow(to: groups)
        counts.grow(to: groups)
    }

    package func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        let hashes = unsafe batch.hashes(ofColumn: column)
        unsafe table.insert(
            hashes: hashes, valid: batch.columns[column].valid, rows: rows.rows, groups: groups, count: rows.count)
        unsafe counts.add(valid: batch.columns[column].valid, rows, groups)
    }

    package func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? UniquesState else { preconditionFailure("merged with another metric") }
        unsafe table.merge(other.table, groupMap: map)
        unsafe counts.absorb(other.counts, map)
    }

    package var memoryBytes: Int { table.memoryBytes + counts.memoryBytes }

    /// How many values a group has seen.
    package func valueCount(ofGroup group: Int) -> Int64 { counts.count(ofGroup: group) }

    /// What people read: the estimate as a whole number, never above the number of values.
    /// - Parameter values: how many values the sketch has seen, nil when nobody knows.
    package static func shown(_ estimate: Double, values: Int64?) -> Int64 {
        let rounded = Int64(exactly: estimate.rounded()) ?? .max
        return values.map { min(rounded, $0) } ?? rounded
    }

    /// Adds a group's sketch to an accumulator.
    package func load(group: Int, into sketch: inout HyperLogLog) { table.load(group: group, into: &sketch) }
}

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

extension MetricPlan.HLLPreset {
    /// The sketch parameters behind the preset.
    package var parameters: HyperLogLogParameters {
        switch self {
        case .standard: .standard
        case .compact: .compact
        case .precise: .precise
        }
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
