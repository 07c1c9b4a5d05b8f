import Dataflow
import JSON
import Logging
import Testing

@testable import Nodes

/// A field that no record has is said, once, with the keys that stand in its place.
@Suite struct FieldReportTests {
    private static func parse(_ documents: [String], _ fields: [FieldDeclaration]) -> (
        words: Words, report: FieldReport
    ) {
        let words = Words()
        let report = FieldReport(logger: Logger(label: "fields") { _ in WordHandler(words: words) })
        let plan = ParsePlan(fields: fields, names: fields.map { $0.path.joined() }, limits: JSONLimits())
        let worker = ParseJSON(plan, watch: report.watch(node: "records", plan)).makeWorker(in: StageSlot())
        let batch = Batch(payloadBytes: 1 << 20, layout: BatchLayout(fields.map { _ in .integer }))
        for (offset, document) in documents.enumerated() {
            unsafe Array(document.utf8).withUnsafeBytes {
                unsafe batch.append($0, offset: Int64(offset), timestamp: nil)
            }
        }
        batch.runs = [
            BatchRun(
                partition: 0, from: 0, messages: 0..<documents.count, tombstones: 0, nextOffset: Int64(documents.count),
                tail: Tail(offset: 0, timestamp: nil, checksum: 0))
        ]
        worker.process(batch, unsafe RowSelection(rows: nil, count: 0)) { _ in }
        return (words, report)
    }

    private static let fields = [
        FieldDeclaration(path: ["a"], type: .integer), FieldDeclaration(path: ["p", "v"], type: .integer),
    ]

    @Test func anAbsentFieldIsNamedWithTheKeysInItsPlace() {
        let document = #"{"a":1,"x":[{"v":1}],"p":{"value":2,"w":"}"},"q":{}}"#
        let (words, _) = Self.parse(Array(repeating: document, count: 3_000), Self.fields)
        #expect(words.contain("absent in every record"))
        #expect(words.contain("p.v") && words.contain("value, w"))
    }

    @Test func fewRecordsAreToldOfAtTheEnd() {
        let (words, report) = Self.parse([#"{"a":1}"#, "[]"], Self.fields)
        #expect(!words.contain("absent"))
        report.conclude()
        #expect(words.contain("absent in every record") && words.contain(#""records": 1"#))
    }

    @Test func whatIsThereOnceIsNotSaid() {
        let documents = Array(repeating: #"{"a":1}"#, count: 2_999) + [#"{"p":{"v":1}}"#]
        let (words, report) = Self.parse(documents, Self.fields)
        report.conclude()
        #expect(!words.contain("every record"))
    }

    @Test func secondsTakenForMillisecondsAreSaid() {
        let fields = [FieldDeclaration(path: ["t"], type: .timestamp(.epochMilliseconds))]
        let (words, report) = Self.parse([#"{"t":1760000000}"#], fields)
        report.conclude()
        #expect(words.contain("before 1980") && words.contain("timestamp(s)"))
    }
}
