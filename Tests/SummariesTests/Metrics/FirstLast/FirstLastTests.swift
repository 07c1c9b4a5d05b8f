import DataflowTesting
import Platform
import Sketches
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Declaration
@testable import Expressions
@testable import Summaries

@Suite struct FirstLastTests {
    private static let memory = MemoryAccountant(budget: 1 << 40)

    @Test(arguments: [
        ("first(level)", "-3", -3), ("last(level)", "7", 7), ("first(price)", "-350e-2", -3),
        ("last(price)", "725e-2", 7), ("first(ratio)", "-3.5", -3), ("last(ratio)", "7.25", 7),
        ("first(time)", "-3us", -3), ("last(time)", "7us", 7), ("last(user)", "'u7.25'", 7),
    ])
    func theTimeDecides(call: String, value: String, time: Int) throws {
        let values = try MetricStand(call).values([2, -3.5, nil, 7.25, 0])
        #expect(values.prefix(2) == [value, "\(time)us"])
        #expect(values[2].utf8.count == 2 + 2 * RecordPlace.encodedBytes)
    }

    @Test func withoutAValueThereIsNone() throws {
        #expect(try MetricStand("last(country)").values([1, 2]) == ["null", "null", "null"])
        #expect(
            try MetricStand("last(paid)").values([nil], stored: [.null, .null, .null]) == ["null", "null", "null"])
    }

    private static func place(_ offset: Int64, partition: UInt64 = 1, within: UInt32 = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        RecordPlace(partition: partition, offset: offset, within: within).encode(into: &bytes)
        return bytes
    }

    /// Records of a stand have their numbers as places, from 1, in partition 1.
    @Test func aStoredValueTakesPart() throws {
        let last = try MetricStand("last(level)")
        let (before, behind) = (Self.place(0), Self.place(9))
        #expect(try last.values([2], stored: [.integer(5), .integer(3), .bytes(before)]).prefix(2) == ["5", "3us"])
        #expect(try last.values([2], stored: [.integer(5), .integer(1), .bytes(behind)]).prefix(2) == ["2", "2us"])
        #expect(try last.values([2], stored: [.integer(5), .integer(2), .bytes(before)])[0] == "2")
        #expect(try last.values([2], stored: [.integer(5), .integer(2), .bytes(behind)])[0] == "5")
        #expect(try last.values([nil], stored: [.integer(5), .integer(2), .bytes(behind)])[0] == "5")
        #expect(try last.values([2], stored: [.null, .null, .null])[0] == "2")
        let user = try MetricStand("first(user)")
        #expect(try user.values([2], stored: [.text("\u{e9}"), .integer(-3), .bytes(before)])[0] == "'\u{e9}'")
        let paid = try MetricStand("last(paid)")
        #expect(try paid.values([2], stored: [.boolean(true), .integer(-3), .bytes(before)])[0] == "true")
    }

    @Test func whatNobodyOfOursHasStoredIsAnError() throws {
        let last = try MetricStand("last(level)")
        #expect(last.problem([.integer(5), .integer(3), .bytes([1, 2])])?.column == "m_place")
        #expect(last.problem([.integer(5), .integer(3), .null])?.problem.contains("found null") == true)
        #expect(last.problem([.null, .integer(3), .bytes(Self.place(0))])?.column == "m")
        let price = try MetricStand("last(price)")
        #expect(price.problem([.decimal(1, scale: 3), .integer(3), .bytes(Self.place(0))])?.column == "m")
        let ratio = try MetricStand("last(ratio)")
        #expect(ratio.problem([.double(.nan), .integer(3), .bytes(Self.place(0))])?.problem.contains("finite") == true)
    }

    @Test func placesAreInOrderAndComeBackFromTheirBytes() {
        let places = [
            RecordPlace(partition: 1, offset: 9, within: 9), RecordPlace(partition: 2, offset: 0, within: 0),
            RecordPlace(partition: 2, offset: 0, within: 1), RecordPlace(partition: 2, offset: 1, within: 0),
            RecordPlace(partition: .max, offset: -1, within: .max),
        ]
        #expect(places == places.sorted())
        for place in places {
            var bytes: [UInt8] = []
            place.encode(into: &bytes)
            let decoded = unsafe bytes.withUnsafeBytes { unsafe RecordPlace(encoded: $0) }
            #expect(decoded == place)
        }
    }

    /// Records of few times, in any order, batches, workers and epochs: the one that counts is always the same.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func theOrderOfWorkMakesNoDifference(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let calls = ["first(user)", "last(user)", "first(price)", "last(price)"]
        let plan = SummaryPlan.ofRecords(
            keys: [], hasWindow: false,
            metrics: try calls.enumerated().map { try SummaryRecord.metric("m\($0.offset)", $0.element) })
        var records = SummaryRecord.random(200, &random)
        for index in records.indices { records[index].time = Int64.random(in: 0...5, using: &random) }
        let log = records.enumerated().map { number, record in
            (
                record,
                RecordPlace(partition: UInt64(number % 3), offset: Int64(number / 6), within: UInt32(number / 3 % 2))
            )
        }
        let rows = try (0..<4).map { _ in try Self.values(plan, log.shuffled(using: &random), &random) }
        #expect(rows.allSatisfy { $0 == rows[0] }, "seed \(seed): \(rows)")
        let order = log.sorted { ($0.0.time, $0.1) < ($1.0.time, $1.1) }
        let prices = order.filter { $0.0.price != nil }
        let expected = [
            order[0].0.user, order[199].0.user, "\(prices[0].0.price ?? 0)e-2",
            "\(prices[prices.count - 1].0.price ?? 0)e-2",
        ]
        #expect((0..<4).map { rows[0][$0 * 3].filter { $0 != "'" } } == expected, "seed \(seed)")
    }

    /// The values of all metrics over a log that is cut into epochs, each with two workers.
    private static func values(
        _ plan: SummaryPlan, _ log: [(SummaryRecord, RecordPlace)], _ random: inout SeededRandom
    ) throws -> [String] {
        var stored: [[StoredColumns.Value]]?
        var texts: [String] = []
        var start = 0
        var serial: UInt64 = 0
        while start < log.count {
            let end = min(log.count, start + Int.random(in: 1...80, using: &random))
            let workers = (0..<2).map { _ in SummaryDelta.empty(plan, memory) }
            while start < end {
                let part = log[start..<min(end, start + Int.random(in: 1...20, using: &random))]
                serial += 1
                add(part, serial, to: workers[Int.random(in: 0...1, using: &random)])
                start = part.endIndex
            }
            workers[0].absorb(workers[1])
            workers[0].complete()
            texts = []
            var next: [[StoredColumns.Value]] = []
            for (index, metric) in plan.metrics.enumerated() {
                let result = metric.metric.makeResult()
                try result.load(
                    0, of: workers[0].sets[0].states[index], merging: stored.map { StoredColumns($0[index]) })
                var sink = StoredSink()
                for column in 0..<3 { result.write(column, to: &sink) }
                texts += sink.shown.texts
                next.append(sink.values)
            }
            stored = next
        }
        return texts
    }

    private static func add(_ part: ArraySlice<(SummaryRecord, RecordPlace)>, _ serial: UInt64, to delta: SummaryDelta)
    {
        let batch = SummaryRecord.batch(part.map(\.0)[...], serial: serial)
        var places = RecordPlaces()
        places.reset(rows: part.count)
        for (row, record) in part.enumerated() { places[row] = record.1 }
        delta.add(
            batch, unsafe RowSelection(rows: nil, count: part.count), delta.plan.metrics.map { _ in nil }, at: places)
    }

    @Test func anEventTimeIsNeeded() throws {
        var schema = SummaryRecord.schema
        schema.eventTimeColumn = nil
        var problems = Diagnostics()
        let call = try MetricCall.parse("last(price)", at: SourceLocation(file: "t", line: 1, column: 1))
        #expect(MetricCatalog.all.compile(call, named: "m", input: schema, &problems) == nil)
        #expect("\(problems)".contains("error[no-event-time]: last() needs an event time"), "\(problems)")
        let plan = SummaryPlan.ofRecords(metrics: [try SummaryRecord.metric("m", "last(price)")])
        #expect(plan.needsPlaces && plan.metrics[0].metric.needsEventTime)
        #expect(!SummaryPlan.ofRecords(metrics: [try SummaryRecord.metric("m", "max(price)")]).needsPlaces)
    }

    @Test func textsMoveWhenTheyGrowAndNothingIsLost() {
        var random = SeededRandom(seed: 5)
        var states = TextStates()
        var expected = Array(repeating: "", count: 300)
        states.grow(to: expected.count)
        for _ in 0..<20_000 {
            let group = Int.random(in: 0..<expected.count, using: &random)
            expected[group] = String(repeating: "x", count: Int.random(in: 0...200, using: &random)) + "\(group)"
            var text = expected[group]
            text.withUTF8 { unsafe states.set(group, UnsafeRawBufferPointer($0)) }
        }
        let found = expected.indices.map { unsafe states.withText($0) { unsafe String(decoding: $0, as: UTF8.self) } }
        #expect(found == expected)
        #expect(states.memoryBytes < 1 << 19, "\(states.memoryBytes) bytes for 60 kB of text")
    }
}

/// Keeps values as a row would hold them.
private struct StoredSink: ValueSink {
    var values: [StoredColumns.Value] = []
    var shown = ShownValues()

    mutating func appendNull() { add(.null) { $0.appendNull() } }
    mutating func append(_ value: Int64) { add(.integer(value)) { $0.append(value) } }
    mutating func append(_ value: Double) { add(.double(value)) { $0.append(value) } }
    mutating func append(_ value: Bool) { add(.boolean(value)) { $0.append(value) } }
    mutating func append(_ bytes: [UInt8]) { add(.bytes(bytes)) { $0.append(bytes) } }
    mutating func append(microsecondsSince1970 value: Int64) {
        add(.integer(value)) { $0.append(microsecondsSince1970: value) }
    }
    mutating func append(text: [UInt8]) {
        add(.text(String(decoding: text, as: UTF8.self))) { $0.append(text: text) }
    }
    mutating func append(_ unscaled: Int128, scale: Int) {
        add(.decimal(unscaled, scale: scale)) { $0.append(unscaled, scale: scale) }
    }
    mutating func append(json: [UInt8]) { preconditionFailure("these metrics have no lists") }
    mutating func append(_ sum: DoubleSum) { preconditionFailure("these metrics have no sums of doubles") }

    private mutating func add(_ value: StoredColumns.Value, _ show: (inout ShownValues) -> Void) {
        values.append(value)
        show(&shown)
    }
}
