import Dataflow
import Testing

@testable import Nodes

@Suite struct ParseWorkerTests {
    private static let declaration = "{ fields: { v: integer, t: text } }"

    @Test func goodRowsGoOnAndBadOnesAreLetters() throws {
        let stand = try ParseStand(Self.declaration)
        let found = try stand.run([#"{"v":1,"t":"a"}"#, "{", #"{"t":null}"#, "[]", #"{"v":1}{}"#])
        #expect(found.rows == [["1", "a"], [nil, nil]] && found.runs == [0..<1, 1..<2, 2..<3, 3..<4, 4..<5])
        #expect(found.letters.map(\.offset) == [101, 103, 104])
        #expect(
            found.letters[2].reason.hasSuffix("a second document begins; with several per message set format: lines"))
        #expect(found.letters[1].reason.hasPrefix("found an array, expected an object"))
    }

    @Test func documentsThatAreNoObjectsAreLetters() throws {
        let stand = try ParseStand(Self.declaration)
        let found = try stand.run(["7", "null", "true", #""text""#, "[{}]"])
        #expect(found.rows.isEmpty && found.letters.count == 5)
        #expect(found.letters.allSatisfy { $0.reason.contains("expected an object") })
    }

    @Test func messagesWithoutADocument() throws {
        let stand = try ParseStand(Self.declaration)
        #expect(try stand.run(["", "\n"], framing: .lines).rows.isEmpty)
        #expect(try stand.run([""]).letters.map(\.reason) == ["empty, expected a JSON value"])
    }

    @Test func runsHaveTheRowsOfTheirMessages() throws {
        let stand = try ParseStand(Self.declaration)
        let found = try stand.run(["{}\n{}\n{}", "", "{}"], framing: .lines)
        #expect(found.runs == [0..<3, 3..<3, 3..<4])
    }

    @Test func textIsAcceptedByTheNodeOrByAField() throws {
        let all = try ParseStand(
            "{ accept: text, fields: { v: integer, t: text, s: { type: integer, accept: json } } }")
        let found = try all.run([#"{"v":"7","t":17,"s":1}"#, #"{"v":7,"s":"1"}"#])
        #expect(found.rows == [["7", "17", "1"]] && found.letters.count == 1)
        let one = try ParseStand("{ fields: { v: { type: integer, accept: text }, t: text } }")
        #expect(try one.run([#"{"v":"7"}"#, #"{"t":1}"#]).rows == [["7", nil]])
    }

    @Test func textIsCutOnlyWhereItMayBe() throws {
        let stand = try ParseStand(
            "{ fields: { a: { type: text, max_bytes: 3, on_too_long: truncate }, b: { type: text, max_bytes: 3 } } }")
        let found = try stand.run([#"{"a":"abé"}"#, #"{"b":"abcd"}"#, #"{"a":"abc","b":"abc"}"#])
        #expect(found.rows == [["ab", nil], ["abc", "abc"]] && found.letters.count == 1)
    }

    @Test func hashesAreFilledForThoseWhoNeedThem() throws {
        let stand = try ParseStand(Self.declaration)
        #expect(try stand.run([ParseStand.Message(payload: #"{"v":1}"#)], hashes: [0, 1]).rows == [["1", nil]])
    }
}
