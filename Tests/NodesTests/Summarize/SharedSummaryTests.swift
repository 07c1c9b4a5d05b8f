import DataflowTesting
import Declaration
import Platform
import Summaries
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Nodes

/// Summaries of the same records that group alike are counted as one, and nobody can tell by what they hold.
@Suite struct SharedSummaryTests {
    private static let memory = MemoryAccountant(budget: 1 << 40)

    /// Metrics that ask for no place in the log, which batches made by hand have none of.
    private static func metrics() throws -> [MetricPlan] {
        try SummaryRecord.metrics().filter { !$0.metric.needsPlaces }
    }

    /// Nodes that group alike, each with some of the metrics in an order of its own.
    private static func alike(_ count: Int, _ random: inout SeededRandom) throws -> [SummaryPlan] {
        let keys = Array(SummaryRecord.keys.prefix(Int.random(in: 0...4, using: &random)))
        let sets: [[Int]]? = random.chance(50) || keys.count < 2 ? nil : [Array(keys.indices), [0], []]
        let windows: [any WindowFunction] = [
            Tumbling(microseconds: 60_000_000), Hopping(everySeconds: 60, count: 3),
        ]
        let window = windows[Int.random(in: 0..<2, using: &random)]
        let hasWindow = random.chance(80)
        return try (0..<count).map { number in
            let chosen = try metrics().shuffled(using: &random).prefix(Int.random(in: 1...8, using: &random))
            var plan = SummaryPlan.ofRecords(
                keys: keys, sets: sets, hasWindow: hasWindow, window: window, metrics: Array(chosen))
            plan.node = "node_\(number)"
            return plan
        }
    }

    private static func siblings(_ plans: [SummaryPlan]) -> [(node: String, plan: any StagePlan)] {
        plans.map { ($0.node, $0) }
    }

    private static func nodes(_ plans: [SummaryPlan], areShared: Bool) -> [Summarize] {
        plans.map {
            Summarize(
                $0, memory: memory,
                sharing: areShared ? Summarize.Sharing(of: $0, among: siblings(plans)) : nil)
        }
    }

    /// What the nodes make of the records on some permits, as the pipeline asks them.
    private static func lines(
        _ nodes: [Summarize], _ records: [SummaryRecord], permits: Int, seed: UInt64
    ) throws -> [[String]] {
        var random = SeededRandom(seed: seed)
        let slots = (0..<permits).map { _ in
            let slot = StageSlot()
            return nodes.map { $0.makeWorker(in: slot) }
        }
        var start = 0
        while start < records.count {
            let end = min(records.count, start + Int.random(in: 1...90, using: &random))
            let batch = SummaryRecord.batch(records[start..<end], serial: UInt64(start + 1))
            let rows = (0..<UInt32(end - start)).filter { _ in random.chance(80) }
            let slot = Int.random(in: 0..<permits, using: &random)
            unsafe rows.withUnsafeBufferPointer { rows in
                for worker in slots[slot] {
                    unsafe worker.process(batch, RowSelection(rows: rows.baseAddress, count: rows.count)) { _ in }
                }
            }
            start = end
        }
        return collected(nodes, slots, &random)
    }

    private static func collected(
        _ nodes: [Summarize], _ slots: [[any OperatorWorker]], _ random: inout SeededRandom
    ) -> [[String]] {
        var deltas: [Int: any Delta] = [:]
        for slot in slots {
            for node in nodes.indices.shuffled(using: &random) {
                guard let delta = (slot[node] as? any AggregateWorker)?.takeDelta(epoch: 0) else { continue }
                if let first = deltas[node] { first.absorb(delta) } else { deltas[node] = delta }
            }
        }
        deltas.values.forEach { $0.complete() }
        let epoch = ClosedEpoch(
            number: 0, advances: [], standing: [], deltas: deltas, deadLetters: [], partitionKeys: [])
        defer { deltas.values.forEach { $0.release() } }
        return nodes.indices.map { epoch.summary(of: $0)?.lines ?? [] }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func eachHoldsWhatItWouldHoldAlone(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let plans = try Self.alike(Int.random(in: 1...4, using: &random), &random)
        let records = SummaryRecord.random(600, &random)
        let permits = Int.random(in: 1...3, using: &random)
        let apart = try Self.lines(Self.nodes(plans, areShared: false), records, permits: permits, seed: seed)
        let shared = try Self.lines(Self.nodes(plans, areShared: true), records, permits: permits, seed: seed)
        #expect(shared == apart)
        #expect(apart.allSatisfy { !$0.isEmpty })
    }

    /// What the engine holds for nodes that are counted as one is the memory of one.
    @Test func theirGroupsAndEqualMetricsAreThereOnce() throws {
        var random = SeededRandom(seed: 7)
        let metrics = try Self.metrics()
        let plans = (0..<10).map { number in
            var plan = SummaryPlan.ofRecords(metrics: metrics)
            plan.node = "node_\(number)"
            return plan
        }
        let records = SummaryRecord.random(2_000, &random)
        func held(_ count: Int, areShared: Bool) throws -> Int {
            let memory = MemoryAccountant(budget: 1 << 40)
            let plans = Array(plans.prefix(count))
            let slot = StageSlot()
            let workers = plans.map {
                Summarize(
                    $0, memory: memory,
                    sharing: areShared ? Summarize.Sharing(of: $0, among: Self.siblings(plans)) : nil
                ).makeWorker(in: slot)
            }
            let before = memory.held(by: .groups)
            let batch = SummaryRecord.batch(records[...], serial: 1)
            for worker in workers {
                unsafe worker.process(batch, RowSelection(rows: nil, count: records.count)) { _ in }
            }
            return memory.held(by: .groups) - before
        }
        let one = try held(1, areShared: false)
        #expect(try held(10, areShared: true) == one)
        #expect(try held(10, areShared: false) > 5 * one)
    }

    /// A record whose row one of them is refused still belongs to the others.
    @Test func oneThatIsRefusedARowCountsForItself() throws {
        var random = SeededRandom(seed: 3)
        var plans = [
            SummaryPlan.ofRecords(metrics: try Self.metrics()), SummaryPlan.ofRecords(metrics: try Self.metrics()),
        ]
        for index in plans.indices { plans[index].node = "node_\(index)" }
        let nodes = Self.nodes(plans, areShared: true)
        let slot = StageSlot()
        let workers = nodes.map { $0.makeWorker(in: slot) }
        let records = SummaryRecord.random(300, &random)
        let batch = SummaryRecord.batch(records[...], serial: 1)
        let rows = unsafe RowSelection(rows: nil, count: records.count)
        for worker in workers { worker.process(batch, rows) { _ in } }
        #expect(workers.allSatisfy { ($0 as? SummarizeWorker)?.takeDelta(epoch: 0) is SharedDelta })
        nodes[1].refused.insert(
            RefusedGroups.Group(windowStart: 1, key: [0, 0, 0, 0]), RecordFault("refused_row", "for a test"))
        let next = SummaryRecord.batch(records[...], serial: 2)
        for worker in workers { worker.process(next, rows) { _ in } }
        #expect(workers.allSatisfy { ($0 as? SummarizeWorker)?.takeDelta(epoch: 0) is SummaryDelta })
    }

    /// Summaries that group otherwise have nothing to do with each other.
    @Test func onlyWhatGroupsAlikeIsShared() throws {
        let metrics = try Self.metrics()
        let plan = SummaryPlan.ofRecords(metrics: metrics)
        var others = [
            SummaryPlan.ofRecords(keys: Array(SummaryRecord.keys.dropLast()), metrics: metrics),
            SummaryPlan.ofRecords(keys: SummaryRecord.keys.reversed(), metrics: metrics),
            SummaryPlan.ofRecords(sets: [[0], []], metrics: metrics),
            SummaryPlan.ofRecords(hasWindow: false, metrics: metrics),
            SummaryPlan.ofRecords(window: Hopping(everySeconds: 60, count: 2), metrics: metrics),
        ]
        for index in others.indices { others[index].node = "other_\(index)" }
        #expect(Summarize.Sharing(of: plan, among: Self.siblings([plan] + others)) == nil)
        var twin = plan
        twin.node = "twin"
        let sharing = try #require(Summarize.Sharing(of: plan, among: Self.siblings(others + [plan, twin])))
        #expect(sharing.nodes == ["kpi", "twin"])
        #expect(sharing.summary.plan.metrics.count == metrics.count)
        #expect(
            sharing.explanation == [
                "its groups are found once, for twin too",
                "of \(2 * metrics.count) metrics \(metrics.count) are different, and kept once each",
            ])
    }
}
