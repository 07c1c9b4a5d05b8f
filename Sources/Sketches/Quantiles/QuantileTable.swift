/// The percentile sketches of many groups, addressed by dense group indices.
///
/// Holds the same multisets as one `ExponentialHistogram` per group would and encodes to the same bytes, in raw memory
/// that it owns: no object, reference count or uniqueness check per group or value. Whole batches go in at once, so the
/// inner loop is compiled here, once per kind of values. A group takes the smallest form that is fast:
///
/// ```
///  slot, 24 bytes     | low 8 | high 8 | handle 4 | form 1 | class 1 | length 2 |
///    n <= 2             nothing else: the values are low and high
///    n <= 32            chain of bodies: the other n - 2 values, unsorted, 8 bytes each
///    window             body: | sum 24 | zeros 8 | base 4 | - 4 | counters of buckets base ..< base + length |
///    pairs              body: | sum 24 | zeros 8 | halvings 4 | - 4 | keys 4 bytes each | counters |
/// ```
///
/// Counters have 1, 2, 4 or 8 bytes, all of one body the same, widened when one overflows. Windows cover positive
/// values within 32 octaves, where the cap on buckets cannot be reached; negative values, wider spreads and thinly
/// filled ranges use sorted pairs. Which form a group has leaves no trace in results.
///
/// Not thread-safe; one worker owns it.
@safe public struct QuantileTable: ~Copyable {
    /// The kind of all values.
    public let kind: QuantileValueKind
    /// Number of groups; indices are 0 ..< count.
    public private(set) var count = 0

    var slots: UnsafeMutablePointer<QuantileSlot>
    private var slotCapacity = 64
    var arena = QuantileArena()

    /// Creates a table without groups.
    ///
    /// - Parameter valueKind: the kind of all values; a decimal scale must be 0 ... 18.
    public init(valueKind: QuantileValueKind) {
        if case .decimal(let scale) = valueKind {
            precondition((0...18).contains(scale), "the scale of a decimal column is 0 ... 18")
        }
        kind = valueKind
        unsafe slots = TableMemory.allocate(QuantileSlot.self, slotCapacity)
    }

    deinit { unsafe TableMemory.deallocate(slots, count: slotCapacity) }

    private var slotBytes: Int { slotCapacity * MemoryLayout<QuantileSlot>.stride }

    /// Adds empty groups until there are `count`; never removes any.
    public mutating func grow(to count: Int) {
        if count <= self.count { return }
        if count > slotCapacity {
            let capacity = max(count, slotCapacity + slotCapacity / 2)
            let wider = unsafe TableMemory.resize(
                slots, from: slotBytes, to: capacity * MemoryLayout<QuantileSlot>.stride)
            unsafe slots = wider.bindMemory(to: QuantileSlot.self, capacity: capacity)
            slotCapacity = capacity
        }
        unsafe (slots + self.count).initialize(repeating: QuantileSlot(), count: count - self.count)
        self.count = count
    }

    /// Removes all groups; with `keepingCapacity` the memory stays reserved for the next ones.
    ///
    /// - Complexity: O(1) with, O(memory / 256 KiB) without `keepingCapacity`.
    public mutating func removeAll(keepingCapacity: Bool) {
        count = 0
        arena.removeAll(keepingCapacity: keepingCapacity)
        if keepingCapacity { return }
        unsafe TableMemory.deallocate(slots, count: slotCapacity)
        slotCapacity = 64
        unsafe slots = TableMemory.allocate(QuantileSlot.self, slotCapacity)
    }

    /// Bytes reserved for slots and bodies.
    public var memoryBytes: Int { slotBytes + arena.memoryBytes }
}

/// One group's fixed part; see `QuantileTable`.
struct QuantileSlot {
    var low = Int64.max
    var high = Int64.min
    var handle: UInt32 = 0
    var form: UInt8 = 0
    var sizeClass: UInt8 = 0
    /// Words in use of the newest list block, buckets of a window, or pairs in use.
    var length: UInt16 = 0

    /// Forms 0 ... 32 are the number of values; the histograms are flags plus log2 of the counters' bytes.
    static let exactMax: UInt8 = 32
    static let window: UInt8 = 0x40
    static let pairs: UInt8 = 0x60
    static let familyMask: UInt8 = 0xe0

    var isExact: Bool { form <= Self.exactMax }
    var isWindow: Bool { form & Self.familyMask == Self.window }
    /// log2 of the bytes of a counter.
    var width: UInt8 { form & 3 }
}

/// The fixed part of a histogram body.
enum QuantileBody {
    static let headerBytes = 40
    static let zeros = 24
    static let base = 32
    /// The most buckets of a window: 32 octaves.
    static let windowMax = ExponentialScale.bucketsMax

    @inline(__always)
    static func add(_ units: Int128, wide: Bool, to body: UnsafeMutableRawPointer) {
        let words = unsafe body.assumingMemoryBound(to: UInt64.self)
        let (low, carry) = unsafe words[0].addingReportingOverflow(UInt64(truncatingIfNeeded: units))
        unsafe words[0] = low
        let middle = UInt64(truncatingIfNeeded: units >> 64)
        let (partial, first) = unsafe words[1].addingReportingOverflow(middle)
        let (sum, second) = partial.addingReportingOverflow(carry ? 1 : 0)
        unsafe words[1] = sum
        let top = UInt64(truncatingIfNeeded: units >> 127)
        unsafe words[2] = words[2] &+ top &+ (first ? 1 : 0) &+ (second ? 1 : 0)
    }

    static func total(_ body: UnsafeMutableRawPointer) -> WideSum {
        let words = unsafe body.assumingMemoryBound(to: UInt64.self)
        return unsafe WideSum(low: UInt128(words[1]) << 64 | UInt128(words[0]), high: Int64(bitPattern: words[2]))
    }

    static func setTotal(_ total: WideSum, of body: UnsafeMutableRawPointer) {
        let words = unsafe body.assumingMemoryBound(to: UInt64.self)
        unsafe words[0] = UInt64(truncatingIfNeeded: total.low)
        unsafe words[1] = UInt64(truncatingIfNeeded: total.low >> 64)
        unsafe words[2] = UInt64(bitPattern: total.high)
    }

    static func counter(_ counters: UnsafeMutableRawPointer, _ position: Int, width: UInt8) -> UInt64 {
        switch width {
        case 0: unsafe UInt64(counters.assumingMemoryBound(to: UInt8.self)[position])
        case 1: unsafe UInt64(counters.assumingMemoryBound(to: UInt16.self)[position])
        case 2: unsafe UInt64(counters.assumingMemoryBound(to: UInt32.self)[position])
        default: unsafe counters.assumingMemoryBound(to: UInt64.self)[position]
        }
    }

    static func setCounter(_ counters: UnsafeMutableRawPointer, _ position: Int, width: UInt8, to count: UInt64) {
        switch width {
        case 0: unsafe counters.assumingMemoryBound(to: UInt8.self)[position] = UInt8(count)
        case 1: unsafe counters.assumingMemoryBound(to: UInt16.self)[position] = UInt16(count)
        case 2: unsafe counters.assumingMemoryBound(to: UInt32.self)[position] = UInt32(count)
        default: unsafe counters.assumingMemoryBound(to: UInt64.self)[position] = count
        }
    }

    /// Adds one to a counter unless it is full.
    @inline(__always)
    static func increment(_ counters: UnsafeMutableRawPointer, _ position: Int, width: UInt8) -> Bool {
        switch width {
        case 0: unsafe increment(counters.assumingMemoryBound(to: UInt8.self) + position)
        case 1: unsafe increment(counters.assumingMemoryBound(to: UInt16.self) + position)
        case 2: unsafe increment(counters.assumingMemoryBound(to: UInt32.self) + position)
        default: unsafe increment(counters.assumingMemoryBound(to: UInt64.self) + position)
        }
    }

    @inline(__always)
    private static func increment<C: FixedWidthInteger>(_ counter: UnsafeMutablePointer<C>) -> Bool {
        let count = unsafe counter.pointee
        if count == .max { return false }
        unsafe counter.pointee = count &+ 1
        return true
    }

    /// log2 of the bytes of the narrowest counter for a count.
    static func width(for count: UInt64) -> UInt8 {
        count <= UInt64(UInt8.max) ? 0 : count <= UInt64(UInt16.max) ? 1 : count <= UInt64(UInt32.max) ? 2 : 3
    }
}
