import Dataflow
import JSON
import Logging
import Testing

@testable import Nodes

/// A field that no record has is said, once, with the keys that stand in its place.
@Suite struct FieldWatchTests {
    private static func parse(_ documents: [String], _ fields: [FieldDeclaration]) -> (
        words: Words, report: Remarks
    ) {
        let words = Words()
        let report = Remarks(logger: Logger(label: "fields") { _ in WordHandler(words: words) })
        let plan = ParsePlan(fields: fields, names: fields.map { $0.path.joined() }, limits: JSONLimits())
        let worker = ParseJSON(plan, watch: report.watch { FieldWatch(node: "records", plan, $0) }).makeWorker(
            in: StageSlot())
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

    @Test func anElementThatNoRecordHasIsSaid() throws {
        let words = try Self.said(
            "{ fields: { v: { path: \"l[key=x].v\", type: integer }, w: { path: \"l[key=a].v\", type: integer } } }",
            [ParseStand.Message(payload: #"{"l":[{"key":"a","v":1}]}"#)])
        #expect(words.contain("no element of l had both x under key and a value where the path goes on"))
        #expect(!words.contain("had both a under key"))
        let plain = try Self.said(
            "{ each: l, fields: { v: { path: \".\", type: integer } } }",
            [ParseStand.Message(payload: #"{"l":[null]}"#)])
        #expect(plain.contain("null in every record"))
    }

    @Test func secondsTakenForMillisecondsAreSaid() {
        let fields = [FieldDeclaration(path: ["t"], type: .timestamp(.epochMilliseconds))]
        let (words, report) = Self.parse([#"{"t":1760000000}"#], fields)
        report.conclude()
        #expect(words.contain("before 1980") && words.contain("timestamp(s)"))
    }

    /// Runs messages through a node and tells the end.
    private static func said(_ declaration: String, _ messages: [ParseStand.Message]) throws -> Words {
        let words = Words()
        let report = Remarks(logger: Logger(label: "fields") { _ in WordHandler(words: words) })
        _ = try ParseStand(declaration).run(messages, report: report)
        report.conclude()
        return words
    }

    @Test func keysOfElementsAreThoseOfTheElement() throws {
        let words = try Self.said(
            "{ each: r, fields: { v: integer, d: { path: ^.dev.id, type: text } } }",
            [ParseStand.Message(payload: #"{"device":{"id":1},"r":[{"value":1,"unit":"C"}]}"#)])
        #expect(words.contain("value, unit") && words.contain("absent in every record"))
    }

    @Test func anArrayOnTheWayIsSaid() throws {
        let words = try Self.said(
            "{ fields: { p: { path: items.price, type: double }, q: { path: \"`odd.key`.x\", type: text } } }",
            [ParseStand.Message(payload: #"{"items":[{"price":1}],"odd.key":"text"}"#)])
        #expect(words.contain("items is an array, with each: items every element is a record, and the path is price"))
        #expect(words.contain("`odd.key` is text, expected an object"))
        let outside = try Self.said(
            "{ each: r, fields: { d: { path: ^.dev.id, type: text }, v: { path: a.b, type: text } } }",
            [ParseStand.Message(payload: #"{"dev":[{"id":1}],"r":[{"a":[]}]}"#)])
        #expect(outside.contain("^.dev is an array, and paths go through no arrays but those of each: r"))
        #expect(outside.contain("\"a is an array") || outside.contain(": a is an array"))
    }

    @Test func aMessageWithoutAKeyIsSaid() throws {
        let words = try Self.said(
            "{ fields: { k: { from: message.key, type: text } } }", [ParseStand.Message(payload: "{}", texts: [nil])])
        #expect(words.contain("No message so far had") && words.contain("message.key"))
    }

    @Test func nullsAndCutsAreCounted() throws {
        let words = try Self.said(
            "{ fields: { n: { type: integer, on_type_error: \"null\" }, t: { type: text, max_bytes: 1, on_too_long: truncate }, "
                + "z: { type: timestamp, zone: UTC, on_type_error: \"null\" } } }",
            [
                ParseStand.Message(payload: #"{"n":"x","t":"ab","z":"soon"}"#),
                ParseStand.Message(payload: #"{"n":true,"t":"a","z":"2026-01-01 00:00:00"}"#),
                ParseStand.Message(payload: #"{"n":1,"t":"abc"}"#),
            ])
        #expect(words.contain("A value did not fit and was taken for null") && words.contain("A text was cut"))
        // The batch was parsed twice.
        #expect(words.contain(#""taken_for_null": 4"#) && words.contain(#""cut": 4"#), "\(words)")
        #expect(words.contain(#""taken_for_null": 2"#))
    }
}
