/// Sketch bodies in slabs: one block of 256 KiB holds bodies of one size class.
///
/// A body is named by a 32-bit handle (block number, offset in units of 4 bytes), which costs half a pointer. A freed
/// body is reused by its class; a block whose bodies are all free serves any class again. Without the second rule a
/// population of equal keys would leave a trail of dead blocks 5 times its size behind it as it grows from class to
/// class.
@safe
struct SlabArena: ~Copyable {
    /// What a block is used for at the moment.
    struct Slab {
        var bodyBytes: Int32 = 0
        var live: Int32 = 0
        /// Bytes handed out from the front so far.
        var bump: Int32 = 0
        /// Highest `bump` ever: pages up to there are real memory.
        var touched: Int32 = 0
        /// First freed body as an offset in units of 4 bytes, or -1.
        var free: Int32 = -1
        /// Neighbours in the list of slabs of this class with room, or in the list of unused slabs; -1 at the ends.
        var next: Int32 = -1
        var previous: Int32 = -1
        var sizeClass: Int32 = 0
        var isIdle = false
    }

    /// At the end of a block no body begins or ends, so that reading 8 bytes from any slot stays inside.
    private static let margin = 8
    /// Offsets within a block take 16 bits of a handle.
    private static let offsetBits: UInt32 = 16

    let classes: SketchBodyClasses
    var blocks = BlockList()
    private var slabs: UnsafeMutablePointer<Slab>
    private var slabCapacity = 16
    private let withRoom: UnsafeMutablePointer<Int32>
    private var unused: Int32 = -1
    /// Slabs that `removeAll` left with their class and that hold nothing since.
    private var idle = 0
    private var touchedBytes = 0

    init(classes: consuming SketchBodyClasses) {
        self.classes = classes
        unsafe slabs = .allocate(capacity: 16)
        unsafe withRoom = .allocate(capacity: SketchBodyClasses.countMax)
        unsafe withRoom.initialize(repeating: -1, count: SketchBodyClasses.countMax)
    }

    deinit {
        unsafe slabs.deallocate()
        unsafe withRoom.deallocate()
    }

    /// Bytes of real memory, headers included.
    var memoryBytes: Int {
        touchedBytes + blocks.overheadBytes + slabCapacity * MemoryLayout<Slab>.stride
            + SketchBodyClasses.countMax * (4 + MemoryLayout<SketchBodyClasses.Size>.stride)
    }

    @inline(__always)
    func address(_ handle: UInt32) -> UnsafeMutableRawPointer {
        unsafe blocks.bases[Int(handle &>> Self.offsetBits)] + Int(handle & 0xffff) &* 4
    }

    /// A body of the class; its contents are whatever was there.
    @inline(__always)
    mutating func allocate(_ sizeClass: Int) -> UInt32 {
        var block = unsafe withRoom[sizeClass]
        if block < 0 { block = openSlab(sizeClass) }
        let slab = unsafe slabs + Int(block)
        let offset: Int32
        if unsafe slab.pointee.free >= 0 {
            offset = unsafe slab.pointee.free
            unsafe slab.pointee.free = (blocks.bases[Int(block)] + Int(offset) &* 4).load(as: Int32.self)
        } else {
            offset = unsafe slab.pointee.bump &>> 2
            unsafe slab.pointee.bump &+= slab.pointee.bodyBytes
            if unsafe slab.pointee.bump > slab.pointee.touched { unsafe touch(slab) }
        }
        if unsafe slab.pointee.live == 0, idle > 0, unsafe slab.pointee.isIdle {
            unsafe slab.pointee.isIdle = false
            idle &-= 1
        }
        unsafe slab.pointee.live &+= 1
        if unsafe slab.pointee.free < 0, unsafe !Self.canBump(slab.pointee) { unlink(block) }
        return UInt32(truncatingIfNeeded: block) &<< Self.offsetBits | UInt32(truncatingIfNeeded: offset)
    }

    /// Gives a body back.
    mutating func free(_ handle: UInt32) {
        let block = Int32(truncatingIfNeeded: handle &>> Self.offsetBits)
        let slab = unsafe slabs + Int(block)
        let hadRoom = unsafe slab.pointee.free >= 0 || Self.canBump(slab.pointee)
        unsafe address(handle).storeBytes(of: slab.pointee.free, as: Int32.self)
        unsafe slab.pointee.free = Int32(truncatingIfNeeded: handle & 0xffff)
        unsafe slab.pointee.live &-= 1
        if unsafe slab.pointee.live == 0 {
            if hadRoom { unlink(block) }
            retire(block)
        } else if !hadRoom {
            unsafe link(block, into: withRoom + Int(slab.pointee.sizeClass))
        }
    }

    /// Forgets every body at once, in time proportional to the number of blocks.
    ///
    /// Kept blocks stay with their class, so that the same population touches the same pages again. Were they dealt
    /// out anew, every round would touch a few more, up to all of every block.
    mutating func removeAll(keepingCapacity: Bool) {
        unsafe withRoom.update(repeating: -1, count: SketchBodyClasses.countMax)
        idle = 0
        if keepingCapacity {
            unused = -1
            for block in (0..<Int32(blocks.count)).reversed() {
                let old = unsafe slabs[Int(block)]
                retire(block)
                guard old.bodyBytes > 0 else { continue }
                open(takeUnused(), Int(old.sizeClass))
                unsafe slabs[Int(block)].isIdle = true
                idle += 1
            }
        } else {
            unused = -1
            blocks.removeAll()
            touchedBytes = 0
        }
    }

    @inline(__always)
    private static func canBump(_ slab: Slab) -> Bool {
        Int(slab.bump &+ slab.bodyBytes) <= MemoryBlock.byteCount &- margin
    }

    private mutating func touch(_ slab: UnsafeMutablePointer<Slab>) {
        let before = unsafe MemoryBlock.touched(Int(slab.pointee.touched))
        unsafe slab.pointee.touched = slab.pointee.bump
        touchedBytes += unsafe MemoryBlock.touched(Int(slab.pointee.touched)) - before
    }

    /// Makes an unused, an idle or a new block a slab of the class.
    @inline(never)
    private mutating func openSlab(_ sizeClass: Int) -> Int32 {
        if unused < 0, idle > 0 { reclaimIdle() }
        if unused < 0 {
            let block = Int32(blocks.count)
            precondition(block < 0xffff, "sketch bodies exceed 16 GiB")
            blocks.append()
            if blocks.count > slabCapacity { widen() }
            unsafe (slabs + Int(block)).initialize(to: Slab())
            retire(block)
        }
        let block = takeUnused()
        open(block, sizeClass)
        return block
    }

    private mutating func takeUnused() -> Int32 {
        let block = unused
        unused = unsafe slabs[Int(block)].next
        return block
    }

    private mutating func open(_ block: Int32, _ sizeClass: Int) {
        unsafe slabs[Int(block)].bodyBytes = classes[sizeClass].byteCount
        unsafe slabs[Int(block)].sizeClass = Int32(truncatingIfNeeded: sizeClass)
        unsafe link(block, into: withRoom + sizeClass)
    }

    /// Takes the first idle slab from its class.
    private mutating func reclaimIdle() {
        for block in 0..<Int32(blocks.count) where unsafe slabs[Int(block)].isIdle {
            unlink(block)
            retire(block)
            idle -= 1
            return
        }
    }

    private mutating func widen() {
        let wider = UnsafeMutablePointer<Slab>.allocate(capacity: slabCapacity * 2)
        unsafe wider.moveInitialize(from: slabs, count: slabCapacity)
        unsafe slabs.deallocate()
        unsafe slabs = wider
        slabCapacity *= 2
    }

    /// Puts a block without live bodies on the list of unused ones.
    private mutating func retire(_ block: Int32) {
        let slab = unsafe slabs + Int(block)
        let touched = unsafe slab.pointee.touched
        unsafe slab.pointee = Slab()
        unsafe slab.pointee.touched = touched
        unsafe slab.pointee.next = unused
        unused = block
    }

    private mutating func link(_ block: Int32, into head: UnsafeMutablePointer<Int32>) {
        unsafe slabs[Int(block)].previous = -1
        unsafe slabs[Int(block)].next = head.pointee
        if unsafe head.pointee >= 0 { unsafe slabs[Int(head.pointee)].previous = block }
        unsafe head.pointee = block
    }

    private mutating func unlink(_ block: Int32) {
        let slab = unsafe slabs[Int(block)]
        if slab.previous >= 0 {
            unsafe slabs[Int(slab.previous)].next = slab.next
        } else {
            unsafe withRoom[Int(slab.sizeClass)] = slab.next
        }
        if slab.next >= 0 { unsafe slabs[Int(slab.next)].previous = slab.previous }
    }
}
