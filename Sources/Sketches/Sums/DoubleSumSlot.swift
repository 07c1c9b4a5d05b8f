/// One group's fixed part; see `DoubleSumTable`.
struct DoubleSumSlot {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    /// The exponent of the lowest of the 128 bits, or one of the marks below, which no exponent of a value comes near.
    var anchor = DoubleSumSlot.empty
    var handle: UInt32 = 0

    /// No value yet.
    static let empty = Int32.max
    /// Zeros only.
    static let zero = Int32.max - 1
    /// The limbs are in a body.
    static let wide = Int32.max - 2

    /// How far a mantissa of 53 bits may be shifted left inside 127 bits.
    static let shiftMax: UInt32 = 73
    /// Bits a number may have where it is laid out, some short of 127, so that others can be added.
    static let bitsMax = 120

    var isEmpty: Bool { anchor == Self.empty }
    var isWide: Bool { anchor == Self.wide }
    var isInline: Bool { anchor < Self.wide }

    /// The 128 bits.
    var bits: Int128 {
        @inline(__always) get { Int128(truncatingIfNeeded: UInt128(high) << 64 | UInt128(low)) }
        @inline(__always) set {
            low = UInt64(truncatingIfNeeded: newValue)
            high = UInt64(truncatingIfNeeded: newValue >> 64)
        }
    }

    /// The limb of a whole sum that the body's first limb is.
    var firstLimb: Int { Int(low & 0xff) }
    /// Limbs in the body.
    var limbCount: Int { Int(low >> 8 & 0xff) }
    var sizeClass: UInt8 { UInt8(truncatingIfNeeded: low >> 16) }

    /// Makes the slot refer to a body.
    mutating func setBody(_ handle: UInt32, sizeClass: UInt8, limbs: Range<Int>) {
        anchor = Self.wide
        self.handle = handle
        low = UInt64(limbs.lowerBound) | UInt64(limbs.count) << 8 | UInt64(sizeClass) << 16
        high = 0
    }

    /// Where the 128 bits begin for a first value whose lowest bit weighs 2^`exponent`.
    ///
    /// 24 to 39 bits lower, for values that are smaller; a multiple of 16, so that the same group of two workers mostly
    /// begins alike.
    static func anchor(below exponent: Int) -> Int { rounded(exponent - 24) }

    /// The next multiple of 16 down, not below the least double's.
    static func rounded(_ exponent: Int) -> Int { max(exponent & ~15, SumLimbs.lowestExponent) }
}
