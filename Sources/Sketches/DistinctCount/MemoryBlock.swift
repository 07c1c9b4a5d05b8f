#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory in fixed pieces of 256 KiB, straight from the operating system.
///
/// A fresh block is all zero and takes no memory until it is touched, page by page; a released block goes back at
/// once. Neither holds for `malloc`, and both are what makes a memory budget true.
enum MemoryBlock {
    static let byteCount = 1 << 18
    static let pageBytes = 4096

    static func map() -> UnsafeMutableRawPointer {
        let block = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let block = unsafe block, unsafe block != MAP_FAILED else {
            fatalError("the operating system refused 256 KiB for sketches: out of address space or memory")
        }
        return unsafe block
    }

    static func unmap(_ block: UnsafeMutableRawPointer) {
        let result = unsafe munmap(block, byteCount)
        precondition(result == 0, "a sketch block was released twice")
    }

    /// Bytes of the pages that `byteCount` bytes from a page's start touch.
    @inline(__always)
    static func touched(_ byteCount: Int) -> Int { (byteCount &+ (pageBytes &- 1)) & ~(pageBytes &- 1) }
}

/// A growing list of blocks, addressed by byte as if they were one; owns them.
@safe
struct BlockList: ~Copyable {
    /// Base addresses; valid up to `count`.
    private(set) var bases: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private(set) var count = 0
    private var capacity = 16

    static let shift = 18
    static let mask = MemoryBlock.byteCount - 1

    init() {
        unsafe bases = .allocate(capacity: capacity)
    }

    deinit {
        for block in 0..<count { unsafe MemoryBlock.unmap(bases[block]) }
        unsafe bases.deallocate()
    }

    /// Bytes of the list itself, blocks excluded.
    var overheadBytes: Int { unsafe capacity * MemoryLayout<UnsafeMutableRawPointer>.stride }

    mutating func append() {
        if count == capacity {
            let wider = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: capacity * 2)
            unsafe wider.moveInitialize(from: bases, count: count)
            unsafe bases.deallocate()
            unsafe bases = wider
            capacity *= 2
        }
        unsafe (bases + count).initialize(to: MemoryBlock.map())
        count += 1
    }

    mutating func removeAll() {
        for block in 0..<count { unsafe MemoryBlock.unmap(bases[block]) }
        count = 0
    }

    /// Address of byte `offset` of the whole; the block must exist.
    @inline(__always)
    func address(_ offset: Int) -> UnsafeMutableRawPointer {
        unsafe bases[offset &>> Self.shift] + (offset & Self.mask)
    }
}
