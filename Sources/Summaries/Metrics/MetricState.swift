package import Dataflow
package import Sketches

/// One metric of all groups of a delta: updated a batch at a time, merged a table at a time.
package protocol MetricState: AnyObject {
    /// Makes room for `groups` groups; new ones are empty.
    func grow(to groups: Int)
    /// Takes in the selected rows; `groups` holds one group number per selected row.
    func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>)
    /// Merges another worker's state of the same metric; its group `g` is `map[g]` here.
    func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>)
    /// Bytes allocated.
    var memoryBytes: Int { get }
}

extension MetricPlan {
    /// An empty state for this metric.
    func makeState() -> any MetricState {
        switch (function, type) {
        case (.count, _): CountState()
        case (.sum, .double?): DoubleSumState(column: requiredColumn, counts: false)
        case (.avg, .double?): DoubleSumState(column: requiredColumn, counts: true)
        case (.sum, _), (.avg, _): SumState(column: requiredColumn)
        case (.min, .double?): ExtremeState<Double>(column: requiredColumn, isMaximum: false, initial: .infinity)
        case (.max, .double?): ExtremeState<Double>(column: requiredColumn, isMaximum: true, initial: -.infinity)
        case (.min, _): ExtremeState<Int64>(column: requiredColumn, isMaximum: false, initial: .max)
        case (.max, _): ExtremeState<Int64>(column: requiredColumn, isMaximum: true, initial: .min)
        case (.uniques(let preset), _): UniquesState(column: requiredColumn, preset: preset)
        case (.percentiles, let type): PercentilesState(column: requiredColumn, type: type ?? .double)
        }
    }

    private var requiredColumn: Int {
        guard let column else { preconditionFailure("metric \(name) was planned without a column") }
        return column
    }
}

/// `count()`.
package final class CountState: MetricState {
    private(set) var counts = StateColumn<UInt64>(initial: 0)

    package func grow(to groups: Int) { counts.grow(to: groups) }

    package func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        let counts = unsafe self.counts.values
        for index in 0..<rows.count { unsafe counts[Int(groups[index])] &+= 1 }
    }

    package func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? CountState else { preconditionFailure("merged with another metric") }
        for group in 0..<other.counts.count { unsafe counts.values[Int(map[group])] &+= other.counts.values[group] }
    }

    package var memoryBytes: Int { counts.memoryBytes }

    package func count(ofGroup group: Int) -> Int64 { unsafe Int64(counts.values[group]) }
}

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
