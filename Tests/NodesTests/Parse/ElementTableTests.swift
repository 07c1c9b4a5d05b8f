import Dataflow
import Testing

@testable import Nodes

/// `each`: rows that are elements, their places and their dead letters.
@Suite struct ElementTableTests {
    private static let declaration =
        "{ each: readings, fields: { d: { path: ^.device.id, type: text }, v: integer, o: { from: message.offset, type: integer } } }"

    @Test func rowsOfAMessageAreConsecutive() throws {
        let stand = try ParseStand(Self.declaration)
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        let found = try stand.run([
            #"{"device":{"id":"a"},"readings":[{"v":1},{"v":2}]}"#, #"{"readings":[]}"#, #"{"readings":[{"v":3}]}"#,
        ])
        #expect(found.rows == [["a", "1", "100"], ["a", "2", "100"], [nil, "3", "102"]])
        #expect(found.runs == [0..<2, 2..<2, 2..<3] && found.letters.isEmpty)
    }

    @Test func moreRowsThanThereIsRoomForAtFirst() throws {
        let stand = try ParseStand("{ each: r, fields: { v: integer, t: { path: ^.t, type: text } } }")
        let documents = (0..<40).map { number in
            let elements = (0..<number * 13 % 300).map { "{\"v\":\($0)}" }.joined(separator: ",")
            return "{\"t\":\"\\u0061\(number)\",\"r\":[\(elements)]}"
        }
        let found = try stand.run(documents)
        let expected = (0..<40).flatMap { number in (0..<number * 13 % 300).map { ["\($0)", "a\(number)"] } }
        #expect(found.rows == expected && found.letters.isEmpty)
        #expect(found.runs.last == expected.count - 39 * 13 % 300..<expected.count)
    }

    @Test func anArrayMayBeOptional() throws {
        let stand = try ParseStand("{ each: { path: a.r, optional: true }, fields: { v: integer } }")
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        let documents = [
            #"{"a":{"r":[{"v":1}]}}"#, #"{"a":{"r":null}}"#, "{}", #"{"a":{"r":7}}"#, #"{"a":{"r":[{"v":2}]}}"#,
        ]
        let found = try stand.run(documents)
        #expect(found.rows == [["1"], ["2"]] && found.runs == [0..<1, 1..<1, 1..<1, 1..<2, 2..<3])
        #expect(
            found.letters.map(\.reason) == ["a.r: found a number, expected the array whose elements are the records"])
        let strict = try ParseStand("{ each: { path: a.r }, fields: { v: integer } }").run(documents)
        #expect(strict.letters.count == 3 && strict.rows == found.rows)
        #expect(stand.plan.explanation.contains("makes a record of each element of a.r, if it is there"))
    }

    @Test func documentsMayBeArrays() throws {
        let stand = try ParseStand(
            "{ each: \"[]\", fields: { v: integer, o: { from: message.offset, type: integer } } }")
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        let lines = #"[{"v":1},{"v":2}]"# + "\n" + #"[{"v":3},{"v":"x"}]"# + "\n" + #"{"v":4}"#
        let found = try stand.run([lines], framing: .chunk)
        #expect(found.rows == [["1", "100"], ["2", "100"], ["3", "118"]])
        #expect(
            found.letters.map(\.reason) == [
                "[1]: v at byte 5: wrong type, found text, expected an integer of 64 bits",
                "found an object, expected an array, whose elements are the records",
            ])
        #expect(found.faults.map(\.field) == ["v", "[]"])
        let plain = try ParseStand("{ fields: { v: integer } }").run(["[]"])
        #expect(
            plain.letters.map(\.reason)
                == ["found an array, expected an object; with each: \"[]\" every element of it is a record"])
        let elsewhere = try ParseStand("{ each: r, fields: { v: integer } }").run(["[]"])
        #expect(elsewhere.letters.map(\.reason) == ["found an array, expected an object"])
    }

    @Test func aBadElementIsADeadLetterThatSaysWhichOne() throws {
        let stand = try ParseStand(Self.declaration)
        let found = try stand.run(
            [
                #"{"readings":[{"v":1},{"v":"x"},7,{"v":2}]}"# + "\n\n" + #"{"readings":[{"v":true}]}"#,
                #"{"readings":[{"v":3},]}"#,
            ], framing: .lines)
        #expect(found.rows.map(\.[1]) == ["1", "2"])
        #expect(
            found.letters == [
                ParseStand.Letter(
                    offset: 100, line: 0,
                    reason: "readings[1]: v at byte 5: wrong type, found text, expected an integer of 64 bits",
                    payload: #"{"v":"x"}"#),
                ParseStand.Letter(
                    offset: 100, line: 0,
                    reason:
                        "readings[2]: found a number, expected an object: fields are members of the elements, and a plain value has none",
                    payload: "7"),
                ParseStand.Letter(
                    offset: 100, line: 2,
                    reason: "readings[0]: v at byte 5: wrong type, found a boolean, expected an integer of 64 bits",
                    payload: #"{"v":true}"#),
                ParseStand.Letter(
                    offset: 101, line: 0, reason: "not valid JSON at byte 21: unexpected character",
                    payload: #"{"readings":[{"v":3},]}"#),
            ])
        #expect(found.runs == [0..<5, 5..<6])
    }

    @Test func timestampsOfElementsAndOfTheDocument() throws {
        let stand = try ParseStand(
            "{ each: r, fields: { t: { type: timestamp, zone: z }, z: { path: ^.z, type: text }, "
                + "s: { path: ^.s, type: timestamp, zone: UTC } } }")
        let found = try stand.run([
            #"{"s":"1970-01-01 00:00:02","r":[{"t":"1970-01-01 01:00:00"},{"t":"soon"},{"t":"1970-01-01 02:00:00"}],"z":"+01"}"#
        ])
        #expect(found.rows == [["0", "+01", "2000000"], ["3600000000", "+01", "2000000"]])
        #expect(found.letters.map(\.reason).first?.hasPrefix("r[1]: t at byte ") == true, "\(found.letters)")
    }

    @Test func linesOfAFile() throws {
        let stand = try ParseStand(Self.declaration)
        let found = try stand.run(["{\"readings\":[{\"v\":1}]}\n{\"readings\":[{\"v\":2},1]}"], framing: .chunk)
        #expect(found.rows == [[nil, "1", "100"], [nil, "2", "123"]])
        #expect(found.letters.map(\.offset) == [123])
    }
}
