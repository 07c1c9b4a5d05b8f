import DataflowTesting
import Platform
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Declaration
@testable import Summaries

/// Several windows of one summary: records are counted once, and each window holds what counting for it would make.
@Suite struct SeveralWindowsTests {
    private static let memory = MemoryAccountant(budget: 1 << 40)
    private static let zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]

    private static func field(_ name: String) throws -> RecordSchema.Field { try #require(SummaryRecord.schema[name]) }

    private static func plan(
        _ windows: [any WindowFunction], keys: [String] = [], sets: [[Int]]? = nil, metrics: [MetricPlan]
    ) -> SummaryPlan {
        let keys = keys.compactMap { name in SummaryRecord.keys.first { $0.name == name } }
        var plan = SummaryPlan.ofRecords(keys: keys, sets: sets, metrics: metrics)
        plan.windows = NamedWindow.list(windows)
        return plan
    }

    /// Records of some weeks around a change of the clock, whose country is a zone.
    private static func records(_ count: Int, _ random: inout SeededRandom) -> [SummaryRecord] {
        var records = SummaryRecord.random(count, &random)
        for index in records.indices {
            // Around 2026-10-25T01:00Z, most of them within some hours.
            let distance = Int64.random(in: 0...(random.chance(70) ? 20_000 : 3_000_000), using: &random)
            records[index].time = (1_792_890_000 + (random.chance(50) ? distance : -distance)) * 1_000_000
            records[index].country = zones.randomElement(using: &random)
        }
        return records
    }

    private static func closed(
        _ plan: SummaryPlan, _ records: [SummaryRecord], _ random: inout SeededRandom
    ) -> SummaryDelta {
        let workers = (0..<2).map { _ in SummaryDelta.empty(plan, memory) }
        var start = 0
        var serial: UInt64 = 1
        while start < records.count {
            let end = min(records.count, start + Int.random(in: 1...200, using: &random))
            serial += 1
            workers[Int.random(in: 0...1, using: &random)].add(records[start..<end], serial: serial)
            start = end
        }
        workers[0].absorb(workers[1])
        workers[0].complete()
        return workers[0]
    }

    private static func counts(of delta: SummaryDelta) -> [String: Int64] {
        var counts: [String: Int64] = [:]
        for groups in delta.sets {
            for group in 0..<groups.groupCount {
                let key = groups.plan.keys.indices.map { key in
                    unsafe groups.keyText(key, ofGroup: group).map { unsafe String(decoding: $0, as: UTF8.self) } ?? "-"
                }
                let start = groups.windowStart(ofGroup: group) ?? -1
                let name = "\(groups.plan.windows[groups.window].name) \(start) \(groups.set.name) \(key)"
                #expect(counts[name] == nil, "\(name) is there twice")
                counts[name] = (groups.states[0] as? CountState)?.count(ofGroup: group)
            }
        }
        return counts
    }

    /// What counting every record for every window and set would make.
    private static func expected(_ plan: SummaryPlan, _ records: [SummaryRecord]) throws -> [String: Int64] {
        var counts: [String: Int64] = [:]
        for record in records {
            let zone = try TimeZoneDatabase.system.rules(named: record.country ?? "UTC")
            for window in plan.windows {
                for start in window.function.windows(of: window.function.pane(of: record.time, in: zone).start) {
                    for set in plan.sets {
                        let key = plan.keys.indices.map { set.keys.contains($0) ? record.country ?? "-" : "-" }
                        counts["\(window.name) \(start) \(set.name) \(key)", default: 0] += 1
                    }
                }
            }
        }
        return counts
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func eachWindowHoldsWhatCountingForItWouldMake(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let country = try Self.field("country")
        let zone = try TimeZoneDatabase.system.rules(named: Self.zones.randomElement(using: &random) ?? "UTC")
        let all: [any WindowFunction] = [
            Tumbling(microseconds: 60_000_000), Tumbling(microseconds: 420_000_000),
            Tumbling(microseconds: 3_600_000_000), Tumbling(microseconds: 86_400_000_000),
            Hopping(everySeconds: 300, count: 3), CalendarWindow(.day, in: .fixed(zone)),
            CalendarWindow(.week, in: .field(country)), CalendarWindow(.month, in: .field(country)),
            CalendarWindow(.quarter, in: .utc),
        ]
        let windows = Array(all.shuffled(using: &random).prefix(Int.random(in: 1...5, using: &random)))
        let isByCountry = random.chance(50)
        let plan = Self.plan(
            windows, keys: isByCountry ? ["country"] : [], sets: isByCountry ? [[0], []] : nil,
            metrics: [MetricPlan(Count("events"))])
        let records = Self.records(800, &random)
        let found = Self.counts(of: Self.closed(plan, records, &random))
        #expect(found == (try Self.expected(plan, records)), "seed \(seed), \(windows.map(\.definition))")
    }

    /// Every metric of every window is that of a summary with this window alone, to the byte.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func allMetricsAreThoseOfEachWindowAlone(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let windows: [any WindowFunction] = [
            Tumbling(microseconds: 3_600_000_000), Hopping(everySeconds: 3_600, count: 4),
            CalendarWindow(.day, in: .field(try Self.field("country"))),
            CalendarWindow(.week, in: .fixed(try TimeZoneDatabase.system.rules(named: "Asia/Kathmandu"))),
        ]
        let plan = Self.plan(windows, keys: ["level"], sets: [[0], []], metrics: try SummaryRecord.metrics())
        let records = Self.records(1_000, &random)
        let all = SummaryDelta.empty(plan, Self.memory)
        all.add(records[...], serial: 1)
        all.complete()
        for window in windows.indices {
            let one = SummaryDelta.empty(plan.only(window: window), Self.memory)
            one.add(records[...], serial: 1)
            one.complete()
            let lines = all.lines(ofWindow: window).map { line in
                // With several windows a line says which.
                "{" + line.drop { $0 != "," }.dropFirst(2)
            }
            #expect(!lines.isEmpty && lines == one.lines, "\(windows[window].definition)")
        }
    }

    /// The finest window's groups are those that were counted, and hours are made of minutes.
    @Test func windowsThatDivideCostNoMoreThanTheirOwnGroups() throws {
        let minutes = Tumbling(microseconds: 60_000_000)
        let plan = Self.plan(
            [Tumbling(microseconds: 3_600_000_000), minutes, CalendarWindow(.day, in: .utc)],
            metrics: [MetricPlan(Count("events"))])
        var random = SeededRandom(seed: 3)
        let delta = SummaryDelta.empty(plan, Self.memory)
        delta.add(Self.records(500, &random)[...], serial: 1)
        let counted = ObjectIdentifier(delta.sets[0])
        delta.complete()
        #expect(ObjectIdentifier(delta.sets[1]) == counted && delta.sets.map(\.window) == [0, 1, 2])
        #expect(delta.sets[0].groupCount < delta.sets[1].groupCount)
    }

    /// Records whose zone nobody knows are left out, and the reason names the field.
    @Test func recordsWithoutAZoneAreRefused() throws {
        let plan = Self.plan(
            [Tumbling(microseconds: 60_000_000), CalendarWindow(.day, in: .field(try Self.field("country")))],
            metrics: [MetricPlan(Count("events"))])
        let records = ["Europe/Berlin", nil, "Europe/Berlni", "Asia/Tokyo", ""].map { zone in
            SummaryRecord(time: 0, country: zone, level: nil, paid: nil, user: "u", price: nil, ratio: 0)
        }
        let delta = SummaryDelta.empty(plan, Self.memory)
        let batch = SummaryRecord.batch(records[...], serial: 1)
        let rows = unsafe RowSelection(rows: nil, count: records.count)
        #expect(delta.mayHoldUnknownZones(batch, rows))
        let (taken, left) = delta.add(batch, rows, [nil], except: RefusedGroups())
        #expect(taken == [0, 3])
        #expect(left.map(\.row) == [1, 2, 4])
        #expect(
            left.allSatisfy {
                $0.fault.reason == "field country names no time zone, which the record's window depends on"
            })
        delta.complete()
        #expect(delta.sets.map(\.groupCount) == [1, 2])
        let good = SummaryRecord.batch(records[3...3], serial: 2)
        #expect(
            !SummaryDelta.empty(plan, Self.memory).mayHoldUnknownZones(good, unsafe RowSelection(rows: nil, count: 1)))
    }

    /// An hour that the database refuses takes its records out of the day too, and not out of the day that begins with it.
    @Test func aRefusedGroupIsOneWindows() throws {
        let plan = Self.plan(
            [Tumbling(microseconds: 3_600_000_000), Tumbling(microseconds: 86_400_000_000)],
            metrics: [MetricPlan(Count("events"))])
        let refused = RefusedGroups()
        refused.insert(RefusedGroups.Group(window: 0, windowStart: 0, key: []), RecordFault("test", "no such hour"))
        let records = (0..<3).map { hour in
            SummaryRecord(
                time: Int64(hour) * 3_600_000_000, country: nil, level: nil, paid: nil, user: "u", price: nil, ratio: 0)
        }
        let delta = SummaryDelta.empty(plan, Self.memory)
        let batch = SummaryRecord.batch(records[...], serial: 1)
        let (taken, left) = delta.add(batch, unsafe RowSelection(rows: nil, count: 3), [nil], except: refused)
        #expect(taken == [1, 2] && left.map(\.row) == [0] && left[0].fault.reason == "no such hour")
    }

    @Test func memoryIsBookedAndGivenBack() throws {
        let memory = MemoryAccountant(budget: 1 << 30)
        let before = memory.held(by: .groups)
        var random = SeededRandom(seed: 34)
        do {
            let plan = Self.plan(
                [Tumbling(microseconds: 60_000_000), CalendarWindow(.day, in: .field(try Self.field("country")))],
                keys: ["level"], sets: [[0], []], metrics: try SummaryRecord.metrics())
            let delta = SummaryDelta.empty(plan, memory)
            delta.add(Self.records(2_000, &random)[...], serial: 1)
            let filled = memory.held(by: .groups)
            delta.complete()
            #expect(memory.held(by: .groups) <= filled, "what was set aside was not enough")
            delta.release()
        }
        #expect(memory.held(by: .groups) == before)
    }

    @Test func namesTellWindowsApart() throws {
        let windows: [any WindowFunction] = [
            Tumbling(microseconds: 600_000_000), Hopping(everySeconds: 60, count: 10),
            Tumbling(microseconds: 86_400_000_000), CalendarWindow(.month, in: .utc),
        ]
        let plan = Self.plan(windows, metrics: [MetricPlan(Count("events"))])
        #expect(plan.windows.map(\.name) == ["10m", "10m every 1m", "1d", "1 month"])
        #expect(plan.window(called: "10m") == 0 && plan.window(called: "10m every 1m") == 1)
        #expect(plan.window(called: "1 day") == 2 && plan.window(called: "1 month in UTC") == 3)
        #expect(plan.window(called: "1h") == nil)
        #expect(plan.only(window: 1).windows.map(\.name) == ["10m"])
    }
}
