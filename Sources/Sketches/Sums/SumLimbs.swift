/// Signed numbers of many bits, as doubles sum up to: two's complement, 64-bit limbs, the lowest first.
///
/// The bit of weight 1 of limb 0 of a whole sum is 2^-1088, a round number below the least double, 2^-1074; the sum of
/// fewer than 2^63 doubles stays below 2^1087 and fits 34 limbs with its sign. That is the small superaccumulator of
/// Neal ("Fast exact summation using small and large superaccumulators", 2015) with whole limbs and carries resolved at
/// once instead of overlapping chunks: a sum then needs only the limbs between its lowest and its highest bit.
enum SumLimbs {
    /// Limbs of a whole sum.
    static let count = 34
    /// The exponent of the lowest bit of limb 0.
    static let lowestExponent = -1_088

    /// Adds a number of `n` limbs, shifted left by `shift` bits, to one of `count` limbs; its sign goes on for ever.
    ///
    /// - Parameters:
    ///   - n: 1 or more; what lies beyond `count` limbs must be sign.
    ///   - shift: 0 ..< 64.
    /// - Returns: false when the sum does not fit `count` limbs; it has wrapped then.
    @discardableResult
    static func add(
        _ words: UnsafePointer<UInt64>, _ n: Int, shiftedBy shift: Int, to limbs: UnsafeMutablePointer<UInt64>,
        count: Int
    ) -> Bool {
        let sign = unsafe UInt64(bitPattern: Int64(bitPattern: words[n - 1]) >> 63)
        let before = unsafe Int64(bitPattern: limbs[count - 1]) >> 63
        var lower: UInt64 = 0
        var carry = false
        for position in 0..<count {
            let word = position < n ? unsafe words[position] : sign
            let part = shift == 0 ? word : word &<< UInt64(shift) | lower &>> UInt64(64 &- shift)
            lower = word
            let (partial, first) = unsafe limbs[position].addingReportingOverflow(part)
            let (sum, second) = partial.addingReportingOverflow(carry ? 1 : 0)
            unsafe limbs[position] = sum
            carry = first || second
        }
        let after = unsafe Int64(bitPattern: limbs[count - 1]) >> 63
        return before != Int64(bitPattern: sign) || after == before
    }
}

/// A finite double as a whole number and a power of two.
struct DoubleParts {
    /// Below 2^53.
    var mantissa: UInt64
    /// Of the mantissa's lowest bit; -1074 ... 971.
    var exponent: Int
    var isNegative: Bool

    @inline(__always)
    init(_ value: Double) {
        let bits = value.bitPattern
        let field = Int(truncatingIfNeeded: bits &>> 52) & 0x7ff
        let fraction = bits & 0x000f_ffff_ffff_ffff
        mantissa = field == 0 ? fraction : fraction | 1 &<< 52
        exponent = max(field, 1) &- 1_075
        isNegative = bits &>> 63 != 0
    }

    /// The signed value as two limbs, its lowest bit weighing 2^`exponent`.
    @inline(__always)
    func words(shiftedBy shift: Int) -> Int128 {
        let magnitude = Int128(truncatingIfNeeded: UInt128(mantissa) &<< UInt128(truncatingIfNeeded: shift))
        return isNegative ? 0 &- magnitude : magnitude
    }
}
