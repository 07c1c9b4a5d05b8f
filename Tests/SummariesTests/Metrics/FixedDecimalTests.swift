import Testing

@testable import Summaries

@Suite struct FixedDecimalTests {
    @Test func aScaleChangesOnlyWhereNoDigitIsLost() {
        #expect(FixedDecimal(unscaled: 1_250, scale: 2).rescaled(to: 1) == 125)
        #expect(FixedDecimal(unscaled: 1_250, scale: 2).rescaled(to: 0) == nil)
        #expect(FixedDecimal(unscaled: -7, scale: 0).rescaled(to: 3) == -7_000)
        #expect(FixedDecimal(unscaled: .max, scale: 0).rescaled(to: 1) == nil)
    }

    @Test func itsDoubleIsTheNearest() {
        #expect(FixedDecimal(unscaled: 30_000_000_000_000_004, scale: 17).nearestDouble == 0.30000000000000004)
        #expect(FixedDecimal(unscaled: -5, scale: 1).nearestDouble == -0.5)
    }
}
