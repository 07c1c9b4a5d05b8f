import Dataflow
import Declaration
import Foundation
import Testing
import WebAPI

@testable import Millrace

/// Records that pass a node, as somebody sees them.
@Suite struct TapTests {
    private static let fields = [
        RecordSchema.Field(name: "n", type: .integer, column: 0),
        RecordSchema.Field(name: "user", type: .integer, column: 1),
    ]

    /// Rows whose first field counts up from a number, and whose second is one of three.
    private static func batch(from first: Int, _ count: Int) -> Batch {
        let batch = Batch(payloadBytes: 64, layout: BatchLayout([.integer, .integer]))
        batch.beginRows(count)
        for row in 0..<count {
            unsafe batch.columns[0].integers[row] = Int64(first + row)
            unsafe batch.columns[1].integers[row] = Int64(row % 3)
            unsafe batch.columns[0].valid[row] = 1
            unsafe batch.columns[1].valid[row] = row == 4 ? 0 : 1
        }
        return batch
    }

    private static func all(_ count: Int) -> RowSelection { unsafe RowSelection(rows: nil, count: count) }

    private struct Record: Decodable {
        var n: Int
        var user: String?
    }

    private static func records(_ answer: OpenTap.Answer) throws -> [Record] {
        try answer.records.map { try JSONDecoder().decode(Record.self, from: Data($0)) }
    }

    @Test func someRecordsASecondAreSeenMasked() throws {
        let node = NodeTap()
        let tap = OpenTap(node, Self.fields, masked: ["user"], rate: 10, first: 100)
        let start = ContinuousClock.now
        let first = tap.read(after: nil, at: start)
        #expect(first.records.isEmpty && first.next == 100)
        tap.take(Self.batch(from: 0, 50), Self.all(50), at: start)
        let answer = tap.read(after: first.next, at: start)
        let seen = try Self.records(answer)
        #expect(seen.map(\.n) == Array(0..<10))
        #expect(answer.passed == 50 && answer.next == 110)
        // The same value has the same pseudonym, others have others, and null is null.
        #expect(seen[0].user?.wholeMatch(of: /~[0-9a-f]{8}/) != nil)
        #expect(seen[0].user == seen[3].user && seen[0].user != seen[1].user && seen[4].user == nil)
        let other = OpenTap(node, Self.fields, masked: ["user"], rate: 10, first: 100)
        other.take(Self.batch(from: 0, 1), Self.all(1), at: start + .seconds(1))
        #expect(try Self.records(other.read(after: 100)).first?.user != seen[0].user)

        // A tenth of a second later there is room for one.
        tap.take(Self.batch(from: 50, 50), Self.all(50), at: start + .milliseconds(110))
        #expect(try Self.records(tap.read(after: 110, at: start)).map(\.n) == [50])
        // Who comes late finds what is kept, and who knows all of it nothing.
        #expect(tap.read(after: 105, at: start).records.count == 6)
        #expect(tap.read(after: 111, at: start).records.isEmpty)
        let text = String(decoding: answer.json, as: UTF8.self)
        #expect(text.hasPrefix("{\"next\":110,\"passed\":50,\"records\":[{\"n\":0,\"user\":\"~"), "\(text)")
        #expect(TapCommand.records(in: answer.json).count == 10)
    }

    @Test func nobodyIsShownAnythingAfterAWhile() {
        let node = NodeTap()
        let start = ContinuousClock.now
        let tap = OpenTap(node, Self.fields, masked: [], rate: 10, first: 1)
        let next = tap.read(after: nil, at: start).next
        tap.take(Self.batch(from: 0, 5), Self.all(5), at: start + TapLimits.idle)
        #expect(tap.read(after: next, at: start).records.count == 5)
        #expect(!tap.isIdle(at: start + TapLimits.idle))
        // It has been forgotten: the batch that finds that out is the last one that it sees.
        tap.take(Self.batch(from: 5, 5), Self.all(5), at: start + TapLimits.idle + .seconds(1))
        node.show(Self.batch(from: 10, 5), Self.all(5))
        let answer = tap.read(after: next, at: start)
        #expect(answer.records.count == 5 && answer.passed == 10)
    }

    @Test func whatIsKeptIsBounded() {
        let node = NodeTap()
        let now = ContinuousClock.now
        let tap = OpenTap(node, Self.fields, masked: [], rate: 100, first: 0)
        for second in 0..<4 {
            _ = tap.read(after: nil, at: now + .seconds(second))
            tap.take(Self.batch(from: second * 100, 100), Self.all(100), at: now + .seconds(second))
        }
        #expect(tap.read(after: 0).records.count == TapLimits.records)
    }

    @Test func namesThatTellWhoSomebodyIsAreMasked() {
        for name in ["user", "userId", "user_id", "client_ip", "geo.address", "X-Auth-Token", "email", "IP", "apiKey"] {
            #expect(MaskedNames.isTelling(name), "\(name)")
        }
        for name in ["platform", "ship", "description", "duration_ms", "tokenise", "level", "ts", "monkey", ""] {
            #expect(!MaskedNames.isTelling(name), "\(name)")
        }
        #expect(
            MaskedNames.among(["user", "country", "level"], mask: ["country"], show: ["user"]) == ["country"])
    }

    @Test func objectsAreFoundWhateverTheyHold() {
        let body = #"{"next":1,"passed":2,"records":[{"a":"}{\"\\"},{"b":{"c":[1,{}]}},{}]}"#
        #expect(TapCommand.records(in: Array(body.utf8)) == [#"{"a":"}{\"\\"}"#, #"{"b":{"c":[1,{}]}}"#, "{}"])
    }

    @Test func whatDoesNotRunIsSaid() {
        let answer = TapRoom().answer(TapQuery(topology: "kpis", node: "records"))
        #expect(answer.status == 404 && String(decoding: answer.body, as: UTF8.self).contains("not-running"))
    }
}
