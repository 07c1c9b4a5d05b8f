/// The eight bytes a group has in a `DistinctCountTable`.
///
/// ```
/// 63   60 59 57 56                      38 37     32 31                 0
/// +------+-----+--------------------------+---------+--------------------+
/// | not zero: the word is the only hash of an exact sketch               |   15 of 16 singletons
/// |    0 |  0  |                            0                            |   empty
/// |    0 |  1  | up to 57 bits of SPARSE words, lowest first, 0 = none   |   inline registers
/// |    0 |  2  | hashes                   | class   | handle             |   exact: sorted hashes in a body
/// |    0 |  3  | SPARSE words             | class   | handle             |   packed words in a body
/// |    0 |  4  | base (5 bits)            | class   | handle             |   4-bit offsets from base in a body
/// |    0 |  5  |                          | class   | handle             |   FULL body
/// +------+-----+--------------------------+---------+--------------------+
/// ```
enum GroupWord {
    static let empty: UInt64 = 0
    static let inline: UInt64 = 1
    static let explicit: UInt64 = 2
    static let sparse: UInt64 = 3
    static let nibbles: UInt64 = 4
    static let full: UInt64 = 5

    static let kindShift: UInt64 = 57
    static let countShift: UInt64 = 38
    static let oneMore: UInt64 = 1 << 38
    static let inlineBits = 57
    /// Registers stage without a filled register: a hash without trace makes it differ from empty.
    static let inlineEmpty: UInt64 = inline << kindShift

    /// Whether the word is itself a hash.
    @inline(__always)
    static func isHash(_ word: UInt64) -> Bool { word &>> 60 != 0 }

    /// One of the kinds above; 8 and more for a hash.
    @inline(__always)
    static func kind(_ word: UInt64) -> UInt64 { word &>> kindShift }

    @inline(__always)
    static func handle(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word) }

    @inline(__always)
    static func sizeClass(_ word: UInt64) -> Int { Int(truncatingIfNeeded: (word &>> 32) & 63) }

    @inline(__always)
    static func count(_ word: UInt64) -> Int { Int(truncatingIfNeeded: (word &>> countShift) & 0x7ffff) }

    /// The base of a nibble body.
    @inline(__always)
    static func base(_ word: UInt64) -> UInt64 { (word &>> countShift) & 31 }

    @inline(__always)
    static func body(_ kind: UInt64, count: Int, sizeClass: Int, handle: UInt32) -> UInt64 {
        kind &<< kindShift | UInt64(truncatingIfNeeded: count) &<< countShift
            | UInt64(truncatingIfNeeded: sizeClass) &<< 32 | UInt64(handle)
    }
}
