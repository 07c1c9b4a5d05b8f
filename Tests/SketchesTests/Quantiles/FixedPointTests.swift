import Platform
import Testing

@testable import Sketches

@Suite struct FixedPointTests {
    @Test func roundsHalfToEvenExactly() {
        #expect(FixedPoint.units(0.1) == 100_000_000)
        #expect(FixedPoint.units(-0.1) == -100_000_000)
        #expect(FixedPoint.units(1) == 1_000_000_000)
        // 2^-10 = 976562.5 units, 3 * 2^-10 = 2929687.5 units: one rounds down to even, one up.
        #expect(FixedPoint.units(0x1p-10) == 976_562)
        #expect(FixedPoint.units(0x3p-10) == 2_929_688)
        #expect(FixedPoint.units(-0x3p-10) == -2_929_688)
        #expect(FixedPoint.units((0x1p-10).nextUp) == 976_563)
        #expect(FixedPoint.units((0x1p-10).nextDown) == 976_562)
        #expect(FixedPoint.units(.leastNonzeroMagnitude) == 0)
        #expect(FixedPoint.units(4.9e-10) == 0)
        #expect(FixedPoint.units(5.1e-10) == 1)
        #expect(FixedPoint.units(0) == 0)
    }

    @Test func saturatesWithTheSign() {
        #expect(FixedPoint.units(1e29) == Int128(1e29 as Double) * 1_000_000_000)
        #expect(FixedPoint.units(1.8e29) == .max)
        #expect(FixedPoint.units(-1.8e29) == -.max)
        #expect(FixedPoint.units(.greatestFiniteMagnitude) == .max)
    }

    @Test(arguments: [UInt64(11), 12])
    func agreesWithDecimalDigits(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<10_000 {
            // Multiples of 2^-9 are multiples of 10^-9: every digit can be checked in integers.
            let eighths = Int64.random(in: -(1 << 52)...(1 << 52), using: &random)
            let value = Double(eighths) / 512
            #expect(FixedPoint.units(value) == Int128(eighths) * 1_953_125, "seed \(seed): \(value)")
        }
    }

    @Test func sumsOf192BitsDoNotDependOnOrder() {
        let terms: [Int128] = [.max, .max, .min + 1, 7, .max, -3, .min + 1, .min + 1, .min + 1]
        var forward = WideSum()
        var backward = WideSum()
        for term in terms { forward.add(term) }
        for term in terms.reversed() { backward.add(term) }
        #expect(forward == backward)
        #expect(forward.narrow == -Int128.max + 4)
        var above = WideSum()
        above.add(.max)
        above.add(1)
        #expect(above.narrow == nil)
        var below = WideSum()
        below.add(.min)
        below.add(-1)
        #expect(below.narrow == nil)
    }
}
