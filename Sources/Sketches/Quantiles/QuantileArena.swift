/// Memory for many small bodies of few sizes: 32-bit handles, no header per body, released all at once.
///
/// Bodies are multiples of 16 bytes in 22 size classes (1, 2, 3, 4, 6, 8, 12 ... 2,048 units), cut from chunks of
/// 256 KiB; a freed body goes on its class's list and is handed out again. At most 2^32 units, 64 GiB.
///
/// ```
///  handle  | chunk (18 bits) | unit in chunk (14 bits) |
/// ```
@safe struct QuantileArena: ~Copyable {
    /// Bytes of the smallest body.
    static let unit = 16
    static let classesMax = 22
    private static let chunkUnits = MemoryBlock.byteCount / unit
    private static let none = UInt32.max

    private var chunks: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private var chunkCapacity = 16
    private(set) var chunkCount = 0
    /// Chunks in use; those after it are kept from before `removeAll(keepingCapacity: true)`.
    private var chunksUsed = 0
    /// Units taken from the chunk in use.
    private var unitsUsed = QuantileArena.chunkUnits
    /// First free body of each class.
    private let free: UnsafeMutablePointer<UInt32>

    init() {
        unsafe chunks = .allocate(capacity: chunkCapacity)
        unsafe free = .allocate(capacity: Self.classesMax)
        unsafe free.initialize(repeating: Self.none, count: Self.classesMax)
    }

    deinit {
        for chunk in 0..<chunkCount { unsafe MemoryBlock.unmap(chunks[chunk]) }
        unsafe chunks.deallocate()
        unsafe free.deallocate()
    }

    /// Reserved bytes.
    var memoryBytes: Int { chunkCount * Self.chunkUnits * Self.unit }

    /// Bytes of a body of a class.
    @inline(__always)
    static func bytes(of sizeClass: UInt8) -> Int {
        let half = Int(sizeClass) >> 1
        return sizeClass & 1 == 1 ? unit << (half + 1) : sizeClass == 0 ? unit : (3 * unit) << (half - 1)
    }

    /// The smallest class of at least so many bytes.
    static func sizeClass(for bytes: Int) -> UInt8 {
        var sizeClass: UInt8 = 0
        while self.bytes(of: sizeClass) < bytes { sizeClass += 1 }
        precondition(sizeClass < classesMax, "a sketch body has at most 32 KiB")
        return sizeClass
    }

    /// Where a body lies; valid until it is released or everything is removed.
    @inline(__always)
    func address(_ handle: UInt32) -> UnsafeMutableRawPointer {
        unsafe chunks[Int(handle >> 14)] + Int(handle & 0x3fff) &* Self.unit
    }

    /// Hands out a body; its contents are arbitrary.
    mutating func allocate(_ sizeClass: UInt8) -> UInt32 {
        let head = unsafe free[Int(sizeClass)]
        if head != Self.none {
            unsafe free[Int(sizeClass)] = address(head).load(as: UInt32.self)
            return head
        }
        let units = Self.bytes(of: sizeClass) / Self.unit
        if unitsUsed + units > Self.chunkUnits {
            if let part = takeFromLarger(sizeClass) { return part }
            startChunk()
        }
        defer { unitsUsed += units }
        return UInt32(chunksUsed - 1) << 14 | UInt32(unitsUsed)
    }

    /// Cuts a body out of a larger free one.
    private mutating func takeFromLarger(_ sizeClass: UInt8) -> UInt32? {
        for larger in Int(sizeClass) + 1..<Self.classesMax where unsafe free[larger] != Self.none {
            let handle = unsafe free[larger]
            unsafe free[larger] = address(handle).load(as: UInt32.self)
            let units = Self.bytes(of: sizeClass) / Self.unit
            releaseUnits(handle + UInt32(units), Self.bytes(of: UInt8(larger)) / Self.unit - units)
            return handle
        }
        return nil
    }

    /// Takes a body back for the next `allocate` of its class.
    mutating func release(_ handle: UInt32, _ sizeClass: UInt8) {
        unsafe address(handle).storeBytes(of: free[Int(sizeClass)], as: UInt32.self)
        unsafe free[Int(sizeClass)] = handle
    }

    /// Takes every body back, in constant time if the chunks are kept.
    mutating func removeAll(keepingCapacity: Bool) {
        unsafe free.update(repeating: Self.none, count: Self.classesMax)
        chunksUsed = 0
        unitsUsed = Self.chunkUnits
        if keepingCapacity { return }
        for chunk in 0..<chunkCount { unsafe MemoryBlock.unmap(chunks[chunk]) }
        chunkCount = 0
    }

    /// Gives the rest of the chunk in use to the free lists and goes on to the next.
    private mutating func startChunk() {
        if chunksUsed > 0 {
            releaseUnits(UInt32(chunksUsed - 1) << 14 | UInt32(unitsUsed), Self.chunkUnits - unitsUsed)
        }
        if chunksUsed == chunkCount { addChunk() }
        chunksUsed += 1
        unitsUsed = 0
    }

    /// Puts a stretch of units on the free lists, as few bodies as possible.
    private mutating func releaseUnits(_ first: UInt32, _ count: Int) {
        var handle = first
        var rest = count
        while rest > 0 {
            var sizeClass: UInt8 = 0
            while Int(sizeClass) + 1 < Self.classesMax, Self.bytes(of: sizeClass + 1) <= rest * Self.unit {
                sizeClass += 1
            }
            release(handle, sizeClass)
            let units = Self.bytes(of: sizeClass) / Self.unit
            handle += UInt32(units)
            rest -= units
        }
    }

    private mutating func addChunk() {
        precondition(chunkCount < 1 << 18, "a quantile table has at most 64 GiB of bodies")
        if chunkCount == chunkCapacity {
            let wider = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: 2 * chunkCapacity)
            unsafe wider.update(from: chunks, count: chunkCount)
            unsafe chunks.deallocate()
            unsafe chunks = wider
            chunkCapacity *= 2
        }
        unsafe chunks[chunkCount] = MemoryBlock.map()
        chunkCount += 1
    }
}
