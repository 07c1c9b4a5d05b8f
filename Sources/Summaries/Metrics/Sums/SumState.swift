package import Dataflow

/// The exact sum of integers or decimals, and their number: the state of `sum` and `avg`. 2^64 values of 64 bits fit in
/// 128, so no check is needed.
package final class SumState: MetricState {
    private let column: Int
    private var sums = StateColumn<Int128>(initial: 0)
    private var counts = StateColumn<UInt64>(initial: 0)

    init(column: Int) { self.column = column }

    package func grow(to groups: Int) {
        sums.grow(to: groups)
        counts.grow(to: groups)
    }

    package func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        let (values, valid) = unsafe (batch.columns[column].integers, batch.columns[column].valid)
        let (sums, counts) = unsafe (self.sums.values, self.counts.values)
        for index in 0..<rows.count {
            let row = rows[index]
            guard unsafe valid[row] != 0 else { continue }
            let group = unsafe Int(groups[index])
            unsafe sums[group] &+= Int128(values[row])
            unsafe counts[group] &+= 1
        }
    }

    package func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? SumState else { preconditionFailure("merged with another metric") }
        for group in 0..<other.sums.count {
            let mine = unsafe Int(map[group])
            unsafe sums.values[mine] &+= other.sums.values[group]
            unsafe counts.values[mine] &+= other.counts.values[group]
        }
    }

    package var memoryBytes: Int { sums.memoryBytes + counts.memoryBytes }

    /// The sum in units of 10^-scale, nil when no value was seen.
    package func sum(ofGroup group: Int) -> Int128? { unsafe counts.values[group] == 0 ? nil : sums.values[group] }

    /// How many values were seen.
    package func count(ofGroup group: Int) -> Int64 { unsafe Int64(counts.values[group]) }
}
