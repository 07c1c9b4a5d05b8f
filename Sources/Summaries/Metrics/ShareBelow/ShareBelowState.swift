import Dataflow

/// `share_below`: how many values there are, and how many of them are below a number.
final class ShareBelowState<Value: Comparable & BitwiseCopyable>: MetricState {
    private let column: Int
    private let limit: Value
    private var below = StateColumn<UInt64>(initial: 0)
    private var values = StateColumn<UInt64>(initial: 0)

    init(column: Int, below limit: Value) {
        self.column = column
        self.limit = limit
    }

    func grow(to groups: Int) {
        below.grow(to: groups)
        values.grow(to: groups)
    }

    func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        let input = unsafe batch.columns[column].values.assumingMemoryBound(to: Value.self)
        let valid = unsafe batch.columns[column].valid
        let (below, values) = unsafe (self.below.values, self.values.values)
        for index in 0..<rows.count {
            let row = rows[index]
            guard unsafe valid[row] != 0 else { continue }
            let group = unsafe Int(groups[index])
            unsafe values[group] &+= 1
            unsafe below[group] &+= input[row] < limit ? 1 : 0
        }
    }

    func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? ShareBelowState<Value> else { preconditionFailure("merged with another metric") }
        for group in 0..<other.values.count {
            let mine = unsafe Int(map[group])
            unsafe below.values[mine] &+= other.below.values[group]
            unsafe values.values[mine] &+= other.values.values[group]
        }
    }

    var memoryBytes: Int { below.memoryBytes + values.memoryBytes }
}

/// What is asked of the state whatever its values are.
protocol ShareBelowCounts {
    /// How many values of a group are below the number, and how many there are.
    func counts(ofGroup group: Int) -> (below: Int64, values: Int64)
}

extension ShareBelowState: ShareBelowCounts {
    func counts(ofGroup group: Int) -> (below: Int64, values: Int64) {
        unsafe (Int64(below.values[group]), Int64(values.values[group]))
    }
}
