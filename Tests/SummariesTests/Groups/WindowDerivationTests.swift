import DataflowTesting
import Platform
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Summaries

/// Records are counted by pane; what stands in a closed epoch is by window.
@Suite struct WindowDerivationTests {
    private static let memory = MemoryAccountant(budget: 1 << 40)
    private static let minutes: Int64 = 60_000_000

    /// What tells a group, as text: its set, its window, its country.
    private static func counts(of delta: SummaryDelta) -> [String: Int64] {
        var counts: [String: Int64] = [:]
        for groups in delta.sets {
            for group in 0..<groups.groupCount {
                let country = groups.plan.keys.isEmpty ? nil : Self.text(0, group, groups)
                let name = "\(groups.set.name) \(groups.windowStart(ofGroup: group) ?? -1) \(country ?? "none")"
                guard let state = groups.states[0] as? CountState else { continue }
                #expect(counts[name] == nil, "\(name) is there twice")
                counts[name] = state.count(ofGroup: group)
            }
        }
        return counts
    }

    private static func text(_ key: Int, _ group: Int, _ groups: SetGroups) -> String? {
        unsafe groups.keyText(key, ofGroup: group).map { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// Three workers with random batches, and the epoch closed.
    private static func closed(
        _ plan: SummaryPlan, _ records: [SummaryRecord], _ random: inout SeededRandom
    ) -> SummaryDelta {
        let workers = (0..<3).map { _ in SummaryDelta.empty(plan, memory) }
        var start = 0
        var serial: UInt64 = 1
        while start < records.count {
            let end = min(records.count, start + Int.random(in: 1...300, using: &random))
            serial += 1
            workers.randomElement(using: &random)?.add(records[start..<end], serial: serial)
            start = end
        }
        workers[0].absorb(workers[1])
        workers[0].absorb(workers[2])
        workers[0].complete()
        return workers[0]
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func overlappingWindowsHoldWhatCountingForEachWouldMake(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let count = Int.random(in: 2...5, using: &random)
        let plan = SummaryPlan.ofRecords(
            keys: Array(SummaryRecord.keys.prefix(1)), sets: [[0], []],
            window: Hopping(everySeconds: 60, count: count), metrics: try SummaryRecord.metrics())
        let records = SummaryRecord.random(1_000, &random)
        var expected: [String: Int64] = [:]
        for record in records {
            let first = Int64((Double(record.time) / Double(Self.minutes)).rounded(.down)) * Self.minutes
            for number in 0..<count {
                let start = first - Int64(number) * Self.minutes
                expected["country \(start) \(record.country ?? "none")", default: 0] += 1
                expected["() \(start) none", default: 0] += 1
            }
        }
        #expect(Self.counts(of: Self.closed(plan, records, &random)) == expected, "seed \(seed)")
    }

    /// Every metric of a window comes to what its records make by themselves.
    @Test func allMetricsOfAWindowAreThoseOfItsRecords() throws {
        var random = SeededRandom(seed: 31)
        let metrics = try SummaryRecord.metrics()
        let hopping = SummaryPlan.ofRecords(keys: [], window: Hopping(everySeconds: 60, count: 3), metrics: metrics)
        let records = SummaryRecord.random(1_000, &random)
        let lines = Self.closed(hopping, records, &random).lines
        let plain = SummaryPlan.ofRecords(keys: [], hasWindow: false, metrics: metrics)
        // From the window that has only the first pane to the one that has only the last.
        let panes = Set(records.map { Tumbling(microseconds: Self.minutes).pane(of: $0.time).start }).sorted()
        let starts = stride(from: panes[0] - 2 * Self.minutes, through: panes[panes.count - 1], by: Int(Self.minutes))
        #expect(lines.count == Array(starts).count)
        for (start, line) in zip(starts, lines) {
            let own = records.filter { $0.time >= start && $0.time < start + 3 * Self.minutes }
            let expected = SummaryDelta.empty(plain, Self.memory)
            expected.add(own[...], serial: 1)
            let end = try #require(line.firstIndex(of: ","))
            #expect("{" + line[end...].dropFirst(2) == expected.lines[0])
        }
    }

    /// Where each pane is a window the groups stay as they are.
    @Test func tumblingWindowsCostNothing() throws {
        var random = SeededRandom(seed: 32)
        let delta = SummaryDelta.empty(.ofRecords(metrics: try SummaryRecord.metrics()), Self.memory)
        delta.add(SummaryRecord.random(500, &random)[...], serial: 1)
        let before = delta.sets.map { ObjectIdentifier($0) }
        delta.complete()
        #expect(delta.sets.map { ObjectIdentifier($0) } == before)
        #expect(!DerivedShare(delta.plan).isOfUse)
    }

    @Test func memoryOfDerivedWindowsIsBookedAndGivenBack() throws {
        let memory = MemoryAccountant(budget: 1 << 30)
        let before = memory.held(by: .groups)
        var random = SeededRandom(seed: 33)
        do {
            let plan = SummaryPlan.ofRecords(
                window: Hopping(everySeconds: 60, count: 4), metrics: try SummaryRecord.metrics())
            let delta = SummaryDelta.empty(plan, memory)
            delta.add(SummaryRecord.random(2_000, &random)[...], serial: 1)
            let filled = memory.held(by: .groups)
            delta.complete()
            #expect(memory.held(by: .groups) <= filled, "what was set aside was not enough")
            #expect(memory.held(by: .groups) > delta.sets.reduce(0) { $0 + $1.memoryBytes })
            delta.release()
        }
        #expect(memory.held(by: .groups) == before)
    }

    /// A record is in no window when one of its windows is refused, and in all of them otherwise.
    @Test func recordsOfARefusedWindowAreLeftOutOfAllOfThem() throws {
        let plan = SummaryPlan.ofRecords(
            keys: [], window: Hopping(everySeconds: 60, count: 2), metrics: [MetricPlan(Count("events"))])
        let refused = RefusedGroups()
        refused.insert(RefusedGroups.Group(windowStart: Self.minutes, key: []), RecordFault("test", "no such minute"))
        let records = (0..<4).map {
            SummaryRecord(
                time: Int64($0) * Self.minutes, country: nil, level: nil, paid: nil, user: "u", price: nil, ratio: 0)
        }
        let delta = SummaryDelta.empty(plan, Self.memory)
        let batch = SummaryRecord.batch(records[...], serial: 1)
        let (taken, left) = delta.add(batch, unsafe RowSelection(rows: nil, count: 4), [nil], except: refused)
        #expect(taken == [0, 3])
        #expect(left.map(\.row) == [1, 2])
        #expect(left.allSatisfy { $0.fault.reason == "no such minute" })
        delta.complete()
        let starts = Self.counts(of: delta).keys.map { $0.split(separator: " ")[1] }
        let expected = [-1, 0, 2, 3].map { (minute: Int64) in String(minute * Self.minutes) }
        #expect(starts.map(String.init).sorted() == expected.sorted())
    }
}
