import DataflowTesting
import Platform
import Summaries
import SummariesTesting
import Synchronization
import Testing

@testable import Dataflow
@testable import Nodes

@Suite struct ConsoleSinkTests {
    private static func delta(_ records: [SummaryRecord], _ plan: SummaryPlan) -> SummaryDelta {
        let delta = SummaryDelta.empty(plan, MemoryAccountant(budget: 1 << 40))
        delta.add(records[...], serial: 1)
        delta.complete()
        return delta
    }

    private static func epoch(_ delta: SummaryDelta) -> ClosedEpoch {
        ClosedEpoch(
            number: 1, advances: [], standing: [], deltas: [0: delta], deadLetters: [], partitionKeys: [])
    }

    /// A sink that collects its lines.
    private final class Console: Sendable {
        let lines = Mutex<[String]>([])

        func sink(_ plan: SummaryPlan, rowsMax: Int) -> ConsoleSink {
            ConsoleSink(node: 0, plan: plan, rowsMax: rowsMax, memory: MemoryAccountant(budget: 1 << 40)) { bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                self.lines.withLock { $0 += text.split(separator: "\n").map(String.init) }
            }
        }
    }

    private static func plan() throws -> SummaryPlan {
        SummaryPlan.ofRecords(
            keys: Array(SummaryRecord.keys.prefix(2)), hasWindow: true, metrics: try SummaryRecord.metrics())
    }

    @Test func rowsBeyondTheLimitAreCountedAndTheFirstInOrderAreShown() throws {
        var random = SeededRandom(seed: 1)
        let plan = try Self.plan()
        let records = SummaryRecord.random(2_000, &random)
        let all = Console()
        all.sink(plan, rowsMax: 100_000).committed(Self.epoch(Self.delta(records, plan)))
        let expected = all.lines.withLock { $0 }
        for limit in [1, 7, expected.count - 1, expected.count] {
            let console = Console()
            console.sink(plan, rowsMax: limit).committed(Self.epoch(Self.delta(records, plan)))
            let shown = console.lines.withLock { $0 }
            #expect(Array(shown.prefix(limit)) == Array(expected.prefix(limit)))
            let hidden = expected.count - limit
            #expect(Array(shown.dropFirst(limit)) == (hidden > 0 ? ["{\"rows_not_shown\": \(hidden)}"] : []))
        }
    }

    /// The first epoch's groups become the totals of one sink; another one behind the same node must not add to them too.
    @Test func twoSinksOfOneNodeHaveTotalsOfTheirOwn() throws {
        var random = SeededRandom(seed: 2)
        let plan = try Self.plan()
        let records = SummaryRecord.random(300, &random)
        let (first, second) = (Console(), Console())
        let sinks = [first.sink(plan, rowsMax: 10_000), second.sink(plan, rowsMax: 10_000)]
        for _ in 0..<3 {
            first.lines.withLock { $0 = [] }
            second.lines.withLock { $0 = [] }
            let epoch = Self.epoch(Self.delta(records, plan))
            for sink in sinks { sink.committed(epoch) }
            epoch.deltas[0]?.release()
        }
        let whole = Console()
        whole.sink(plan, rowsMax: 10_000).committed(Self.epoch(Self.delta(records + records + records, plan)))
        #expect(first.lines.withLock { $0 } == whole.lines.withLock { $0 })
        #expect(second.lines.withLock { $0 } == whole.lines.withLock { $0 })
    }

    /// Key values of each epoch have a dictionary of their own, and one that is gone leaves its address to the next.
    @Test func totalsOfManyEpochsDoNotMixUpTheirKeys() throws {
        let plan = SummaryPlan.ofRecords(
            keys: Array(SummaryRecord.keys.prefix(1)), hasWindow: false,
            metrics: [MetricPlan(Count("events"))])
        var random = SeededRandom(seed: 3)
        let console = Console()
        let sink = console.sink(plan, rowsMax: 10_000)
        for number in 0..<200 {
            var record = SummaryRecord.random(1, &random)[0]
            record.country = "c\(number)"
            sink.committed(Self.epoch(Self.delta([record], plan)))
        }
        let expected = (0..<200).map { "{\"country\": \"c\($0)\", \"events\": 1}" }
        #expect(console.lines.withLock { $0 } == expected)
    }

    /// Whatever order the records come in, and whatever their sum: JSON, and the same.
    @Test func extremeDoublesAreJSONAndNegativeZeroIsZero() throws {
        let plan = SummaryPlan.ofRecords(
            keys: [], hasWindow: false,
            metrics: [
                try SummaryRecord.metric("sum", "sum(ratio)"),
                try SummaryRecord.metric("mean", "avg(ratio)"),
                try SummaryRecord.metric("least", "min(ratio)"),
                try SummaryRecord.metric("most", "max(ratio)"),
            ])
        var random = SeededRandom(seed: 5)
        for (ratios, expected) in [
            ([0.0, -0.0], #"{"sum": 0.0, "mean": 0.0, "least": 0.0, "most": 0.0}"#),
            ([-0.0, 0.0], #"{"sum": 0.0, "mean": 0.0, "least": 0.0, "most": 0.0}"#),
            ([-0.0], #"{"sum": 0.0, "mean": 0.0, "least": 0.0, "most": 0.0}"#),
            ([3e19, 5e19], #"{"sum": 8e+19, "mean": 4e+19, "least": 3e+19, "most": 5e+19}"#),
            ([4e-10, 4e-10], #"{"sum": 8e-10, "mean": 4e-10, "least": 4e-10, "most": 4e-10}"#),
            ([1e308, 1e308], #"{"sum": 2e308, "mean": 1e+308, "least": 1e+308, "most": 1e+308}"#),
        ] {
            let records = ratios.map { ratio in
                var record = SummaryRecord.random(1, &random)[0]
                record.ratio = ratio
                return record
            }
            #expect(SummaryJSON.line(Self.delta(records, plan).sets[0], 0) == expected)
        }
    }

    @Test func numbersAndTextAreWrittenAsJSONHasThem() throws {
        let plan = SummaryPlan.ofRecords(
            keys: Array(SummaryRecord.keys.prefix(1)), hasWindow: false,
            metrics: [
                MetricPlan(Count("events")),
                try SummaryRecord.metric("mean", "avg(ratio)"),
            ])
        var random = SeededRandom(seed: 4)
        var record = SummaryRecord.random(1, &random)[0]
        record.country = "a\"b\\c\u{1}é"
        for (ratio, text) in [
            (0.0, "0.0"), (-0.0, "0.0"), (-3.0, "-3.0"), (0.5, "0.5"), (1e15, "1000000000000000.0"),
            (-2.25e-7, "-2.25e-07"),
        ] {
            record.ratio = ratio
            let delta = Self.delta([record], plan)
            let line = SummaryJSON.line(delta.sets[0], 0)
            #expect(line == "{\"country\": \"a\\\"b\\\\c\\u0001é\", \"events\": 1, \"mean\": \(text)}")
        }
    }

    /// Totals over epochs are merged set by set, derived ones too.
    @Test func theConsoleAddsUpAllSets() throws {
        var random = SeededRandom(seed: 23)
        let plan = SummaryPlan.ofRecords(sets: [[0, 1], [1], []], metrics: try SummaryRecord.metrics())
        let console = Console()
        let sink = console.sink(plan, rowsMax: 10_000)
        let records = SummaryRecord.random(900, &random)
        // The last epoch touches every group there is, so it prints all totals.
        for epoch in [records[...], records.suffix(400), records[...]] {
            console.lines.withLock { $0 = [] }
            sink.committed(
                ClosedEpoch(
                    number: 1, advances: [], standing: [], deltas: [0: Self.delta(Array(epoch), plan)],
                    deadLetters: [], partitionKeys: []))
        }
        let whole = SummaryDelta.empty(plan, MemoryAccountant(budget: 1 << 40))
        whole.add((records + records.suffix(400) + records)[...], serial: 1)
        whole.complete()
        let expected = GroupOrder(whole).entries.map { SummaryJSON.line(whole.sets[Int($0.set)], Int($0.group)) }
        #expect(console.lines.withLock { $0 } == expected)
    }
}
