/// The bucket grid of the exponential histogram at scale 6: which bucket a double falls into, by integers only.
///
/// Bucket i holds v with b^(i-1) < v <= b^i, b = 2^(2^-6): 64 buckets per octave, the convention of Prometheus native
/// histograms (OpenTelemetry's index is i - 1). The grid of scale s < 6 is `ceil(i / 2^(6-s))`, exactly.
/// Reporting 2 b^i / (1 + b) for every value of bucket i is off by at most (b - 1) / (b + 1) = 0.5415 %.
///
/// `log2(v)` is not used: it is slower and, being rounded, picks the neighbouring bucket next to boundaries.
public enum ExponentialScale {
    /// The finest scale, which every sketch starts with.
    public static let finest = 6
    /// The coarsest scale: there the whole range of double fits the cap.
    public static let coarsest = -1
    /// The most non-empty buckets a sketch keeps, both signs together, before it halves its scale.
    ///
    /// Never reached by values that lie within 32 octaves.
    public static let bucketsMax = 2_048
    /// The guaranteed relative error of a reported value at scale 6: (b - 1) / (b + 1), rounded up.
    public static let relativeError = 0.005_416

    /// The bucket of a positive, normal, finite double at scale 6: -65,408 ... 65,536.
    ///
    /// - Parameter value: must be at least 2.2250738585072014e-308 and finite; anything else is a bug of the caller.
    /// - Complexity: O(1): one table load, one comparison.
    public static func index(_ value: Double) -> Int32 {
        precondition(value.isNormal && value > 0, "the bucket index is defined for positive normal doubles only")
        return unsafe index(bits: value.bitPattern, in: lookup)
    }

    /// The largest double of a bucket at scale 6: b^index, rounded down; infinite beyond 2^1024 - 1 ulp.
    ///
    /// Bucket 65,536 ends at 2^1024, which is no double: its largest value is `greatestFiniteMagnitude`.
    public static func upperBound(_ index: Int32) -> Double {
        upperBound(index, halvings: 0)
    }

    /// `upperBound` on the grid `halvings` below scale 6.
    static func upperBound(_ index: Int32, halvings: Int) -> Double {
        let fine = Int(index) << halvings
        if fine >= 65_536 { return .greatestFiniteMagnitude }
        return scaled(Double(boundaries[fine & 63]), by: (fine >> 6) - 52)
    }

    /// 2 b^index / (1 + b): the value reported for everything in a bucket. Overflows to infinity in the last bucket.
    static func midpoint(_ index: Int32, halvings: Int) -> Double {
        let fine = Int(index) << halvings
        return scaled(Double(boundaries[fine & 63]) * midpointFactors[halvings], by: (fine >> 6) - 52)
    }

    /// value * 2^exponent in two exact steps, so that only the result can overflow or lose bits.
    private static func scaled(_ value: Double, by exponent: Int) -> Double {
        let half = exponent / 2
        return value * powerOfTwo(half) * powerOfTwo(exponent - half)
    }

    /// 2^exponent for exponents of normal doubles.
    private static func powerOfTwo(_ exponent: Int) -> Double {
        Double(bitPattern: UInt64(exponent + 1_023) << 52)
    }

    /// The bucket of a positive normal double given by its bits.
    ///
    /// The first 7 mantissa bits select a table word; a 1/128 octave contains at most one boundary, since the narrowest
    /// bucket is 1.089 % wide, so one comparison decides.
    @inline(__always)
    static func index(bits: UInt64, in table: UnsafePointer<UInt64>) -> Int32 {
        let fraction = bits & 0x000f_ffff_ffff_ffff
        let word = unsafe table[Int(truncatingIfNeeded: fraction >> 45)]
        let octave = Int32(truncatingIfNeeded: bits >> 52) &- 1_023
        let guess = Int32(truncatingIfNeeded: word & 127)
        return octave &* 64 &+ guess &+ (fraction > word >> 7 ? 1 : 0)
    }

    /// The guess table, 128 words of `boundary fraction << 7 | bucket`; lives as long as the process.
    nonisolated(unsafe) static let lookup: UnsafePointer<UInt64> = {
        let table = UnsafeMutablePointer<UInt64>.allocate(capacity: 128)
        let one: UInt64 = 1 << 52
        for segment in 0..<128 {
            let smallest = one + UInt64(segment) << 45
            let bucket = boundaries.firstIndex { smallest <= $0 } ?? 64
            let fraction = bucket == 64 ? one - 1 : boundaries[bucket] - one
            unsafe table[segment] = fraction << 7 | UInt64(bucket)
        }
        return unsafe UnsafePointer(table)
    }()
}
