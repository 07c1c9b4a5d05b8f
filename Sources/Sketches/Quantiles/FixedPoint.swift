/// Doubles as multiples of 10^-9, so that their sum does not depend on the order of adding.
package enum FixedPoint {
    /// The value in units of 10^-9, rounded half to even, exactly: the 53-bit mantissa times 10^9 is shifted by the
    /// exponent in 128 bits; no double is rounded on the way.
    ///
    /// - Parameter value: finite. A magnitude of 1.7e29 or more does not fit and counts as 2^127 - 1 units with its
    ///   sign.
    @inline(__always)
    package static func units(_ value: Double) -> Int128 {
        let bits = value.bitPattern
        let field = Int(truncatingIfNeeded: bits >> 52) & 0x7ff
        let fraction = bits & 0x000f_ffff_ffff_ffff
        let mantissa = field == 0 ? fraction : fraction | 1 << 52
        let shift = (field == 0 ? 1 : field) &- 1_075
        let wide = mantissa.multipliedFullWidth(by: 1_000_000_000)
        let product = UInt128(wide.high) << 64 | UInt128(wide.low)
        let magnitude = shift < 0 ? roundedRight(product, by: -shift) : saturatingLeft(product, by: shift)
        return bits >> 63 == 0 ? magnitude : -magnitude
    }

    /// product / 2^count, half to even; product is below 2^83.
    @inline(__always)
    private static func roundedRight(_ product: UInt128, by count: Int) -> Int128 {
        if count > 84 { return 0 }
        let shift = UInt128(truncatingIfNeeded: count)
        let odd = (product &>> shift) & 1
        let half = (UInt128(1) &<< (shift &- 1)) &- 1
        return Int128(bitPattern: (product &+ half &+ odd) &>> shift)
    }

    private static func saturatingLeft(_ product: UInt128, by count: Int) -> Int128 {
        if product == 0 { return 0 }
        return product.leadingZeroBitCount - 1 < count ? .max : Int128(bitPattern: product << UInt128(count))
    }
}

/// A signed sum of 192 bits: exact for 2^63 values of 128 bits each, so it never depends on the order of adding.
struct WideSum: Equatable, Sendable {
    var low: UInt128 = 0
    var high: Int64 = 0

    mutating func add(_ value: Int128) {
        add(WideSum(low: UInt128(bitPattern: value), high: value < 0 ? -1 : 0))
    }

    mutating func add(_ other: WideSum) {
        let (sum, carry) = low.addingReportingOverflow(other.low)
        low = sum
        high = high &+ other.high &+ (carry ? 1 : 0)
    }

    /// The sum, nil when 128 bits do not hold it.
    var narrow: Int128? {
        let narrow = Int128(bitPattern: low)
        return high == (narrow < 0 ? -1 : 0) ? narrow : nil
    }

    /// Whether so many values of at most 2^127 in magnitude can have this sum. Such sums of up to 2^63 values never
    /// overflow when they are added.
    func isSum(of count: Int) -> Bool {
        let limit = WideSum(low: UInt128(count & 1) << 127, high: Int64(count >> 1))
        var magnitude = self
        if high < 0 {
            magnitude = WideSum(low: ~low, high: ~high)
            magnitude.add(1)
        }
        return magnitude.high >= 0
            && (magnitude.high < limit.high || magnitude.high == limit.high && magnitude.low <= limit.low)
    }
}
