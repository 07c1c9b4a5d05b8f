import Platform
import Sketches

/// Seeded random bits, and the distinct-count cases drawn from them.
struct HashStream: RandomNumberGenerator {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func next() -> UInt64 { random.next() }

    /// Any parameters a new sketch may have, small registers preferred so that every layout is reached.
    mutating func parameters(log2m: ClosedRange<Int> = 4...12) throws -> HyperLogLogParameters {
        try HyperLogLogParameters(
            log2m: Int.random(in: log2m, using: &self),
            registerWidth: Int.random(in: 0..<4, using: &self) == 0 ? 4 : 5,
            explicitThreshold: [0, 0, 1, 2, 4, 8, 8, 32, 128, HyperLogLogParameters.automaticThreshold]
                .randomElement(using: &self) ?? 0,
            sparse: Int.random(in: 0..<5, using: &self) != 0)
    }

    /// A multiset of hashes: a size of log-uniform distribution, duplicates, and sometimes hashes shifted left so that
    /// register values become large, or shifted right so that they leave no trace.
    mutating func hashes(atMost limit: Int) -> [UInt64] {
        let scale = Double.random(in: 0...1, using: &self)
        var size = Int(Self.power(Double(limit), scale))
        if Int.random(in: 0..<20, using: &self) == 0 { size = 0 }
        let shift = Int.random(in: 0..<3, using: &self) == 0 ? UInt64.random(in: 0...31, using: &self) : 0
        let traceless = Int.random(in: 0..<10, using: &self) == 0
        var result: [UInt64] = []
        for _ in 0..<size {
            if let known = result.randomElement(using: &self), Int.random(in: 0..<8, using: &self) == 0 {
                result.append(known)
            } else if traceless, Bool.random(using: &self) {
                result.append(next() >> 60)
            } else {
                // Low bits choose the register: keep some of them under the shifted rest.
                result.append((next() << shift) ^ (next() >> 52 & ((1 << min(shift, 12)) - 1)))
            }
        }
        return result
    }

    private static func power(_ limit: Double, _ scale: Double) -> Double {
        var result = 1.0
        var root = limit
        var rest = scale
        // limit^scale by binary expansion of the exponent: no library function, the same on every machine.
        for _ in 0..<30 {
            root = root.squareRoot()
            rest *= 2
            if rest >= 1 {
                result *= root
                rest -= 1
            }
        }
        return result
    }
}
