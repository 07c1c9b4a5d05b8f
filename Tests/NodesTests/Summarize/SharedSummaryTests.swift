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

    private static let windows: [any WindowFunction] = [
        Tumbling(microseconds: 60_000_000), Tumbling(microseconds: 120_000_000), Tumbling(microseconds: 90_000_000),
        Hopping(everySeconds: 60, count: 3), CalendarWindow(.day, in: .fixed(.utc)),
    ]

    /// Nodes that group alike or more coarsely, mostly, each with some of the metrics in an order of its own.
    private static func related(_ count: Int, _ random: inout SeededRandom) throws -> [SummaryPlan] {
        let all = try metrics()
        let hasWindow = random.chance(80)
        return (0..<count).map { number in
            let keys = SummaryRecord.keys.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random))
            let sets: [[Int]]? = random.chance(60) || keys.count < 2 ? nil : [Array(keys.indices), [0], []]
            // The first of some is the finest, and has what the others ask for.
            let isFinest = number == 0 && random.chance(70)
            let chosen = all.shuffled(using: &random).prefix(Int.random(in: 1...8, using: &random))
            var plan = SummaryPlan.ofRecords(
                keys: isFinest ? SummaryRecord.keys : Array(keys), sets: isFinest ? nil : sets, hasWindow: hasWindow,
                window: isFinest ? windows[0] : windows.randomElement(using: &random) ?? windows[0],
                metrics: isFinest ? all : Array(chosen))
            if hasWindow, random.chance(30) {
                plan.windows = NamedWindow.list([windows[0], windows[4]])
            }
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

    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func eachHoldsWhatItWouldHoldAlone(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let plans = try Self.related(Int.random(in: 1...6, using: &random), &random)
        let records = SummaryRecord.random(300, &random)
        let permits = Int.random(in: 1...3, using: &random)
        let apart = try Self.lines(Self.nodes(plans, areShared: false), records, permits: permits, seed: seed)
        let shared = try Self.lines(Self.nodes(plans, areShared: true), records, permits: permits, seed: seed)
        #expect(shared == apart)
        #expect(apart.allSatisfy { !$0.isEmpty })
    }

    /// The test before this one is about something only if most of its nodes are counted with others.
    @Test func mostOfThoseNodesAreCountedWithOthers() throws {
        var (shared, derived, all) = (0, 0, 0)
        for seed in 1...100 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            let plans = try Self.related(Int.random(in: 1...6, using: &random), &random)
            all += plans.count
            for company in SharedSummary.companies(of: plans) where company.count > 1 {
                shared += company.count
                derived += company.count(where: { !plans[$0].groups(like: plans[company[0]]) })
            }
        }
        #expect(2 * shared > all && 4 * derived > all, "\(shared) shared, \(derived) derived, of \(all)")
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
        let memory = MemoryAccountant(budget: 1 << 40)
        let nodes = plans.map {
            Summarize($0, memory: memory, sharing: Summarize.Sharing(of: $0, among: Self.siblings(plans)))
        }
        let slot = StageSlot()
        let workers = nodes.map { $0.makeWorker(in: slot) }
        let records = SummaryRecord.random(300, &random)
        let batch = SummaryRecord.batch(records[...], serial: 1)
        let rows = unsafe RowSelection(rows: nil, count: records.count)
        for worker in workers { worker.process(batch, rows) { _ in } }
        let before = memory.held(by: .groups)
        nodes[1].refused.insert(
            RefusedGroups.Group(windowStart: 1, key: [0, 0, 0, 0]), RecordFault("refused_row", "for a test"))
        let next = SummaryRecord.batch(records[...], serial: 2)
        for worker in workers { worker.process(next, rows) { _ in } }
        // Three tables now: that of both, and one of each.
        #expect(memory.held(by: .groups) > 2 * before)
        // What was counted together and what was counted apart come together.
        let twice = Self.collected(nodes, [workers], &random)
        let alone = Self.nodes(plans, areShared: false)
        let other = StageSlot()
        let lone = alone.map { $0.makeWorker(in: other) }
        for batch in [batch, next] { for worker in lone { worker.process(batch, rows) { _ in } } }
        #expect(twice == Self.collected(alone, [lone], &random))
    }

    /// Who is counted with whom, and who is not.
    @Test func whatFollowsFromFinerGroupsIsMadeOfThem() throws {
        let metrics = try Self.metrics()
        func plan(_ keys: [Int], _ window: (any WindowFunction)?, _ metrics: some Sequence<MetricPlan>) -> SummaryPlan {
            SummaryPlan.ofRecords(
                keys: keys.map { SummaryRecord.keys[$0] }, hasWindow: window != nil, window: window ?? Self.windows[0],
                metrics: Array(metrics))
        }
        let minute = Self.windows[0]
        let finest = plan([0, 1, 2], minute, metrics)
        let followers = [
            plan([0, 1, 2], minute, metrics.prefix(2)), plan([2, 0], minute, metrics),
            plan([], minute, metrics.suffix(1)),
            plan([1], Self.windows[1], metrics), plan([0, 1, 2], Self.windows[4], metrics),
        ]
        for follower in followers.dropFirst() {
            #expect(SharedSummary.companies(of: [follower, finest]) == [[1, 0]])
        }
        #expect(SharedSummary.companies(of: [finest] + followers).map { Set($0) } == [[0, 1, 2, 3, 4, 5]])
        let others = [
            // Another field, a window across others, one that overlaps, none, and a metric that the finest lacks.
            plan([3], minute, metrics), plan([0], Self.windows[2], metrics), plan([0], Self.windows[3], metrics),
            plan([0], nil, metrics), plan([0], minute, [MetricPlan(Count("n"), conditionText: "price > 1")]),
        ]
        for other in others { #expect(SharedSummary.companies(of: [finest, other]) == [[0], [1]]) }
        // The same fields in another order: one of the two leads.
        #expect(
            SharedSummary.companies(of: [plan([0, 1], minute, metrics), plan([1, 0], minute, metrics)]) == [[0, 1]])
    }
}
