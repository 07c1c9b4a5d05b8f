import Logging
import Lookups
import Synchronization
import Testing

@testable import Nodes

/// Records without a row are said: at the end with their number, at once when it is all of many.
@Suite struct LookupWatchTests {
    private static let plan = LookupPlan(
        node: "named", origin: .file("rows.csv"),
        keys: [LookupPlan.Key(field: "k", column: 0, dimension: DimensionField("id", .text))], cells: [],
        missing: .null, schedule: LookupSchedule(every: .seconds(60)))

    /// What is told of records that are counted in steps: how many, and how many without a row.
    private static func told(_ steps: [(Int, missed: Int)], atEnd: Bool = true) -> [Remark] {
        let told = Mutex<[Remark]>([])
        let remarks = Remarks { remark in told.withLock { $0.append(remark) } }
        let watch = remarks.watch { LookupWatch(plan, $0) }
        for step in steps { watch.count(step.0, missed: step.missed) }
        if atEnd { remarks.conclude() }
        return told.withLock { $0 }
    }

    @Test func whoeverFindsAllSaysNothing() { #expect(Self.told([(5_000, 0)]).isEmpty) }

    @Test(arguments: [
        ([(8, 2)], "the lookup named: 2 of 8 records had no row in rows.csv by k = id"),
        ([(4, 4), (4, 4)], "the lookup named: none of 8 records had a row in rows.csv by k = id"),
        ([(1, 1)], "the lookup named: the only record had no row in rows.csv by k = id"),
    ])
    func theNumberIsSaidAtTheEnd(steps: [(Int, Int)], sentence: String) {
        let told = Self.told(steps.map { ($0.0, missed: $0.1) })
        #expect(told.map(\.sentence) == [sentence])
    }

    @Test func aKeyThatNeverFitsIsSaidAtOnceAndOnce() {
        let told = Self.told([(2_999, 2_999), (1, 1), (5_000, 5_000)], atEnd: false)
        #expect(told.count == 1 && "\(told[0].message)".contains("by the right columns?"), "\(told)")
        #expect(told.first?.metadata["missing"] == "3000")
        #expect(Self.told([(2_000, 1_999), (5_000, 5_000)], atEnd: false).isEmpty)
    }
}
