import DataflowTesting
import Platform
import Sketches
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Summaries

/// Values as text, in the order in which they come.
struct ShownValues: ValueSink {
    private(set) var texts: [String] = []

    mutating func appendNull() { texts.append("null") }
    mutating func append(_ value: Int64) { texts.append("\(value)") }
    mutating func append(_ value: Double) { texts.append("\(value)") }
    mutating func append(microsecondsSince1970 value: Int64) { texts.append("\(value)us") }
    mutating func append(_ unscaled: Int128, scale: Int) { texts.append("\(unscaled)e-\(scale)") }
    mutating func append(_ value: Bool) { texts.append("\(value)") }
    mutating func append(json: [UInt8]) { texts.append(String(decoding: json, as: UTF8.self)) }
    mutating func append(text: [UInt8]) { texts.append("'" + String(decoding: text, as: UTF8.self) + "'") }
    mutating func append(_ sum: DoubleSum) { texts.append("sum \(sum.nearest.map { "\($0)" } ?? "beyond")") }
    mutating func append(_ bytes: [UInt8]) {
        texts.append("\\x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }
}

/// A stored row: what a test says it holds, by position among the metric's columns.
final class StoredColumns: StoredValues {
    enum Value {
        case null
        case integer(Int64)
        case double(Double)
        case decimal(Int128, scale: Int)
        case boolean(Bool)
        case text(String)
        case bytes([UInt8])
    }

    private let values: [Value]

    init(_ values: [Value]) { self.values = values }

    func integer(_ column: Int) throws -> Int64? { if case .integer(let value) = values[column] { value } else { nil } }
    func double(_ column: Int) throws -> Double? { if case .double(let value) = values[column] { value } else { nil } }
    func boolean(_ column: Int) throws -> Bool? { if case .boolean(let value) = values[column] { value } else { nil } }
    func timestamp(_ column: Int) throws -> Int64? { try integer(column) }

    func decimal(_ column: Int) throws -> FixedDecimal? {
        guard case .decimal(let unscaled, let scale) = values[column] else { return nil }
        return FixedDecimal(unscaled: unscaled, scale: scale)
    }

    func withBytes(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        let bytes: [UInt8]
        switch values[column] {
        case .bytes(let found): bytes = found
        case .text(let text): bytes = Array(text.utf8)
        default: return false
        }
        unsafe try bytes.withUnsafeBytes { unsafe try body($0) }
        return true
    }
}

/// One metric, its states and its results.
struct MetricStand {
    let plan: MetricPlan

    init(_ call: String) throws { plan = try SummaryRecord.metric("m", call) }

    /// Records of these levels, prices and ratios: the same number in units of each; nil has no level and no price.
    static func records(_ numbers: [Double?]) -> [SummaryRecord] {
        numbers.map { number in
            SummaryRecord(
                time: Int64(exactly: (number ?? 0).rounded(.towardZero)) ?? 0, country: nil,
                level: number.flatMap { Int64(exactly: $0.rounded(.towardZero)) }, paid: nil, user: "u\(number ?? 0)",
                price: number.flatMap { Int64(exactly: ($0 * 100).rounded()) }, ratio: number ?? 0)
        }
    }

    /// The values of all columns over numbers that are spread over three workers, merged with a stored row.
    func values(_ numbers: [Double?], stored: [StoredColumns.Value]? = nil) throws -> [String] {
        let summary = SummaryPlan.ofRecords(keys: [], hasWindow: false, metrics: [plan])
        let workers = (0..<3).map { _ in SummaryDelta.empty(summary, MemoryAccountant(budget: 1 << 40)) }
        for (index, record) in Self.records(numbers).enumerated() {
            workers[index % 3].add([record], serial: UInt64(index + 1))
        }
        workers[1].absorb(workers[2])
        workers[0].absorb(workers[1])
        workers[0].complete()
        let result = plan.metric.makeResult()
        // A result is used again and again: what it was before must not matter.
        try result.load(0, of: workers[0].sets[0].states[0], merging: nil)
        try result.load(0, of: workers[0].sets[0].states[0], merging: stored.map { StoredColumns($0) })
        var sink = ShownValues()
        for column in plan.columns.indices { result.write(column, to: &sink) }
        #expect(sink.texts.count == plan.columns.count, "one value for each column")
        return sink.texts
    }

    /// What is wrong with a stored row.
    func problem(_ stored: [StoredColumns.Value]) -> StoredValueError? {
        #expect(throws: StoredValueError.self) { try values([1], stored: stored) }
    }
}
