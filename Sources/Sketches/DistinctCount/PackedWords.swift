/// SPARSE words packed one after the other in a body, lowest bit first.
///
/// A word has at most 22 bits and starts at any bit, so an unaligned 32-bit load always holds it whole. Loads and
/// stores may cover up to three bytes of the neighbouring body; stores put back what was there.
enum PackedWords {
    @inline(__always)
    static func load(_ body: UnsafeMutableRawPointer, _ slot: Int, bits: Int, mask: UInt32) -> UInt32 {
        let bit = slot &* bits
        let raw = unsafe body.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt32.self)
        return (UInt32(littleEndian: raw) &>> UInt32(truncatingIfNeeded: bit & 7)) & mask
    }

    @inline(__always)
    static func store(_ word: UInt32, _ body: UnsafeMutableRawPointer, _ slot: Int, bits: Int, mask: UInt32) {
        let bit = slot &* bits
        let shift = UInt32(truncatingIfNeeded: bit & 7)
        let raw = unsafe body.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt32.self)
        let kept = UInt32(littleEndian: raw) & ~(mask &<< shift)
        unsafe body.storeBytes(of: (kept | word &<< shift).littleEndian, toByteOffset: bit &>> 3, as: UInt32.self)
    }

    /// The first of the `laneCount` words from `slot` on that is empty or has the index of `entry`, or `laneCount`.
    ///
    /// Looks at all of them at once: a lane that is zero after masking is found by the borrow it causes. Borrows can
    /// only mark lanes above a true one, so the lowest mark is right.
    @inline(__always)
    static func firstMatch(
        _ entry: UInt32, _ body: UnsafeMutableRawPointer, _ slot: Int, geometry: SketchGeometry
    ) -> Int {
        let bits = geometry.wordBits
        let bit = slot &* bits
        let raw = unsafe UInt64(littleEndian: body.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt64.self))
        let words = raw &>> UInt64(truncatingIfNeeded: bit & 7)
        let ones = geometry.laneOnes
        let tops = ones &<< UInt64(truncatingIfNeeded: bits &- 1)
        let indexBits = UInt64(geometry.wordMask) & ~geometry.valueMask
        let difference = (words ^ (UInt64(entry) & indexBits) &* ones) & (indexBits &* ones)
        let sameIndex = (difference &- ones &<< geometry.width) & ~difference
        let held = words & (UInt64(geometry.wordMask) &* ones)
        let empty = (held &- ones) & ~held
        let marks = (sameIndex | empty) & tops
        if marks == 0 { return geometry.laneCount }
        let position = marks.trailingZeroBitCount
        return (position >= bits ? 1 : 0) &+ (position >= 2 &* bits ? 1 : 0)
    }
}
