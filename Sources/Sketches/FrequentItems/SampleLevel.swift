/// How rare a record is among all, by a hash of its place in the log: the sample of values is drawn by it.
///
/// It is 16 times the binary logarithm of 1/u, for a hash read as a fraction u, with straight lines between powers of two.
/// So a level higher by 16 is half as frequent.
public enum SampleLevel {
    /// The highest level.
    public static let most = 64 * 16 + 15

    /// The level of a record.
    /// - Parameters:
    ///   - partition: stands for the partition.
    ///   - offset: the message's offset.
    ///   - within: which record of the message it is.
    @inline(__always)
    public static func of(partition: UInt64, offset: Int64, within: UInt32) -> Int {
        let hash = mix(mix(mix(partition) ^ UInt64(bitPattern: offset)) ^ UInt64(within))
        return of(hash: hash)
    }

    /// The level of a hash.
    @inline(__always)
    static func of(hash: UInt64) -> Int {
        let zeros = hash.leadingZeroBitCount
        // The four bits behind the first 1.
        let step = zeros >= 64 ? 0 : Int(truncatingIfNeeded: (hash << UInt64(zeros)) >> 59) & 15
        return zeros * 16 + 15 - step
    }

    /// The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), with
    /// its increment.
    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        var word = value &+ 0x9e37_79b9_7f4a_7c15
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
