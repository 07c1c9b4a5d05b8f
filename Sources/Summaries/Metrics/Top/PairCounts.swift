import CPrefetch
import Sketches

/// Counts by group and value: a hash table with open addressing, at most 60 % full.
///
/// ```
/// slot    group (32 bits) | value (32 bits), 0: free, since ids of values begin with 1
///         count (48 bits) | highest level (16 bits)
/// ```
@safe
struct PairCounts: ~Copyable {
    private struct Slot: BitwiseCopyable {
        var key: UInt64 = 0
        var tally: UInt64 = 0
    }

    /// Pairs whose slots are read ahead at a time.
    static let stride = 32
    /// Below this size the slots are in the second-level cache and reading ahead only costs.
    static let lookAheadBytes = 1 << 19

    private var slots: UnsafeMutablePointer<Slot>
    private var mask = 63
    private(set) var count = 0

    init() {
        unsafe slots = TableMemory.allocate(Slot.self, 64)
        unsafe slots.initialize(repeating: Slot(), count: 64)
    }

    deinit { unsafe TableMemory.deallocate(slots, count: mask + 1) }

    /// Bytes allocated.
    var memoryBytes: Int { (mask + 1) * MemoryLayout<Slot>.stride }

    /// Adds to the count of a value in a group.
    @inline(__always)
    mutating func add(_ group: UInt32, _ value: UInt32, count: Int64, level: Int) {
        let key = UInt64(group) << 32 | UInt64(value)
        var index = Self.hash(key) & mask
        while true {
            let found = unsafe slots[index].key
            if found == key {
                let tally = unsafe slots[index].tally
                let highest = max(tally & 0xffff, UInt64(truncatingIfNeeded: level))
                unsafe slots[index].tally = (tally & ~0xffff) &+ UInt64(bitPattern: count) << 16 | highest
                return
            }
            if found == 0 { break }
            index = (index &+ 1) & mask
        }
        insert(Slot(key: key, tally: UInt64(bitPattern: count) << 16 | UInt64(level)), at: index)
    }

    /// Adds the counts of another table.
    /// - Parameters:
    ///   - groups: the group here of each group there.
    ///   - values: the value here of each value there.
    mutating func add(_ other: borrowing PairCounts, groups: UnsafePointer<UInt32>, values: UnsafePointer<UInt32>) {
        for slot in 0..<other.slotCount {
            let ahead = slot &+ Self.stride
            if ahead < other.slotCount, unsafe other.slots[ahead].key != 0 {
                let pair = other.pair(at: UInt32(ahead))
                unsafe prefetch(groups[Int(pair.group)], values[Int(pair.value)])
            }
            guard unsafe other.slots[slot].key != 0 else { continue }
            let pair = other.pair(at: UInt32(slot))
            unsafe add(groups[Int(pair.group)], values[Int(pair.value)], count: pair.count, level: pair.level)
        }
    }

    /// Asks for the slots that a stretch of pairs will read: the misses of a large table overlap instead of following one
    /// another.
    @inline(__always)
    func lookAhead(_ groups: UnsafePointer<UInt32>, _ values: UnsafePointer<UInt32>, _ range: Range<Int>) {
        guard mask &* MemoryLayout<Slot>.stride > Self.lookAheadBytes else { return }
        for index in range { unsafe prefetch(groups[index], values[index]) }
    }

    @inline(__always)
    private func prefetch(_ group: UInt32, _ value: UInt32) {
        unsafe millrace_prefetch(slots + Self.hash(UInt64(group) << 32 | UInt64(value)) & mask)
    }

    /// The number of slots, free ones included.
    var slotCount: Int { mask + 1 }

    /// The group of a slot, nil when it is free.
    func group(at slot: Int) -> Int? { unsafe slots[slot].key == 0 ? nil : Int(slots[slot].key >> 32) }

    /// Asks for a slot.
    @inline(__always)
    func prefetch(_ slot: UInt32) { unsafe millrace_prefetch(slots + Int(slot)) }

    /// What a slot holds.
    func pair(at slot: UInt32) -> (group: UInt32, value: UInt32, count: Int64, level: Int) {
        let found = unsafe slots[Int(slot)]
        return (
            UInt32(truncatingIfNeeded: found.key >> 32), UInt32(truncatingIfNeeded: found.key),
            Int64(bitPattern: found.tally >> 16), Int(found.tally & 0xffff)
        )
    }

    @inline(never)
    private mutating func insert(_ slot: Slot, at index: Int) {
        unsafe slots[index] = slot
        count += 1
        guard count * 5 > (mask + 1) * 3 else { return }
        let (old, oldCount) = unsafe (slots, mask + 1)
        precondition(oldCount <= 1 << 30, "the values of one epoch exceed 2^30")
        mask = oldCount * 2 - 1
        unsafe slots = TableMemory.allocate(Slot.self, oldCount * 2)
        unsafe slots.initialize(repeating: Slot(), count: oldCount * 2)
        for place in 0..<oldCount where unsafe old[place].key != 0 {
            var index = unsafe Self.hash(old[place].key) & mask
            while unsafe slots[index].key != 0 { index = (index &+ 1) & mask }
            unsafe slots[index] = old[place]
        }
        unsafe TableMemory.deallocate(old, count: oldCount)
    }

    @inline(__always)
    private static func hash(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: TextInterner.mix(key, 0x9e37_79b9_7f4a_7c15))
    }
}

/// The pairs of each group, side by side.
struct PairIndex {
    private var starts: [UInt32]
    private var slots: [UInt32]

    /// Sorts the pairs of a table by their groups.
    init(_ counts: borrowing PairCounts, groups: Int) {
        var ends = [UInt32](repeating: 0, count: groups + 1)
        for slot in 0..<counts.slotCount {
            if let group = counts.group(at: slot) { ends[group + 1] += 1 }
        }
        for group in 0..<groups { ends[group + 1] += ends[group] }
        starts = ends
        slots = [UInt32](repeating: 0, count: counts.count)
        for slot in 0..<counts.slotCount {
            guard let group = counts.group(at: slot) else { continue }
            slots[Int(ends[group])] = UInt32(slot)
            ends[group] += 1
        }
    }

    /// Bytes allocated.
    var memoryBytes: Int { (starts.capacity + slots.capacity) * 4 }

    /// The positions of a group's pairs.
    func pairs(ofGroup group: Int) -> Range<Int> { Int(starts[group])..<Int(starts[group + 1]) }

    /// The slot of a pair.
    func slot(_ position: Int) -> UInt32 { slots[position] }
}
