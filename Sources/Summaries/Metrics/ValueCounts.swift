import Dataflow

/// How many values each group has seen: 4 bytes a group, 8 once so many values were seen that a counter could overflow.
final class ValueCounts {
    private var narrow = StateColumn<UInt32>(initial: 0)
    private var wide = StateColumn<UInt64>(initial: 0, capacity: 1)
    private var isWide = false
    /// No counter is above this.
    private var total: UInt64 = 0

    func grow(to groups: Int) { if isWide { wide.grow(to: groups) } else { narrow.grow(to: groups) } }

    /// Bytes allocated.
    var memoryBytes: Int { narrow.memoryBytes + wide.memoryBytes }

    /// Counts the selected rows that have a value.
    func add(valid: UnsafePointer<UInt8>, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        reserve(UInt64(rows.count))
        if isWide {
            let counts = unsafe wide.values
            for index in 0..<rows.count {
                unsafe counts[Int(groups[index])] &+= UInt64(valid[rows[index]] != 0 ? 1 : 0)
            }
        } else {
            let counts = unsafe narrow.values
            for index in 0..<rows.count {
                unsafe counts[Int(groups[index])] &+= UInt32(valid[rows[index]] != 0 ? 1 : 0)
            }
        }
    }

    /// Adds another's counts; its group `g` is `map[g]` here.
    func absorb(_ other: ValueCounts?, _ map: UnsafePointer<UInt32>) {
        guard let other else { preconditionFailure("merged with another metric") }
        reserve(other.total)
        for group in 0..<(other.isWide ? other.wide.count : other.narrow.count) {
            let more = UInt64(bitPattern: other.count(ofGroup: group))
            if isWide {
                unsafe wide.values[Int(map[group])] &+= more
            } else {
                unsafe narrow.values[Int(map[group])] &+= UInt32(truncatingIfNeeded: more)
            }
        }
    }

    func count(ofGroup group: Int) -> Int64 {
        isWide
            ? unsafe Int64(bitPattern: wide.values[group]) : unsafe Int64(narrow.values[group])
    }

    /// Makes sure that so many more values, all in one group even, can be counted.
    private func reserve(_ more: UInt64) {
        total += more
        guard !isWide, total > UInt64(UInt32.max) else { return }
        wide.grow(to: narrow.count)
        for group in 0..<narrow.count { unsafe wide.values[group] = UInt64(narrow.values[group]) }
        narrow = StateColumn(initial: 0, capacity: 1)
        isWide = true
    }
}
