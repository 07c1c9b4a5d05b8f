/// The body sizes of one table: multiples of 4 bytes, beyond 64 bytes each half as large again as the one before. Most
/// groups of a large population stay below, and a body that grows in larger steps moves half as often: with steps of 1.19
/// moving took 3.8 % of T1's instructions, with these 1.7 % (callgrind), for 0.8 bytes a key of 5 million
/// (`SketchBenchmark`: 22.5, and 34.3 where sketches are exact up to 8).
///
/// Class 0... are for SPARSE words and explicit hashes; the last two are exactly one nibble body and one FULL body.
@safe
struct SketchBodyClasses: ~Copyable {
    struct Size {
        /// Bytes of a body.
        var byteCount: Int32
        /// SPARSE words that have room.
        var slots: Int32
        /// SPARSE words after which the body moves to the next class; below `slots` where words are hashed.
        var limit: Int32
        /// Odd factor that spreads register indices over slots; differs by class, so that walking one body in slot
        /// order does not fill another from one side (which makes linear probing quadratic).
        var spread: UInt32
    }

    /// Upper bound on the number of classes; a class number has six bits in a group's word.
    static let countMax = 64
    /// Bodies up to this size hold their words in arrival order and are searched from the front.
    static let listBytesMax = 64

    let sizes: UnsafeMutablePointer<Size>
    let count: Int
    /// The smallest and largest class a SPARSE body may take; none when the range is empty.
    let sparse: Range<Int>
    var nibbles: Int { count - 2 }
    var full: Int { count - 1 }

    /// - Parameters:
    ///   - inlineWords: SPARSE words that a group's word holds itself; a body always holds more.
    ///   - nibbleBytes: size of a nibble body.
    ///   - fullBytes: size of a FULL body.
    init(parameters: HyperLogLogParameters, inlineWords: Int, nibbleBytes: Int, fullBytes: Int) {
        let denseBytes = min(nibbleBytes, fullBytes)
        var ladder: [Int] = []
        var next = parameters.explicitLimit > 0 ? 8 : ((inlineWords + 1) * parameters.sparseWordBits / 8 + 3) & ~3
        while next < denseBytes || ladder.last ?? 0 < parameters.explicitLimit * 8 {
            ladder.append(next)
            next = Self.after(next)
        }
        let first = ladder.firstIndex { $0 * 8 / parameters.sparseWordBits > inlineWords } ?? 0
        let end = ladder.firstIndex { $0 >= denseBytes } ?? ladder.count
        sparse = first..<max(first, end)
        ladder.append((nibbleBytes + 3) & ~3)
        ladder.append(fullBytes)
        precondition(ladder.count <= Self.countMax, "more sketch body sizes than a group's word can name")
        count = ladder.count
        unsafe sizes = .allocate(capacity: ladder.count)
        for (index, byteCount) in ladder.enumerated() {
            let slots = byteCount * 8 / parameters.sparseWordBits
            let size = Size(
                byteCount: Int32(byteCount), slots: Int32(slots),
                limit: Int32(byteCount <= Self.listBytesMax ? slots : slots * 7 / 8),
                spread: 0x9e37_79b1 &* UInt32(2 * index + 1))
            unsafe (sizes + index).initialize(to: size)
        }
    }

    deinit { unsafe sizes.deallocate() }

    private static func after(_ byteCount: Int) -> Int {
        if byteCount < 32 { return byteCount + 4 }
        if byteCount < 64 { return byteCount + 8 }
        return (byteCount * 3 / 2 + 3) & ~3
    }

    @inline(__always)
    subscript(index: Int) -> Size { unsafe sizes[index] }
}
