package import Dataflow

/// `count()` and `count(f)`.
package final class CountState: MetricState {
    private let column: Int?
    private(set) var counts = StateColumn<UInt64>(initial: 0)

    /// - Parameter column: the column whose values are counted; nil for all records.
    init(column: Int? = nil) { self.column = column }

    package func grow(to groups: Int) { counts.grow(to: groups) }

    package func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        let counts = unsafe self.counts.values
        guard let column else {
            for index in 0..<rows.count { unsafe counts[Int(groups[index])] &+= 1 }
            return
        }
        let valid = unsafe batch.columns[column].valid
        for index in 0..<rows.count {
            unsafe counts[Int(groups[index])] &+= valid[rows[index]] != 0 ? 1 : 0
        }
    }

    package func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? CountState else { preconditionFailure("merged with another metric") }
        for group in 0..<other.counts.count { unsafe counts.values[Int(map[group])] &+= other.counts.values[group] }
    }

    package var memoryBytes: Int { counts.memoryBytes }

    package func count(ofGroup group: Int) -> Int64 { unsafe Int64(counts.values[group]) }
}
