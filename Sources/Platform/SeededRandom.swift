/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): the same numbers for the same
/// seed, everywhere.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Starts at `seed`.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        defer { state &+= Self.step }
        return Self.mix(state)
    }

    /// A number from 0 to `bound - 1`.
    public mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    /// True in `percent` of 100 cases.
    public mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    /// One of some choices, of which there is at least one.
    public mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[below(choices.count)] }

    /// How far the state moves from one number to the next.
    public static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// The number that follows on a state: a permutation of the 64-bit integers that looks random.
    @inlinable
    public static func mix(_ state: UInt64) -> UInt64 {
        var bits = state &+ 0x9e37_79b9_7f4a_7c15
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }
}
