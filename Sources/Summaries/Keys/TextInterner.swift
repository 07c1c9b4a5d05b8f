import CPrefetch
import Dataflow
import Sketches

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Text values to dense 32-bit ids, 1 and up, in order of first appearance; 0 stands for null.
///
/// Values up to 16 bytes (nearly all key text) are compared as two words, with no loop over bytes; longer ones lie in an
/// arena. Open addressing, linear probing, at most 60 % full.
///
/// ```
/// slot    tag (upper half of the hash) | id, 0: free
/// entry   short: bytes 0..<8 | bytes 8..<16        text holds no NUL, so zero padding says how long it is
///         long:  hash        | 0xff | length (24 bits) | offset in the arena (32 bits); UTF-8 has no byte 0xff
/// ```
/// 470,000 keys of 12 to 15 bytes take 36 bytes each (T3); slots that held the text would take 54 without the arena.
@safe
struct TextInterner: ~Copyable {
    private struct Slot: BitwiseCopyable {
        var tag: UInt32 = 0
        var id: UInt32 = 0
    }

    private struct Entry: BitwiseCopyable {
        var low: UInt64
        var high: UInt64

        @inline(__always) var isLong: Bool { high >= 0xff << 56 }
        @inline(__always) var length: Int { Int(truncatingIfNeeded: high &>> 32) & 0xff_ffff }
        @inline(__always) var offset: Int { Int(truncatingIfNeeded: high & 0xffff_ffff) }
        @inline(__always) var hash: UInt64 { isLong ? low : TextInterner.mix(low, high) }
    }

    /// A text that is looked for: its entry, for long text without the place in the arena.
    private struct Probe {
        var entry: Entry
        var hash: UInt64
        @inline(__always) var tag: UInt32 { UInt32(truncatingIfNeeded: hash &>> 32) }
    }

    private static let shortMax = 16
    private static let longMax = 0xff_ffff
    /// Rows whose slots and entries are read ahead at a time.
    private static let stride = 32
    /// Below this size the slots are in the second-level cache and reading ahead only costs.
    private static let lookAheadBytes = 1 << 19

    private var slots: UnsafeMutablePointer<Slot>
    private var mask: Int
    private var entries = StateColumn<Entry>(initial: Entry(low: 0, high: 0))
    private var arena = StateColumn<UInt8>(initial: 0, capacity: 1_024)
    /// Bytes of the longest text.
    private(set) var longest = 0

    init() {
        mask = 255
        unsafe slots = TableMemory.allocate(Slot.self, 256)
        unsafe slots.initialize(repeating: Slot(), count: 256)
        entries.append(Entry(low: 0, high: 0))
    }

    deinit { unsafe TableMemory.deallocate(slots, count: mask + 1) }

    /// The number of ids given, null's 0 included.
    var idCount: Int { entries.count }

    /// Bytes allocated.
    var memoryBytes: Int { (mask + 1) * MemoryLayout<Slot>.stride + entries.memoryBytes + arena.memoryBytes }

    /// Asks for what is behind an id, whose text is wanted soon.
    @inline(__always)
    func prefetch(_ id: UInt32) { unsafe millrace_prefetch(entries.values + Int(id)) }

    /// The bytes behind an id; 16 can be read from their beginning on. Valid until the next `intern`.
    func text(_ id: UInt32) -> UnsafeRawBufferPointer {
        let place = unsafe entries.values + Int(id)
        let entry = unsafe place.pointee
        if entry.isLong {
            return unsafe UnsafeRawBufferPointer(start: arena.values + entry.offset, count: entry.length)
        }
        let zeros =
            entry.high != 0 ? entry.high.leadingZeroBitCount : 64 + entry.low.leadingZeroBitCount
        return unsafe UnsafeRawBufferPointer(start: place, count: 16 - zeros / 8)
    }
}

// MARK: - Interning

extension TextInterner {
    /// The ids of the selected rows of a text column. At least 16 bytes must be readable from every text on.
    /// - Parameter ids: gets one id per selected row.
    mutating func intern(
        _ column: Column, _ rows: RowSelection, into ids: UnsafeMutablePointer<UInt32>
    ) {
        let (slices, valid, base) = unsafe (column.slices, column.valid, column.base)
        var start = 0
        while start < rows.count {
            let end = min(start &+ Self.stride, rows.count)
            if mask &* MemoryLayout<Slot>.stride > Self.lookAheadBytes {
                unsafe internTogether(slices, valid, base, rows, start..<end, ids)
            } else {
                for index in start..<end {
                    let row = rows[index]
                    if unsafe valid[row] == 0 {
                        unsafe ids[index] = 0
                    } else {
                        let slice = unsafe slices[row]
                        unsafe ids[index] = intern(base + Int(slice.offset), length: Int(slice.length))
                    }
                }
            }
            start = end
        }
    }

    /// The ids of a stretch of rows: asks for all slots, then for the entries behind them, before the first is compared. The
    /// misses of a large table overlap instead of following one another.
    private mutating func internTogether(
        _ slices: UnsafePointer<TextSlice>, _ valid: UnsafePointer<UInt8>, _ base: UnsafeRawPointer,
        _ rows: RowSelection, _ range: Range<Int>, _ ids: UnsafeMutablePointer<UInt32>
    ) {
        unsafe withUnsafeTemporaryAllocation(of: Probe.self, capacity: Self.stride) { probes in
            guard let probes = probes.baseAddress else { return }
            for index in range {
                let row = rows[index]
                let slice = unsafe valid[row] == 0 ? TextSlice(offset: 0, length: 0) : slices[row]
                let probe = unsafe Self.probe(base + Int(slice.offset), Int(slice.length))
                unsafe millrace_prefetch(slots + place(probe))
                unsafe (probes + (index &- range.lowerBound)).initialize(to: probe)
            }
            for index in 0..<range.count { unsafe prefetch(slots[place(probes[index])].id) }
            for index in range {
                let row = rows[index]
                if unsafe valid[row] == 0 {
                    unsafe ids[index] = 0
                } else {
                    let slice = unsafe slices[row]
                    unsafe ids[index] = find(
                        probes[index &- range.lowerBound], base + Int(slice.offset), Int(slice.length))
                }
            }
        }
    }

    @inline(__always)
    private func place(_ probe: Probe) -> Int { Int(truncatingIfNeeded: probe.hash) & mask }

    /// Takes in all texts of another interner.
    /// - Parameter ids: gets, for each id there, the id here; null stays null.
    mutating func intern(_ other: borrowing TextInterner, into ids: inout StateColumn<UInt32>) {
        ids.append(0)
        for theirs in 1..<other.idCount {
            let ahead = theirs &+ Self.stride
            if ahead < other.idCount {
                unsafe millrace_prefetch(slots + Int(truncatingIfNeeded: other.entries.values[ahead].hash) & mask)
            }
            let entry = unsafe other.entries.values[theirs]
            let text = unsafe other.text(UInt32(theirs))
            guard let start = text.baseAddress else { continue }
            unsafe ids.append(find(Probe(entry: entry, hash: entry.hash), start, text.count))
        }
    }

    /// The id of the `length` bytes at `text`. At least 16 bytes must be readable from `text` on.
    /// - Complexity: O(length), amortised.
    @inline(__always)
    mutating func intern(_ text: UnsafeRawPointer, length: Int) -> UInt32 {
        unsafe find(Self.probe(text, length), text, length)
    }

    @inline(__always)
    private mutating func find(_ probe: Probe, _ text: UnsafeRawPointer, _ length: Int) -> UInt32 {
        var index = place(probe)
        while true {
            let slot = unsafe slots[index]
            if slot.id == 0 { return unsafe insert(probe, text, length, at: index) }
            if slot.tag == probe.tag {
                let entry = unsafe entries.values[Int(slot.id)]
                if entry.low == probe.entry.low {
                    if entry.high == probe.entry.high, !entry.isLong { return slot.id }
                    if entry.isLong, unsafe isLong(entry, equalTo: text, length) { return slot.id }
                }
            }
            index = (index &+ 1) & mask
        }
    }

    private func isLong(_ entry: Entry, equalTo text: UnsafeRawPointer, _ length: Int) -> Bool {
        unsafe entry.length == length && memcmp(arena.values + entry.offset, text, length) == 0
    }

    @inline(never)
    private mutating func insert(_ probe: Probe, _ text: UnsafeRawPointer, _ length: Int, at index: Int) -> UInt32 {
        let id = UInt32(entries.count)
        if length > longest { longest = length }
        var entry = probe.entry
        if entry.isLong {
            let offset = arena.count
            precondition(offset + length <= Int(UInt32.max), "key text of one epoch exceeds 4 GiB")
            arena.grow(to: offset + length)
            unsafe UnsafeMutableRawPointer(arena.values + offset).copyMemory(from: text, byteCount: length)
            entry.high = 0xff << 56 | UInt64(length) << 32 | UInt64(offset)
        }
        entries.append(entry)
        unsafe slots[index] = Slot(tag: probe.tag, id: id)
        if entries.count * 5 > (mask + 1) * 3 { rehash() }
        return id
    }

    /// Twice as many slots, filled from the entries; the old ones go first, so that there are never both.
    private mutating func rehash() {
        unsafe TableMemory.deallocate(slots, count: mask + 1)
        let count = (mask + 1) * 2
        mask = count - 1
        unsafe slots = TableMemory.allocate(Slot.self, count)
        unsafe slots.initialize(repeating: Slot(), count: count)
        for id in 1..<entries.count {
            let hash = unsafe entries.values[id].hash
            var index = Int(truncatingIfNeeded: hash) & mask
            while unsafe slots[index].id != 0 { index = (index &+ 1) & mask }
            unsafe slots[index] = Slot(tag: UInt32(truncatingIfNeeded: hash &>> 32), id: UInt32(id))
        }
    }
}

// MARK: - Hashing

extension TextInterner {
    @inline(__always)
    private static func probe(_ text: UnsafeRawPointer, _ length: Int) -> Probe {
        if length <= shortMax {
            let (low, high) = unsafe words(text, length)
            return Probe(entry: Entry(low: low, high: high), hash: mix(low, high))
        }
        let hash = unsafe longHash(text, length)
        return Probe(entry: Entry(low: hash, high: 0xff << 56), hash: hash)
    }

    private static func longHash(_ text: UnsafeRawPointer, _ length: Int) -> UInt64 {
        precondition(length <= longMax, "key text of 16 MiB and more")
        var hash = UInt64(length)
        var offset = 0
        while offset + 16 <= length {
            let low = unsafe text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let high = unsafe text.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            hash = mix(low ^ hash, high)
            offset += 16
        }
        let low = unsafe text.loadUnaligned(fromByteOffset: length - 16, as: UInt64.self)
        let high = unsafe text.loadUnaligned(fromByteOffset: length - 8, as: UInt64.self)
        return mix(low ^ hash, high)
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
