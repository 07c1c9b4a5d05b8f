import DataflowTesting
import Platform
import Sketches
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Declaration
@testable import Summaries

@Suite struct TopTests {
    /// The list, and the bytes as they are merged again.
    @Test(arguments: [
        ("top(level, 2)", "[{\"value\": -3, \"count\": 2, \"error\": 0}, {\"value\": 2, \"count\": 2, \"error\": 0}]"),
        ("top(price, 1)", "[{\"value\": 2.00, \"count\": 2, \"error\": 0}]"),
        (
            "top(user, 2)",
            "[{\"value\": \"u2.0\", \"count\": 2, \"error\": 0}, {\"value\": \"u-3.25\", \"count\": 1, \"error\": 0}]"
        ),
        ("top(paid, 2)", "[]"),
    ])
    func theMostFrequentValuesComeFirst(call: String, expected: String) throws {
        let values = try MetricStand(call).values([2, -3.25, nil, 2, -3.5, 8])
        #expect(values[0] == expected)
        #expect(values[1].hasPrefix("\\x41"))
    }

    @Test func whatIsStoredTakesPart() throws {
        let top = try MetricStand("top(level, 3)")
        // 5 three times, -1 once.
        let stored: [UInt8] = [0x41, 2, 2, 1, 5, 3, 10, 1, 0xff, 1, 4]
        #expect(
            try top.values([7, 5, 7], stored: [.null, .bytes(stored)])[0]
                == "[{\"value\": 5, \"count\": 4, \"error\": 0}, {\"value\": 7, \"count\": 2, \"error\": 0}, "
                + "{\"value\": -1, \"count\": 1, \"error\": 0}]")
        let other = top.problem([.null, .bytes([0x41, 0, 0])])
        #expect(other?.description == "column m_sketch: frequent values: found values of text, expected integer")
        #expect(top.problem([.null, .bytes([0x41, 2])])?.problem.contains("ends too early") == true)
    }

    /// Records in any order, over any number of workers and epochs, in windows that are derived or counted: the same bytes.
    @Test(arguments: 0..<6 as Range<UInt64>)
    func bytesDoNotDependOnWhoCountedWhatWhen(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        // Few values, and more than are counted exactly.
        let users = seed % 2 == 0 ? 40 : 3_000
        let records = (0..<6_000).map { _ in
            SummaryRecord(
                time: 0, country: nil, level: nil, paid: nil,
                user: "u\(min(Int.random(in: 0..<users, using: &random), Int.random(in: 0..<users, using: &random)))",
                price: nil, ratio: 0)
        }
        let plan = SummaryPlan.ofRecords(
            keys: [], hasWindow: false, metrics: [try SummaryRecord.metric("m", "top(user, 5)")])
        let result = plan.metrics[0].metric.makeResult()
        func row(_ delta: SummaryDelta, _ stored: [String]?) throws -> [String] {
            let columns = stored.map { StoredColumns([.null, .bytes(Self.bytes($0[1]))]) }
            try result.load(0, of: delta.sets[0].states[0], merging: columns)
            var sink = ShownValues()
            for column in plan.metrics[0].columns.indices { result.write(column, to: &sink) }
            return sink.texts
        }
        var expected: [String]?
        for _ in 0..<4 {
            var stored: [String]?
            // An epoch is some of the records, whose places stay what they are.
            var rest = Array(records.indices).shuffled(using: &random)
            while !rest.isEmpty {
                let workers = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    SummaryDelta.empty(plan, MemoryAccountant(budget: 1 << 40))
                }
                for index in rest.prefix(Int.random(in: 500...4_000, using: &random)) {
                    workers.randomElement(using: &random)?.add([records[index]], serial: UInt64(index + 1))
                    rest.removeFirst()
                }
                workers[1...].forEach { workers[0].absorb($0) }
                workers[0].complete()
                if workers[0].groupCount > 0 { stored = try row(workers[0], stored) }
            }
            #expect(stored != nil && stored == expected ?? stored, "seed \(seed)")
            expected = stored
        }
        #expect(expected?[0].contains("\"error\": 0}") == (users == 40))
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8.dropFirst(2))
        return stride(from: 0, to: digits.count, by: 2).map { index in
            UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) ?? 0
        }
    }

    @Test(arguments: [
        ("top(level)", "top() takes a field and how many values to show; for example top(level, 20)"),
        ("top()", "top() needs a field"), ("top(level, 1, 2)", "top() takes a field and how many values to show"),
        ("top(level, paid)", "top() takes a field and how many values to show"),
        ("top(level, 0)", "top() cannot show 0 values, expected a whole number from 1 to 100"),
        ("top(level, 2.5)", "top() cannot show 2.5 values, expected a whole number from 1 to 100"),
        ("top(ratio, 3)", "top() cannot work on ratio, which is double, expected text, integer, decimal or boolean"),
        ("top(time, 3)", "top() cannot work on time, which is timestamp"),
        ("top(user, 3, precision: x)", "top() has no option precision"),
    ])
    func mistakesAreNamed(call: String, expected: String) {
        let problems = #expect(throws: Diagnostics.self) { try SummaryRecord.metric("m", call) }
        #expect(
            problems?.all.count == 1 && "\(problems?.description ?? "")".contains(expected),
            "\(String(describing: problems))")
    }
}
