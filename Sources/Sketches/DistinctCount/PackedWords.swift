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
}
