import DataflowTesting
import Testing

@testable import Dataflow
@testable import Summaries

@Suite struct ValueCountsTests {
    @Test func nullsAreNotCountedAndCountersWidenBeforeTheyOverflow() {
        let counts = ValueCounts()
        counts.grow(to: 2)
        unsafe counts.add(valid: [1, 0, 1, 1], RowSelection(rows: nil, count: 4), [0, 0, 0, 1])
        #expect(counts.count(ofGroup: 0) == 2 && counts.count(ofGroup: 1) == 1)
        for _ in 0..<32 {
            let copy = ValueCounts()
            copy.grow(to: 2)
            unsafe copy.absorb(counts, [0, 1])
            unsafe counts.absorb(copy, [0, 1])
        }
        #expect(counts.count(ofGroup: 0) == 2 << 32 && counts.count(ofGroup: 1) == 1 << 32)
        counts.grow(to: 3)
        unsafe counts.add(valid: [1], RowSelection(rows: nil, count: 1), [2])
        #expect(counts.count(ofGroup: 2) == 1)
    }

    @Test func anEstimateIsNeverAboveTheNumberOfValues() {
        #expect(UniquesState.shown(1_003.6, values: 1_000) == 1_000)
        #expect(UniquesState.shown(998.5, values: 1_000) == 999)
        #expect(UniquesState.shown(1_003.6, values: nil) == 1_004)
        #expect(UniquesState.shown(1e300, values: nil) == .max)
    }
}
