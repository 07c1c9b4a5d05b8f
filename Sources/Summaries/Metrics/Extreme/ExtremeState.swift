package import Dataflow

/// `min` and `max`.
package final class ExtremeState<Value: Comparable & BitwiseCopyable>: MetricState {
    private let column: Int
    private let isMaximum: Bool
    private var values: StateColumn<Value>
    private var seen = StateColumn<UInt8>(initial: 0)

    init(column: Int, isMaximum: Bool, initial: Value) {
        self.column = column
        self.isMaximum = isMaximum
        values = StateColumn(initial: initial)
    }

    package func grow(to groups: Int) {
        values.grow(to: groups)
        seen.grow(to: groups)
    }

    package func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        let input = unsafe batch.columns[column].values.assumingMemoryBound(to: Value.self)
        let valid = unsafe batch.columns[column].valid
        for index in 0..<rows.count {
            let row = rows[index]
            if unsafe valid[row] != 0 { unsafe take(input[row], Int(groups[index])) }
        }
    }

    @inline(__always)
    private func take(_ value: Value, _ group: Int) {
        let known = unsafe values.values[group]
        if isMaximum ? value > known : value < known { unsafe values.values[group] = value }
        unsafe seen.values[group] = 1
    }

    package func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? ExtremeState<Value> else { preconditionFailure("merged with another metric") }
        for group in 0..<other.values.count where unsafe other.seen.values[group] != 0 {
            unsafe take(other.values.values[group], Int(map[group]))
        }
    }

    package var memoryBytes: Int { values.memoryBytes + seen.memoryBytes }

    /// The extreme, nil when no value was seen. A zero may be the negative one, which equals the other: which of them came
    /// first is nobody's business, so whoever shows it adds 0.
    package func value(ofGroup group: Int) -> Value? { unsafe seen.values[group] == 0 ? nil : values.values[group] }
}
