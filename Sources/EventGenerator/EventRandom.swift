import Platform

/// Random numbers that are the same on every machine: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014).
///
/// A stream is chosen by seed and index, so that the numbers of event 7 do not depend on whether event 6 was made.
struct EventRandom: Sendable {
    private var state: UInt64

    /// The stream of random numbers that belongs to `index` under `seed`.
    @inline(__always)
    init(seed: UInt64, index: UInt64) {
        state = EventRandom.mix(EventRandom.mix(seed) ^ index)
    }

    /// The next 64 random bits.
    @inline(__always)
    mutating func next() -> UInt64 {
        defer { state &+= SeededRandom.step }
        return SeededRandom.mix(state)
    }

    /// A number in `0..<bound`; the bias of the multiply-and-shift is below 2^-32.
    @inline(__always)
    mutating func below(_ bound: UInt64) -> UInt64 {
        ((next() >> 32) &* bound) >> 32
    }

    /// A permutation of the 64-bit integers that looks random; 0 is not mapped to itself.
    @inline(__always)
    static func mix(_ value: UInt64) -> UInt64 {
        SeededRandom.mix(value)
    }

    /// A permutation of the 32-bit integers that looks random (Mueller's integer hash): distinct ranks stay distinct.
    @inline(__always)
    static func mix32(_ value: UInt32) -> UInt32 {
        var x = value &+ 0x9e37_79b9
        x = (x ^ (x >> 16)) &* 0x045d_9f3b
        x = (x ^ (x >> 16)) &* 0x045d_9f3b
        return x ^ (x >> 16)
    }
}
