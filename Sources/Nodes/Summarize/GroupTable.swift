/// Group keys (tuples of 32-bit ids) to dense group numbers 0, 1, 2, … in order of first appearance.
///
/// Open addressing, linear probing, at most 60 % full. Up to four ids are compared as two words held in the slot; more
/// ids go through `tails`. A key of one id needs no hashing at all: ids are dense already.
@safe
struct GroupTable: ~Copyable {
    private struct Slot {
        var low: UInt64 = 0
        var high: UInt64 = 0
        /// Group number + 1; 0: free.
        var group: UInt64 = 0
    }

    /// Ids per key.
    let width: Int
    private var slots: UnsafeMutablePointer<Slot>
    private var mask: Int
    private var direct = StateColumn<UInt32>(initial: 0)
    /// All ids of all groups, `width` per group.
    private var keys = StateColumn<UInt32>(initial: 0)
    /// Groups so far.
    private(set) var count = 0

    init(width: Int) {
        self.width = width
        mask = 255
        unsafe slots = .allocate(capacity: 256)
        unsafe slots.initialize(repeating: Slot(), count: 256)
    }

    deinit { unsafe slots.deallocate() }

    /// Bytes allocated.
    var memoryBytes: Int {
        (mask + 1) * MemoryLayout<Slot>.stride + direct.memoryBytes + keys.memoryBytes
    }

    /// The id at `position` of a group's key.
    @inline(__always)
    func id(_ position: Int, ofGroup group: Int) -> UInt32 { unsafe keys.values[group * width + position] }

    /// Finds or makes the group of each row.
    ///
    /// - Parameters:
    ///   - ids: one pointer per key position, each to `count` ids.
    ///   - groups: gets `count` group numbers.
    mutating func assign(
        ids: UnsafePointer<UnsafeMutablePointer<UInt32>>, count rows: Int, into groups: UnsafeMutablePointer<UInt32>
    ) {
        switch width {
        case 0: preconditionFailure("keys of no ids have one group: assignOnlyGroup")
        case 1: unsafe assignDirect(ids[0], rows, groups)
        case 2: unsafe assignTwo(ids[0], ids[1], rows, groups)
        case 3: unsafe assignThree(ids[0], ids[1], ids[2], rows, groups)
        case 4: unsafe assignFour(ids[0], ids[1], ids[2], ids[3], rows, groups)
        default: unsafe assignMany(ids, rows, groups)
        }
    }

    /// The same for keys of no ids: all rows are in one group.
    mutating func assignOnlyGroup(count rows: Int, into groups: UnsafeMutablePointer<UInt32>) {
        count = 1
        unsafe groups.update(repeating: 0, count: rows)
    }

    private mutating func assignDirect(
        _ ids: UnsafeMutablePointer<UInt32>, _ rows: Int, _ groups: UnsafeMutablePointer<UInt32>
    ) {
        for row in 0..<rows {
            let id = unsafe ids[row]
            direct.grow(to: Int(id) + 1)
            var group = unsafe direct.values[Int(id)]
            if group == 0 {
                keys.append(id)
                count += 1
                group = UInt32(count)
                unsafe direct.values[Int(id)] = group
            }
            unsafe groups[row] = group - 1
        }
    }

    private mutating func assignTwo(
        _ first: UnsafeMutablePointer<UInt32>, _ second: UnsafeMutablePointer<UInt32>, _ rows: Int,
        _ groups: UnsafeMutablePointer<UInt32>
    ) {
        for row in 0..<rows {
            unsafe groups[row] = find(UInt64(first[row]) | UInt64(second[row]) << 32, 0)
        }
    }

    private mutating func assignThree(
        _ first: UnsafeMutablePointer<UInt32>, _ second: UnsafeMutablePointer<UInt32>,
        _ third: UnsafeMutablePointer<UInt32>, _ rows: Int, _ groups: UnsafeMutablePointer<UInt32>
    ) {
        for row in 0..<rows {
            unsafe groups[row] = find(UInt64(first[row]) | UInt64(second[row]) << 32, UInt64(third[row]))
        }
    }

    private mutating func assignFour(
        _ first: UnsafeMutablePointer<UInt32>, _ second: UnsafeMutablePointer<UInt32>,
        _ third: UnsafeMutablePointer<UInt32>, _ fourth: UnsafeMutablePointer<UInt32>, _ rows: Int,
        _ groups: UnsafeMutablePointer<UInt32>
    ) {
        for row in 0..<rows {
            unsafe groups[row] = find(
                UInt64(first[row]) | UInt64(second[row]) << 32, UInt64(third[row]) | UInt64(fourth[row]) << 32)
        }
    }

    /// Keys of five ids and more: the slot holds two hashes of the key, the key itself is compared in `keys`.
    private mutating func assignMany(
        _ ids: UnsafePointer<UnsafeMutablePointer<UInt32>>, _ rows: Int, _ groups: UnsafeMutablePointer<UInt32>
    ) {
        for row in 0..<rows {
            var low: UInt64 = 0
            for position in 0..<width { low = unsafe TextInterner.mix(low, UInt64(ids[position][row]) &+ 1) }
            var index = Int(truncatingIfNeeded: low) & mask
            while true {
                let slot = unsafe slots[index]
                if slot.group == 0 {
                    for position in 0..<width { unsafe keys.append(ids[position][row]) }
                    unsafe groups[row] = insert(low, 0, at: index)
                    break
                }
                let start = Int(slot.group - 1) * width
                if slot.low == low, unsafe isKey(at: start, equalTo: ids, row) {
                    unsafe groups[row] = UInt32(slot.group - 1)
                    break
                }
                index = (index + 1) & mask
            }
        }
    }

    private func isKey(at start: Int, equalTo ids: UnsafePointer<UnsafeMutablePointer<UInt32>>, _ row: Int) -> Bool {
        for position in 0..<width where unsafe keys.values[start + position] != ids[position][row] { return false }
        return true
    }

    @inline(__always)
    private mutating func find(_ low: UInt64, _ high: UInt64) -> UInt32 {
        var index = Int(truncatingIfNeeded: TextInterner.mix(low, high)) & mask
        while true {
            let slot = unsafe slots[index]
            if slot.low == low, slot.high == high, slot.group != 0 {
                return UInt32(truncatingIfNeeded: slot.group &- 1)
            }
            if slot.group == 0 { return add(low, high, at: index) }
            index = (index + 1) & mask
        }
    }

    private mutating func add(_ low: UInt64, _ high: UInt64, at index: Int) -> UInt32 {
        for position in 0..<width {
            let word = position < 2 ? low : high
            keys.append(UInt32(truncatingIfNeeded: word >> (position % 2 == 0 ? 0 : 32)))
        }
        return insert(low, high, at: index)
    }

    private mutating func insert(_ low: UInt64, _ high: UInt64, at index: Int) -> UInt32 {
        let group = UInt32(count)
        count += 1
        unsafe slots[index] = Slot(low: low, high: high, group: UInt64(count))
        if count * 5 > (mask + 1) * 3 { rehash() }
        return group
    }

    private mutating func rehash() {
        let old = unsafe slots
        let oldCount = mask + 1
        mask = oldCount * 2 - 1
        unsafe slots = .allocate(capacity: oldCount * 2)
        unsafe slots.initialize(repeating: Slot(), count: oldCount * 2)
        for oldIndex in 0..<oldCount where unsafe old[oldIndex].group != 0 {
            let slot = unsafe old[oldIndex]
            let hash = width <= 4 ? TextInterner.mix(slot.low, slot.high) : slot.low
            var index = Int(truncatingIfNeeded: hash) & mask
            while unsafe slots[index].group != 0 { index = (index + 1) & mask }
            unsafe slots[index] = slot
        }
        unsafe old.deallocate()
    }
}
