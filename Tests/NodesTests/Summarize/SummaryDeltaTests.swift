import DataflowTesting
import Testing

@testable import Dataflow
@testable import Nodes

/// What a summary comes to must not depend on how its records were spread over batches and workers.
@Suite struct SummaryDeltaTests {
    private struct Record {
        var time: Int64
        var country: String?
        var level: Int64?
        var paid: Bool
        var user: String
        var price: Int64?
        var ratio: Double
    }

    private static let types: [ColumnType] = [
        .timestamp, .text, .integer, .boolean, .text, .decimal(scale: 2), .double,
    ]

    private static let plan = SummaryPlan(
        node: "kpi", windowMicroseconds: 60_000_000, eventTimeColumn: 0,
        keys: [
            .init(name: "country", type: .text, column: 1), .init(name: "level", type: .integer, column: 2),
            .init(name: "paid", type: .boolean, column: 3),
        ],
        metrics: [
            MetricPlan(name: "events", function: .count),
            MetricPlan(name: "users", function: .uniques(.standard), column: 4, type: .text),
            MetricPlan(name: "total", function: .sum, column: 5, type: .decimal(scale: 2)),
            MetricPlan(name: "mean", function: .avg, column: 6, type: .double),
            MetricPlan(name: "least", function: .min, column: 5, type: .decimal(scale: 2)),
            MetricPlan(name: "last", function: .max, column: 0, type: .timestamp),
            MetricPlan(
                name: "price",
                function: .percentiles([.init(percent: 50, text: "50"), .init(percent: 99, text: "99")]),
                column: 5, type: .decimal(scale: 2)),
        ])

    private static func records(_ count: Int, _ random: inout DataflowTesting.SeededRandom) -> [Record] {
        (0..<count).map { _ in
            Record(
                time: Int64.random(in: -200_000_000...200_000_000, using: &random),
                country: random.chance(10)
                    ? nil : ["US", "DE", "a country with a long name", ""].randomElement(using: &random),
                level: random.chance(10) ? nil : Int64.random(in: -2...2, using: &random), paid: random.chance(50),
                user: "u\(Int.random(in: 0..<400, using: &random))",
                price: random.chance(50) ? nil : Int64.random(in: -999...99_999, using: &random),
                ratio: Double.random(in: -1e6...1e6, using: &random))
        }
    }

    private static func batch(_ records: ArraySlice<Record>, serial: UInt64) -> Batch {
        let batch = Batch(payloadBytes: 4_096, columnTypes: types)
        batch.serial = serial
        func append(_ text: String) -> TextSlice {
            let offset = batch.length
            var copy = text
            copy.withUTF8 { unsafe batch.append(UnsafeRawBufferPointer($0), offset: 0, timestamp: nil) }
            return TextSlice(offset: UInt32(offset), length: UInt32(text.utf8.count))
        }
        let texts = records.map { (country: append($0.country ?? ""), user: append($0.user)) }
        batch.beginRows(records.count)
        for (row, record) in records.enumerated() {
            unsafe batch.columns[0].integers[row] = record.time
            unsafe batch.columns[1].slices[row] = texts[row].country
            unsafe batch.columns[2].integers[row] = record.level ?? 0
            unsafe batch.columns[3].booleans[row] = record.paid ? 1 : 0
            unsafe batch.columns[4].slices[row] = texts[row].user
            unsafe batch.columns[5].integers[row] = record.price ?? 0
            unsafe batch.columns[6].doubles[row] = record.ratio
            let valid = [true, record.country != nil, record.level != nil, true, true, record.price != nil, true]
            for (column, isValid) in valid.enumerated() { unsafe batch.columns[column].valid[row] = isValid ? 1 : 0 }
        }
        return batch
    }

    private static func lines(_ delta: SummaryDelta) -> [String] {
        GroupOrder(delta).groups.map { SummaryJSON.line(delta, Int($0)) }
    }

    private static func add(_ records: ArraySlice<Record>, to delta: SummaryDelta, serial: UInt64) {
        let batch = batch(records, serial: serial)
        let rows = unsafe RowSelection(rows: nil, count: records.count)
        delta.add(batch, rows, plan.metrics.map { _ in nil })
    }

    private static func emptyDelta(_ memory: MemoryAccountant) -> SummaryDelta {
        SummaryDelta(plan, dictionary: KeyDictionary(memory: memory), memory: memory)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func batchesAndWorkersChangeNothing(seed: UInt64) {
        var random = DataflowTesting.SeededRandom(seed: seed)
        let memory = MemoryAccountant(budget: 1 << 30)
        let records = Self.records(3_000, &random)
        let whole = Self.emptyDelta(memory)
        Self.add(records[...], to: whole, serial: 1)
        let workers = (0..<3).map { _ in Self.emptyDelta(memory) }
        var start = 0
        var serial: UInt64 = 1
        while start < records.count {
            let end = min(records.count, start + Int.random(in: 1...700, using: &random))
            serial += 1
            if let worker = workers.randomElement(using: &random) {
                Self.add(records[start..<end], to: worker, serial: serial)
            }
            start = end
        }
        workers[1].absorb(workers[2])
        workers[0].absorb(workers[1])
        #expect(Self.lines(workers[0]) == Self.lines(whole), "seed \(seed)")
        #expect(whole.groupCount > 50)
    }

    /// Without window and `by` there is one group, and merging must not make another.
    @Test func aSummaryWithoutKeysStaysOneGroup() {
        var random = DataflowTesting.SeededRandom(seed: 3)
        let memory = MemoryAccountant(budget: 1 << 30)
        let plan = SummaryPlan(
            node: "total", keys: [],
            metrics: [
                MetricPlan(name: "events", function: .count),
                MetricPlan(name: "users", function: .uniques(.standard), column: 4, type: .text),
            ])
        let records = Self.records(300, &random)
        let deltas = (0..<3).map { _ in
            SummaryDelta(plan, dictionary: KeyDictionary(memory: memory), memory: memory)
        }
        for (number, delta) in deltas.enumerated() {
            let part = records[(number * 100)..<(number * 100 + 100)]
            let rows = unsafe RowSelection(rows: nil, count: part.count)
            delta.add(Self.batch(part, serial: UInt64(number + 1)), rows, [nil, nil])
        }
        deltas[1].absorb(deltas[2])
        deltas[0].absorb(deltas[1])
        let users = Set(records.map(\.user)).count
        #expect(deltas[0].groupCount == 1)
        guard let line = Self.lines(deltas[0]).first else { return }
        #expect(line.hasPrefix("{\"events\": 300, "))
        #expect(users > 100)
    }

    @Test func memoryIsGivenBack() {
        let memory = MemoryAccountant(budget: 1 << 30)
        var random = DataflowTesting.SeededRandom(seed: 7)
        do {
            let delta = Self.emptyDelta(memory)
            Self.add(Self.records(1_000, &random)[...], to: delta, serial: 1)
            #expect(memory.held(by: .groups) > 0)
            delta.release()
        }
        #expect(memory.held(by: .groups) == 0)
    }
}
