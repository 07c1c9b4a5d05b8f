import Testing

@testable import Summaries

@Suite struct ExactSumTests {
    @Test func aMeanIsSumOverCount() {
        #expect(ExactSum.mean(1_000, scale: 2, count: 4) == 2.5)
        #expect(ExactSum.mean(-3, scale: 0, count: 2) == -1.5)
    }
}
