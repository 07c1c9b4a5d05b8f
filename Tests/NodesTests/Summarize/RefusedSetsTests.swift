import DataflowTesting
import Expressions
import Platform
import Summaries
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Nodes

/// A record is left out of all grouping sets when the database refuses its group in any of them.
@Suite struct RefusedSetsTests {
    private static let memory = MemoryAccountant(budget: 1 << 40)

    /// Adds records in batches of 100, leaving out those of refused groups.
    private static func add(
        _ records: [SummaryRecord], to delta: SummaryDelta, except refused: RefusedGroups
    ) -> (taken: [Int], left: [Int]) {
        var taken: [Int] = []
        var left: [Int] = []
        for start in stride(from: 0, to: records.count, by: 100) {
            let part = records[start..<min(records.count, start + 100)]
            let batch = SummaryRecord.batch(part, serial: UInt64(start + 1))
            let rows = unsafe RowSelection(rows: nil, count: part.count)
            let conditions = delta.plan.metrics.map { $0.condition?.makeEvaluator() }
            let answer = delta.add(
                batch, rows, conditions, except: refused, at: SummaryRecord.places(part, of: Int64(start)))
            taken += answer.taken.map { start + Int($0) }
            left += answer.left.map { start + $0.row }
        }
        return (taken, left)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func theRestIsCountedAsIfRefusedRecordsHadNeverBeen(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let all = (0..<8).map { bits in (0..<3).filter { bits >> $0 & 1 == 1 } }
        let sets = Array(all.shuffled(using: &random).prefix(Int.random(in: 2...6, using: &random)))
        let keys = Array(SummaryRecord.keys.prefix(3))
        let plan = SummaryPlan.ofRecords(keys: keys, sets: sets, metrics: try SummaryRecord.metrics())
        let records = SummaryRecord.random(500, &random)
        let whole = SummaryDelta.empty(plan, Self.memory)
        whole.add(records[...], serial: 1)
        whole.complete()

        // Some groups of whatever set are refused.
        let refused = RefusedGroups()
        var keysRefused: Set<RefusedGroups.Group> = []
        for _ in 0..<3 {
            let set = whole.sets[Int.random(in: 0..<whole.sets.count, using: &random)]
            let group = Int.random(in: 0..<set.groupCount, using: &random)
            let identity = GroupOrder.identity(of: group, in: set, as: set.set)
            refused.insert(identity, RecordFault("test", "for a test"))
            keysRefused.insert(identity)
        }
        // Which records those are is found out one by one.
        let isRefused = records.map { record in
            let alone = SummaryDelta.empty(plan, Self.memory)
            alone.add([record], serial: 1)
            alone.complete()
            return alone.sets.contains {
                keysRefused.contains(GroupOrder.identity(of: 0, in: $0, as: $0.set))
            }
        }
        let kept = records.indices.filter { !isRefused[$0] }

        let delta = SummaryDelta.empty(plan, Self.memory)
        let (taken, left) = Self.add(records, to: delta, except: refused)
        #expect(taken == kept && left == records.indices.filter { isRefused[$0] }, "seed \(seed), sets \(sets)")
        #expect(!left.isEmpty)
        delta.complete()
        let clean = SummaryDelta.empty(plan, Self.memory)
        clean.add(kept.map { records[$0] }[...], serial: 1)
        clean.complete()
        #expect(delta.lines == clean.lines, "seed \(seed), sets \(sets)")
    }

    /// What a group holds no record of must not become a row.
    @Test func refusedRecordsLeaveNoEmptyGroups() throws {
        var random = SeededRandom(seed: 31)
        let plan = SummaryPlan.ofRecords(
            keys: Array(SummaryRecord.keys.prefix(2)), sets: [[0, 1], [0], [1], []], hasWindow: false,
            metrics: [MetricPlan(Count("events"))])
        let records = SummaryRecord.random(400, &random)
        let refused = RefusedGroups()
        // The total: every record is in it.
        refused.insert(RefusedGroups.Group(windowStart: nil, key: [2, 2]), RecordFault("test", "for a test"))
        let delta = SummaryDelta.empty(plan, Self.memory)
        let (taken, left) = Self.add(records, to: delta, except: refused)
        delta.complete()
        #expect(taken.isEmpty && left.count == 400)
        #expect(delta.groupCount == 0)
    }
}
