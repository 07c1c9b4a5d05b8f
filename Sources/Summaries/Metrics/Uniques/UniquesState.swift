package import Dataflow
package import Sketches

/// `uniques`: one HyperLogLog per group, and how many values it has seen: an estimate is never above that.
package final class UniquesState: MetricState {
    private let column: Int
    package private(set) var table: DistinctCountTable
    private let counts = ValueCounts()

    init(column: Int, parameters: HyperLogLogParameters) {
        self.column = column
        table = DistinctCountTable(parameters: parameters)
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
