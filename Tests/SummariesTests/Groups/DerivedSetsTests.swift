import DataflowTesting
import Platform
import SummariesTesting
import Synchronization
import Testing

@testable import Dataflow
@testable import Summaries

/// Sets that are derived when an epoch closes hold what counting every record for them would have made.
@Suite struct DerivedSetsTests {
    private static let memory = MemoryAccountant(budget: 1 << 40)

    /// Counts records for one set alone, as a plain `by`.
    private static func counted(_ set: [Int], of plan: SummaryPlan, _ records: [SummaryRecord]) -> [String] {
        var plain = plan
        plain.groupingSets = nil
        plain.keys = set.sorted().map { plan.keys[$0] }
        let delta = SummaryDelta.empty(plain, memory)
        delta.add(records[...], serial: 1)
        delta.complete()
        return delta.lines
    }

    /// What a complete delta has to hold for these sets, each counted by itself.
    private static func expected(_ sets: [[Int]], of plan: SummaryPlan, _ records: [SummaryRecord]) -> [String] {
        zip(sets, plan.sets).flatMap { set, named in
            counted(set, of: plan, records).map { line in
                let end = line.firstIndex(of: plan.windows.isEmpty ? "{" : ",") ?? line.startIndex
                let start = line[...end] + (plan.windows.isEmpty ? "" : " ")
                let rest = line[line.index(after: end)...].drop { $0 == " " }
                return start + "\"grouping_set\": \"\(named.name)\", " + rest
            }
        }
    }

    /// Spreads records over batches and three workers, and closes the epoch.
    private static func closed(
        _ plan: SummaryPlan, _ records: [SummaryRecord], _ random: inout SeededRandom
    ) -> SummaryDelta {
        let workers = (0..<3).map { _ in SummaryDelta.empty(plan, memory) }
        var start = 0
        var serial: UInt64 = 1
        while start < records.count {
            let end = min(records.count, start + Int.random(in: 1...500, using: &random))
            serial += 1
            workers.randomElement(using: &random)?.add(records[start..<end], serial: serial)
            start = end
        }
        workers[0].absorb(workers[1])
        workers[0].absorb(workers[2])
        workers[0].complete()
        return workers[0]
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func derivedSetsHoldWhatADirectCountMakes(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let all = (0..<16).map { bits in (0..<4).filter { bits >> $0 & 1 == 1 } }
        let sets = Array(all.shuffled(using: &random).prefix(Int.random(in: 1...8, using: &random)))
        let plan = SummaryPlan.ofRecords(
            sets: sets, hasWindow: random.chance(70), metrics: try SummaryRecord.metrics())
        let records = SummaryRecord.random(1_000, &random)
        let delta = Self.closed(plan, records, &random)
        #expect(delta.lines == Self.expected(sets, of: plan, records), "seed \(seed), sets \(sets)")
    }

    @Test func theEmptySetAloneIsOneGroupPerWindow() throws {
        var random = SeededRandom(seed: 17)
        let plan = SummaryPlan.ofRecords(keys: [], sets: [[]], metrics: try SummaryRecord.metrics())
        let records = SummaryRecord.random(2_000, &random)
        let delta = Self.closed(plan, records, &random)
        let windows = Set(records.map { Tumbling(microseconds: 60_000_000).pane(of: $0.time).start })
        #expect(delta.groupCount == windows.count)
        #expect(delta.lines == Self.expected([[]], of: plan, records))
    }

    @Test func withoutWindowsTheEmptySetIsOneGroup() throws {
        var random = SeededRandom(seed: 18)
        let plan = SummaryPlan.ofRecords(sets: [[], [0]], hasWindow: false, metrics: try SummaryRecord.metrics())
        let records = SummaryRecord.random(1_000, &random)
        let delta = Self.closed(plan, records, &random)
        #expect(delta.sets[0].groupCount == 1)
        #expect(delta.lines.first?.contains("{\"grouping_set\": \"()\", \"events\": 1000, ") == true)
    }

    @Test func anEpochWithoutRecordsHasNoGroups() throws {
        let plan = SummaryPlan.ofRecords(sets: [[], [0]], hasWindow: false, metrics: try SummaryRecord.metrics())
        let delta = SummaryDelta.empty(plan, Self.memory)
        delta.absorb(SummaryDelta.empty(plan, Self.memory))
        delta.complete()
        #expect(delta.groupCount == 0)
    }

    @Test func thereAreNoGroupsThatNobodyAskedFor() throws {
        var random = SeededRandom(seed: 19)
        let plan = SummaryPlan.ofRecords(sets: [[0], [1], []], hasWindow: false, metrics: try SummaryRecord.metrics())
        let delta = Self.closed(plan, SummaryRecord.random(1_000, &random), &random)
        // Four countries and none, five levels and none, and all.
        #expect(delta.sets.map(\.groupCount) == [5, 6, 1])
        #expect(delta.groupCount == 12)
    }

    @Test func keysOfAllSetsDifferAndNullIsNotAll() throws {
        var random = SeededRandom(seed: 20)
        let sets = [[0, 1, 2, 3], [0, 1], [0, 2], [0], [1], [2], [3], []]
        let plan = SummaryPlan.ofRecords(sets: sets, hasWindow: false, metrics: try SummaryRecord.metrics())
        let delta = Self.closed(plan, SummaryRecord.random(1_000, &random), &random)
        let order = GroupOrder(delta)
        let keys = order.entries.map { Array(order.key(of: $0)) }
        #expect(Set(keys).count == delta.groupCount)
        #expect(keys.contains([0, 2, 2, 2]) && keys.contains([2, 2, 2, 2]) && keys.contains([2, 0, 2, 2]))
        #expect(order.entries.map(\.set) == order.entries.map(\.set).sorted())
        for set in sets.indices {
            let own = zip(order.entries, keys).filter { $0.0.set == set }.map(\.1)
            #expect(own == own.sorted { $0.lexicographicallyPrecedes($1) })
        }
    }

    @Test func aPlainByHasTheKeysItHadBefore() throws {
        var random = SeededRandom(seed: 21)
        let plan = SummaryPlan.ofRecords(
            keys: Array(SummaryRecord.keys.prefix(2)), hasWindow: false, metrics: try SummaryRecord.metrics())
        let delta = SummaryDelta.empty(plan, Self.memory)
        delta.add(SummaryRecord.random(500, &random)[...], serial: 1)
        delta.complete()
        let order = GroupOrder(delta)
        let keys = order.entries.map { Array(order.key(of: $0)) }
        #expect(keys.first == [0, 0])
        #expect(keys.contains([1, 0x44, 0x45, 0, 1, 0x7f, 255, 255, 255, 255, 255, 255, 255]))
        #expect(delta.lines.allSatisfy { !$0.contains("grouping_set") })
    }

    @Test func memoryOfDerivedGroupsIsBookedAndGivenBack() throws {
        let memory = MemoryAccountant(budget: 1 << 30)
        let before = memory.held(by: .groups)
        var random = SeededRandom(seed: 22)
        do {
            let share = DerivedShare(sets: 1)
            let delta = SummaryDelta(
                .ofRecords(sets: [[0, 1, 2, 3], [0, 1, 2]], metrics: try SummaryRecord.metrics()),
                dictionary: KeyDictionary(memory: memory), memory: memory, share: share)
            delta.add(SummaryRecord.random(2_000, &random)[...], serial: 1)
            let filled = memory.held(by: .groups)
            delta.complete()
            // What was set aside was enough, and now the true size is booked.
            #expect(memory.held(by: .groups) <= filled)
            #expect(memory.held(by: .groups) > delta.sets.reduce(0) { $0 + $1.memoryBytes })
            #expect(share.reserve(for: 1_000_000) < 1_600_000)
            delta.release()
        }
        #expect(memory.held(by: .groups) == before)
    }
}
