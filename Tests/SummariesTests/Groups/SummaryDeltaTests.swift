import DataflowTesting
import Platform
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Summaries

/// What a summary comes to must not depend on how its records were spread over batches and workers.
@Suite struct SummaryDeltaTests {
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func batchesAndWorkersChangeNothing(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let memory = MemoryAccountant(budget: 1 << 30)
        let plan = SummaryPlan.ofRecords(
            keys: Array(SummaryRecord.keys.prefix(3)), metrics: try SummaryRecord.metrics())
        let records = SummaryRecord.random(3_000, &random)
        let whole = SummaryDelta.empty(plan, memory)
        whole.add(records[...], serial: 1)
        let workers = (0..<3).map { _ in SummaryDelta.empty(plan, memory) }
        var start = 0
        var serial: UInt64 = 1
        while start < records.count {
            let end = min(records.count, start + Int.random(in: 1...700, using: &random))
            serial += 1
            workers.randomElement(using: &random)?.add(records[start..<end], serial: serial)
            start = end
        }
        workers[1].absorb(workers[2])
        workers[0].absorb(workers[1])
        #expect(workers[0].lines == whole.lines, "seed \(seed)")
        #expect(whole.groupCount > 50)
    }

    /// Without window and `by` there is one group, and merging must not make another.
    @Test func aSummaryWithoutKeysStaysOneGroup() throws {
        var random = SeededRandom(seed: 3)
        let memory = MemoryAccountant(budget: 1 << 30)
        let plan = SummaryPlan.ofRecords(
            keys: [], hasWindow: false,
            metrics: [
                MetricPlan(Count("events")),
                try SummaryRecord.metric("users", "uniques(user)"),
            ])
        let records = SummaryRecord.random(300, &random)
        let deltas = (0..<3).map { _ in SummaryDelta.empty(plan, memory) }
        for (number, delta) in deltas.enumerated() {
            delta.add(records[(number * 100)..<(number * 100 + 100)], serial: UInt64(number + 1))
        }
        deltas[1].absorb(deltas[2])
        deltas[0].absorb(deltas[1])
        #expect(deltas[0].groupCount == 1)
        #expect(deltas[0].lines.first?.hasPrefix("{\"events\": 300, ") == true)
        #expect(Set(records.map(\.user)).count > 100)
    }

    @Test func memoryIsGivenBack() throws {
        let memory = MemoryAccountant(budget: 1 << 30)
        var random = SeededRandom(seed: 7)
        do {
            let delta = SummaryDelta.empty(.ofRecords(metrics: try SummaryRecord.metrics()), memory)
            delta.add(SummaryRecord.random(1_000, &random)[...], serial: 1)
            #expect(memory.held(by: .groups) > 0)
            delta.release()
        }
        #expect(memory.held(by: .groups) == 0)
    }
}
