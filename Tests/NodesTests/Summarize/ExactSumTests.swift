import DataflowTesting
import Testing

@testable import Nodes

@Suite struct ExactSumTests {
    @Test func roundingIsHalfToEvenInUnitsOfTheNinthPlace() {
        #expect(ExactSum.units(of: 1) == 1_000_000_000)
        #expect(ExactSum.units(of: -2.5) == -2_500_000_000)
        #expect(ExactSum.units(of: 0.000_000_001) == 1)
        #expect(ExactSum.units(of: 0x1p-31) == 0, "0.47 units")
        #expect(ExactSum.units(of: 0x1p-30) == 1, "0.93 units")
        #expect(ExactSum.units(of: .leastNonzeroMagnitude) == 0)
    }

    @Test func oneHugeValueCannotOverflowASum() {
        let limit = Int128(1) << 95
        #expect(ExactSum.units(of: 1e300) == limit)
        #expect(ExactSum.units(of: -1e300) == -limit)
        #expect(limit.multipliedReportingOverflow(by: 1 << 31).overflow == false)
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func theOrderOfAddingChangesNothing(seed: UInt64) {
        var random = DataflowTesting.SeededRandom(seed: seed)
        let values = (0..<500).map { _ in
            Double.random(in: -1...1, using: &random) * [1e-9, 1, 1e9, 1e15].randomElement(using: &random)!
        }
        let sum = values.reduce(Int128(0)) { $0 + ExactSum.units(of: $1) }
        #expect(values.shuffled(using: &random).reduce(Int128(0)) { $0 + ExactSum.units(of: $1) } == sum)
    }

    @Test func aMeanIsSumOverCount() {
        #expect(ExactSum.mean(1_000, scale: 2, count: 4) == 2.5)
        #expect(ExactSum.mean(-3, scale: 0, count: 2) == -1.5)
    }
}
