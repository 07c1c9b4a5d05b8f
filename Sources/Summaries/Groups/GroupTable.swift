import CPrefetch
import Sketches

/// Group keys (tuples of 32-bit ids) to dense group numbers 0, 1, 2, … in order of first appearance.
///
/// Open addressing, linear probing, at most 60 % full. A slot holds half of the key's hash and the group's number; the
/// ids are compared where they are kept for all groups anyway, up to four of them as two words. A key of one id needs no
/// hashing at all: ids are dense already.
@safe
struct GroupTable: ~Copyable {
    private struct Slot: BitwiseCopyable {
        var tag: UInt32 = 0
        /// Group number + 1; 0: free.
        var group: UInt32 = 0
    }

    /// Up to four ids as two words.
    private struct Key {
        var low: UInt64
        var high: UInt64
        @inline(__always) var hash: UInt64 { TextInterner.mix(low, high) }
    }

    /// Rows whose slots and keys are read ahead at a time.
    private static let stride = 32
    /// Below this size the slots are in the second-level cache and reading ahead only costs.
    private static let lookAheadBytes = 1 << 19

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
        unsafe slots = TableMemory.allocate(Slot.self, 256)
        unsafe slots.initialize(repeating: Slot(), count: 256)
    }

    deinit { unsafe TableMemory.deallocate(slots, count: mask + 1) }

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
        case 2:
            let (first, second) = unsafe (ids[0], ids[1])
            unsafe assign(rows, groups) { row in
                unsafe Key(low: UInt64(first[row]) | UInt64(second[row]) &<< 32, high: 0)
            } known: { key in
                unsafe Key(low: UnsafeRawPointer(key).loadUnaligned(as: UInt64.self), high: 0)
            }
        case 3:
            let (first, second, third) = unsafe (ids[0], ids[1], ids[2])
            unsafe assign(rows, groups) { row in
                unsafe Key(low: UInt64(first[row]) | UInt64(second[row]) &<< 32, high: UInt64(third[row]))
            } known: { key in
                unsafe Key(low: UnsafeRawPointer(key).loadUnaligned(as: UInt64.self), high: UInt64(key[2]))
            }
        case 4:
            let (first, second, third, fourth) = unsafe (ids[0], ids[1], ids[2], ids[3])
            unsafe assign(rows, groups) { row in
                unsafe Key(
                    low: UInt64(first[row]) | UInt64(second[row]) &<< 32,
                    high: UInt64(third[row]) | UInt64(fourth[row]) &<< 32)
            } known: { key in
                unsafe Key(
                    low: UnsafeRawPointer(key).loadUnaligned(as: UInt64.self),
                    high: UnsafeRawPointer(key + 2).loadUnaligned(as: UInt64.self))
            }
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

    /// - Parameters:
    ///   - wanted: the key of a row.
    ///   - known: the key of a group, from its ids.
    @inline(__always)
    private mutating func assign(
        _ rows: Int, _ groups: UnsafeMutablePointer<UInt32>, _ wanted: (Int) -> Key,
        known: (UnsafePointer<UInt32>) -> Key
    ) {
        var start = 0
        while start < rows {
            let end = min(start &+ Self.stride, rows)
            if mask &* MemoryLayout<Slot>.stride > Self.lookAheadBytes { lookAhead(start..<end, wanted) }
            for row in start..<end { unsafe groups[row] = find(wanted(row), known) }
            start = end
        }
    }

    /// Asks for the slots that a stretch of rows will read, then for the keys behind them: the misses of a large table
    /// overlap instead of following one another.
    @inline(__always)
    private func lookAhead(_ range: Range<Int>, _ wanted: (Int) -> Key) {
        unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: Self.stride) { places in
            guard let places = places.baseAddress else { return }
            for row in range {
                let place = Int(truncatingIfNeeded: wanted(row).hash) & mask
                unsafe places[row &- range.lowerBound] = place
                unsafe millrace_prefetch(slots + place)
            }
            for index in 0..<range.count {
                let group = unsafe slots[places[index]].group
                if group != 0 { unsafe millrace_prefetch(keys.values + Int(group &- 1) &* width) }
            }
        }
    }

    @inline(__always)
    private mutating func find(_ key: Key, _ known: (UnsafePointer<UInt32>) -> Key) -> UInt32 {
        let hash = key.hash
        let tag = UInt32(truncatingIfNeeded: hash &>> 32)
        var index = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = unsafe slots[index]
            if slot.group == 0 { return add(key, hash, at: index) }
            if slot.tag == tag {
                let found = unsafe known(keys.values + Int(slot.group &- 1) &* width)
                if found.low == key.low, found.high == key.high { return slot.group &- 1 }
            }
            index = (index &+ 1) & mask
        }
    }

    @inline(never)
    private mutating func add(_ key: Key, _ hash: UInt64, at index: Int) -> UInt32 {
        for position in 0..<width {
            let word = position < 2 ? key.low : key.high
            keys.append(UInt32(truncatingIfNeeded: word &>> (position & 1 == 0 ? 0 : 32)))
        }
        return insert(hash, at: index)
    }

    /// Keys of five ids and more.
    private mutating func assignMany(
        _ ids: UnsafePointer<UnsafeMutablePointer<UInt32>>, _ rows: Int, _ groups: UnsafeMutablePointer<UInt32>
    ) {
        for row in 0..<rows {
            let hash = hash { unsafe ids[$0][row] }
            var index = Int(truncatingIfNeeded: hash) & mask
            while true {
                let slot = unsafe slots[index]
                if slot.group == 0 {
                    for position in 0..<width { unsafe keys.append(ids[position][row]) }
                    unsafe groups[row] = insert(hash, at: index)
                    break
                }
                if slot.tag == UInt32(truncatingIfNeeded: hash &>> 32),
                    unsafe isKey(at: Int(slot.group &- 1) &* width, equalTo: ids, row)
                {
                    unsafe groups[row] = slot.group &- 1
                    break
                }
                index = (index &+ 1) & mask
            }
        }
    }

    private func isKey(at start: Int, equalTo ids: UnsafePointer<UnsafeMutablePointer<UInt32>>, _ row: Int) -> Bool {
        for position in 0..<width where unsafe keys.values[start + position] != ids[position][row] { return false }
        return true
    }

    /// The hash of a key, given by its ids.
    @inline(__always)
    private func hash(_ id: (Int) -> UInt32) -> UInt64 {
        guard width > 4 else {
            let low = UInt64(id(0)) | (width > 1 ? UInt64(id(1)) << 32 : 0)
            let high = (width > 2 ? UInt64(id(2)) : 0) | (width > 3 ? UInt64(id(3)) << 32 : 0)
            return Key(low: low, high: high).hash
        }
        var hash: UInt64 = 0
        for position in 0..<width { hash = TextInterner.mix(hash, UInt64(id(position)) &+ 1) }
        return hash
    }

    private mutating func insert(_ hash: UInt64, at index: Int) -> UInt32 {
        let group = UInt32(count)
        count += 1
        unsafe slots[index] = Slot(tag: UInt32(truncatingIfNeeded: hash &>> 32), group: UInt32(count))
        if count * 5 > (mask + 1) * 3 { rehash() }
        return group
    }

    /// Twice as many slots, filled from the keys; the old ones go first, so that there are never both.
    private mutating func rehash() {
        unsafe TableMemory.deallocate(slots, count: mask + 1)
        let slotCount = (mask + 1) * 2
        mask = slotCount - 1
        unsafe slots = TableMemory.allocate(Slot.self, slotCount)
        unsafe slots.initialize(repeating: Slot(), count: slotCount)
        for group in 0..<count {
            let hash = hash { id($0, ofGroup: group) }
            var index = Int(truncatingIfNeeded: hash) & mask
            while unsafe slots[index].group != 0 { index = (index &+ 1) & mask }
            unsafe slots[index] = Slot(tag: UInt32(truncatingIfNeeded: hash &>> 32), group: UInt32(group + 1))
        }
    }
}
