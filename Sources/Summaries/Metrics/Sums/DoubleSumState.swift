package import Dataflow
package import Sketches

/// The exact sum of doubles, and for `avg` their number.
package final class DoubleSumState: MetricState {
    private let column: Int
    private var table = DoubleSumTable()
    private var counts: ValueCounts?

    init(column: Int, counts: Bool) {
        self.column = column
        self.counts = counts ? ValueCounts() : nil
    }

    package func grow(to groups: Int) {
        table.grow(to: groups)
        counts?.grow(to: groups)
    }

    package func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        let input = batch.columns[column]
        unsafe table.add(input.doubles, valid: input.valid, rows: rows.rows, groups: groups, count: rows.count)
        unsafe counts?.add(valid: input.valid, rows, groups)
    }

    package func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? DoubleSumState else { preconditionFailure("merged with another metric") }
        unsafe table.merge(other.table, groupMap: map)
        unsafe counts?.absorb(other.counts, map)
    }

    package var memoryBytes: Int { table.memoryBytes + (counts?.memoryBytes ?? 0) }

    /// Adds a group's values to a sum.
    package func load(group: Int, into sum: inout DoubleSum) throws(SketchError) {
        try table.load(group: group, into: &sum)
    }

    /// How many values were seen; kept for `avg` only.
    package func count(ofGroup group: Int) -> Int64 { counts?.count(ofGroup: group) ?? 0 }
}
