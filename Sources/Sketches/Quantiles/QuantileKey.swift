/// A bucket of either sign as one integer that sorts as the values do.
///
/// ```
///   negative values         zero bucket        positive values
///   -(bias + i)                  0                 bias + i
/// ```
/// The zero bucket takes zero and the subnormals.
enum QuantileKey {
    /// Larger than the magnitude of any bucket index, so that the sign of a key is the sign of its values.
    static let bias: Int32 = 1 << 17
    static let zero: Int32 = 0
    /// Halvings between the finest and the coarsest scale.
    static let halvingsMax = ExponentialScale.finest - ExponentialScale.coarsest

    /// The key of a finite double at scale 6.
    @inline(__always)
    static func of(bits: UInt64, in table: UnsafePointer<UInt64>) -> Int32 {
        let magnitude = bits & 0x7fff_ffff_ffff_ffff
        if magnitude < 1 << 52 { return zero }
        let key = unsafe ExponentialScale.index(bits: magnitude, in: table) &+ bias
        return bits == magnitude ? key : -key
    }

    /// The key of the same values on a grid `halvings` coarser: i -> ceil(i / 2^halvings).
    @inline(__always)
    static func coarsened(_ key: Int32, by halvings: Int) -> Int32 {
        if key > 0 { return bias - ((bias - key) >> Int32(halvings)) }
        return key == 0 ? 0 : ((bias + key) >> Int32(halvings)) - bias
    }

    /// The value reported for a bucket.
    static func midpoint(_ key: Int32, halvings: Int) -> Double {
        if key == 0 { return 0 }
        let value = ExponentialScale.midpoint(abs(key) - bias, halvings: halvings)
        return key > 0 ? value : -value
    }

    /// The smallest and largest double a bucket can hold; the lower one belongs to the next bucket down.
    static func bounds(_ key: Int32, halvings: Int) -> (low: Double, high: Double) {
        if key == 0 { return (-Double.leastNormalMagnitude, Double.leastNormalMagnitude) }
        let index = abs(key) - bias
        let inner = ExponentialScale.upperBound(index - 1, halvings: halvings)
        let outer = ExponentialScale.upperBound(index, halvings: halvings)
        return key > 0 ? (inner, outer) : (-outer, -inner)
    }
}
