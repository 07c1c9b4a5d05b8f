/// Picks a rank in `1...count` with Zipf's skew: rank r about r^(-3/4) as often as rank 1.
///
/// The ranks are divided into octaves (1, 2-3, 4-7, ...); within one all are equally likely. That needs no table of
/// `count` entries and no floating point: an octave's weight is its length times 2^(-3k/4), in fixed point.
package struct SkewedRank: Sendable {
    /// The largest `count`: ids made of ranks have 32 bits.
    package static let countMax: UInt64 = 1 << 31

    private let octaves: AliasTable
    private let count: UInt64

    /// - Parameter count: how many ranks there are, 1 to ``countMax``.
    init(count: UInt64) {
        precondition((1...SkewedRank.countMax).contains(count), "a skewed rank takes 1 to 2^31 ranks")
        // 2^(30 - b/4)
        let roots: [UInt64] = [1_073_741_824, 902_905_651, 759_250_125, 638_450_708]
        let octaveCount = UInt64(64 - count.leadingZeroBitCount)
        octaves = AliasTable(
            weights: (0..<octaveCount).map { octave in
                let length = SkewedRank.length(ofOctave: octave, count: count)
                return (length * roots[Int(octave * 3 % 4)]) >> (octave * 3 / 4)
            })
        self.count = count
    }

    /// The next rank.
    @inline(__always)
    func pick(_ random: inout EventRandom) -> UInt32 {
        let octave = UInt64(octaves.pick(random.next()))
        let length = SkewedRank.length(ofOctave: octave, count: count)
        return UInt32(truncatingIfNeeded: (1 &<< octave) &+ random.below(length))
    }

    /// How many ranks the octave from 2^octave on has; the last one may be cut short.
    @inline(__always)
    private static func length(ofOctave octave: UInt64, count: UInt64) -> UInt64 {
        let first: UInt64 = 1 &<< octave
        return min(first, count &- first &+ 1)
    }
}
