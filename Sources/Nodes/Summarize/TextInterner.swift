import Dataflow

/// Text values to dense 32-bit ids, 1 and up, in order of first appearance; 0 stands for null.
///
/// Values up to 16 bytes (nearly all key text) live in the slot itself as two words, so a lookup is one cache line and
/// three comparisons, with no loop over bytes; longer ones are compared in the arena. Open addressing, linear probing,
/// at most 60 % full.
@safe
struct TextInterner: ~Copyable {
    private struct Slot {
        /// Short text: its bytes, zero-padded. Long text: its hash, and its place in the arena.
        var low: UInt64 = 0
        var high: UInt64 = 0
        var length: UInt32 = 0
        /// 0: free.
        var id: UInt32 = 0
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var mask: Int
    private var arena = StateColumn<UInt8>(initial: 0, capacity: 1_024)
    private var places = StateColumn<TextSlice>(initial: TextSlice(offset: 0, length: 0))

    init() {
        mask = 255
        unsafe slots = .allocate(capacity: 256)
        unsafe slots.initialize(repeating: Slot(), count: 256)
        places.append(TextSlice(offset: 0, length: 0))
    }

    deinit { unsafe slots.deallocate() }

    /// The number of ids given, null's 0 included.
    var idCount: Int { places.count }

    /// Bytes allocated.
    var memoryBytes: Int { (mask + 1) * MemoryLayout<Slot>.stride + arena.memoryBytes + places.memoryBytes }

    /// The bytes behind an id. Valid until the next `intern`.
    func text(_ id: UInt32) -> UnsafeRawBufferPointer {
        let place = unsafe places.values[Int(id)]
        return unsafe UnsafeRawBufferPointer(
            start: arena.values + Int(place.offset), count: Int(place.length))
    }

    /// The id of the `length` bytes at `text`. At least 16 bytes must be readable from `text` on.
    /// - Complexity: O(length), amortised.
    @inline(__always)
    mutating func intern(_ text: UnsafeRawPointer, length: Int) -> UInt32 {
        if length <= 16 {
            let (low, high) = unsafe Self.words(text, length)
            return unsafe find(low, high, hash: Self.mix(low, high &+ UInt64(length)), text, length, isLong: false)
        }
        return unsafe internLong(text, length: length)
    }

    private mutating func internLong(_ text: UnsafeRawPointer, length: Int) -> UInt32 {
        var hash = UInt64(length)
        var offset = 0
        while offset + 16 <= length {
            let low = unsafe text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let high = unsafe text.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            hash = Self.mix(low ^ hash, high)
            offset += 16
        }
        let low = unsafe text.loadUnaligned(fromByteOffset: length - 16, as: UInt64.self)
        let high = unsafe text.loadUnaligned(fromByteOffset: length - 8, as: UInt64.self)
        hash = Self.mix(low ^ hash, high)
        return unsafe find(hash, 0, hash: hash, text, length, isLong: true)
    }

    @inline(__always)
    private mutating func find(
        _ low: UInt64, _ high: UInt64, hash: UInt64, _ text: UnsafeRawPointer, _ length: Int, isLong: Bool
    ) -> UInt32 {
        var index = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = unsafe slots[index]
            if slot.id == 0 { return unsafe insert(low, high, hash, text, length, isLong, at: index) }
            if slot.low == low, slot.length == UInt32(length) {
                if !isLong, slot.high == high { return slot.id }
                if isLong, unsafe isEqual(slot, text, length) { return slot.id }
            }
            index = (index + 1) & mask
        }
    }

    private func isEqual(_ slot: Slot, _ text: UnsafeRawPointer, _ length: Int) -> Bool {
        let stored = unsafe UnsafeRawBufferPointer(start: arena.values + Int(slot.high), count: length)
        return unsafe stored.elementsEqual(UnsafeRawBufferPointer(start: text, count: length))
    }

    private mutating func insert(
        _ low: UInt64, _ high: UInt64, _ hash: UInt64, _ text: UnsafeRawPointer, _ length: Int, _ isLong: Bool,
        at index: Int
    ) -> UInt32 {
        let id = UInt32(places.count)
        let offset = arena.count
        precondition(offset + length < Int(UInt32.max), "key text of one epoch exceeds 4 GiB")
        arena.grow(to: offset + length)
        unsafe UnsafeMutableRawPointer(arena.values + offset).copyMemory(from: text, byteCount: length)
        places.append(TextSlice(offset: UInt32(offset), length: UInt32(length)))
        unsafe slots[index] = Slot(
            low: low, high: isLong ? UInt64(offset) : high, length: UInt32(length), id: id)
        if places.count * 5 > (mask + 1) * 3 { rehash() }
        return id
    }

    private mutating func rehash() {
        let old = unsafe slots
        let oldCount = mask + 1
        mask = oldCount * 2 - 1
        unsafe slots = .allocate(capacity: oldCount * 2)
        unsafe slots.initialize(repeating: Slot(), count: oldCount * 2)
        for oldIndex in 0..<oldCount where unsafe old[oldIndex].id != 0 {
            let slot = unsafe old[oldIndex]
            let hash = slot.length <= 16 ? Self.mix(slot.low, slot.high &+ UInt64(slot.length)) : slot.low
            var index = Int(truncatingIfNeeded: hash) & mask
            while unsafe slots[index].id != 0 { index = (index + 1) & mask }
            unsafe slots[index] = slot
        }
        unsafe old.deallocate()
    }

    /// The first `length` (at most 16) bytes as two little-endian words, zero-padded.
    @inline(__always)
    private static func words(_ text: UnsafeRawPointer, _ length: Int) -> (UInt64, UInt64) {
        let low = unsafe UInt64(littleEndian: text.loadUnaligned(as: UInt64.self))
        if length <= 8 { return (length == 0 ? 0 : low & (.max >> UInt64(64 - 8 * length)), 0) }
        let high = unsafe UInt64(littleEndian: text.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        return (low, high & (.max >> UInt64(128 - 8 * length)))
    }

    /// Folds a 64x64-bit product: the mixing step of wyhash (Wang Yi, 2019); not exposed to the tables' contents.
    @inline(__always)
    static func mix(_ low: UInt64, _ high: UInt64) -> UInt64 {
        let product = (low ^ 0x2d35_8dcc_aa6c_78a5).multipliedFullWidth(by: high ^ 0x8bb8_4b93_962e_acc9)
        return product.high ^ product.low
    }
}
