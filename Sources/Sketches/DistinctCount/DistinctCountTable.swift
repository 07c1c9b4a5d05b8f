/// The distinct-count sketches of many groups, addressed by a dense group number.
///
/// One sketch per group, each the same function of its set of hashes as `HyperLogLog`, in a layout that grows with
/// the sketch. Most groups of a large population hold one to three values, so a group starts as one 8-byte word:
///
/// ```
/// exact stage            registers stage
/// word = hash            word = up to 3 SPARSE words
/// sorted hashes          packed SPARSE words: a list up to 64 bytes, then an open-addressing table
///                        4-bit offsets from a base plus a few exceptions (2,080 bytes at log2m 12)
///                        5-bit registers, when offsets spread too far
/// ```
/// Bodies live in slabs of one size class each. Nothing is allocated per group, and `removeAll` takes time in the
/// number of slabs, not of groups.
///
/// The open-addressing table is probed linearly from a place that the register index and the size give; a SPARSE
/// body's words stand in it in another order than stored, and encoding sorts them.
///
/// The sum of all memory is `memoryBytes`, in bytes the operating system counts too. Not thread-safe for writing;
/// reading from several threads is safe.
@safe
public struct DistinctCountTable: ~Copyable, @unchecked Sendable {
    // Sendable: the table is the only owner of its memory, cannot be copied, and its reading functions write nothing.

    /// What every sketch of the table is made with.
    public let parameters: HyperLogLogParameters
    /// Groups in the table, numbered from 0.
    public private(set) var count = 0

    let geometry: SketchGeometry
    var arena: SlabArena
    var words = BlockList()
    /// Words below this group number may hold what a removed group left.
    private var usedWords = 0

    /// Groups whose words share one block.
    static let groupsPerBlock = MemoryBlock.byteCount / 8

    /// An empty table.
    ///
    /// - Precondition: the register width is 4 or 5, as `HyperLogLogParameters.init` has it.
    public init(parameters: HyperLogLogParameters) {
        precondition((4...5).contains(parameters.registerWidth), "tables hold registers of 4 or 5 bits")
        self.parameters = parameters
        let geometry = SketchGeometry(parameters)
        self.geometry = geometry
        arena = SlabArena(
            classes: SketchBodyClasses(
                parameters: parameters, inlineWords: geometry.inlineWords, nibbleBytes: geometry.nibbleBytes,
                fullBytes: (parameters.fullBodyBytes + 3) & ~3))
    }

    /// Every byte the table holds: the groups' words, the touched part of the slabs, the bookkeeping.
    ///
    /// - Complexity: O(1).
    public var memoryBytes: Int {
        MemoryBlock.touched(usedWords * 8) + words.overheadBytes + arena.memoryBytes
    }

    /// Adds empty groups until there are `count`; never shrinks. Existing words do not move.
    public mutating func grow(to count: Int) {
        guard count > self.count else { return }
        while words.count * Self.groupsPerBlock < count { words.append() }
        var group = self.count
        let stale = min(usedWords, count)
        while group < stale {
            let run = min(stale - group, Self.groupsPerBlock - group % Self.groupsPerBlock)
            unsafe word(group).update(repeating: GroupWord.empty, count: run)
            group += run
        }
        self.count = count
        usedWords = max(usedWords, count)
    }

    /// Removes all groups.
    ///
    /// - Parameter keepingCapacity: true keeps the memory for the next use, false gives it back.
    /// - Complexity: O(blocks of 256 KiB), whatever the number of groups.
    public mutating func removeAll(keepingCapacity: Bool) {
        count = 0
        arena.removeAll(keepingCapacity: keepingCapacity)
        if !keepingCapacity {
            words.removeAll()
            usedWords = 0
        }
    }

    @inline(__always)
    func word(_ group: Int) -> UnsafeMutablePointer<UInt64> {
        unsafe words.address(group &* 8).assumingMemoryBound(to: UInt64.self)
    }

    @inline(__always)
    func body(_ word: UInt64) -> UnsafeMutableRawPointer {
        unsafe arena.address(GroupWord.handle(word))
    }
}
