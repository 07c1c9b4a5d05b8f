import Dataflow
import Declaration
import Logging
import Testing

@testable import Nodes

@Suite struct RecordCompletionTests {
    @Test func timestampsByTheirFormatAndZone() throws {
        let stand = try ParseStand(
            """
            { fields: { a: { type: timestamp, format: "%d/%b/%Y:%H:%M:%S %z" }, b: { type: timestamp, zone: Europe/Berlin },
              c: { type: timestamp, format: "%Y%m%d", zone: "-03:30" }, d: { type: timestamp, zone: tz }, tz: text } }
            """.replacing("\n", with: " "))
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        let found = try stand.run([
            #"{"a":"29/Mar/2026:04:30:15 +0200","b":"2026-03-29 02:30:00","c":"20260329","d":"2026-01-01T12:00:00","tz":"-5"}"#,
            #"{"d":"2026-10-25 02:30:00","tz":"Europe/Berlin","b":"2026-10-25 02:30:00.5"}"#,
            #"{"b":"2026-03-29T02:30:00Z","a":null,"c":"2026\u00303\u00329"}"#,
        ])
        #expect(
            found.rows == [
                ["1774751415000000", "1774747800000000", "1774755000000000", "1767286800000000", "-5"],
                [nil, "1792891800500000", nil, "1792891800000000", "Europe/Berlin"],
                [nil, "1774751400000000", "1774755000000000", nil, nil],
            ])
        #expect(found.letters.isEmpty)
    }

    @Test func zonesMayBeHours() throws {
        let stand = try ParseStand("{ fields: { t: { type: timestamp, zone: z }, z: integer } }")
        let found = try stand.run([
            #"{"z":8,"t":"2026-03-29 08:30:00"}"#, #"{"t":"2026-03-28 19:30:00","z":-5}"#,
            #"{"t":"2026-03-29 00:30:00Z"}"#,
            #"{"t":"2026-03-29 00:30:00"}"#, #"{"t":"2026-03-29 00:30:00","z":480}"#,
        ])
        #expect(found.rows.map(\.[0]) == ["1774744200000000", "1774744200000000", "1774744200000000"])
        #expect(
            found.letters.map(\.reason) == [
                "t: has no offset, and its zone, field z, is missing",
                "t: its zone, field z, is neither the name of a time zone nor an offset of hours",
            ])
    }

    @Test func theReasonSaysWhereTheTextStopsToFit() throws {
        let stand = try ParseStand(
            #"{ fields: { t: { type: timestamp, format: "%Y-%m-%d", zone: UTC }, n: integer } }"#)
        let found = try stand.run([
            #"{"n":1,"t":"2026-x3-29"}"#, #"{"t":5}"#, #"{"t":"2026-02-30","n":7}"#, #"{"t":"\u0032026-01-01x"}"#,
        ])
        #expect(
            found.letters.map(\.reason) == [
                "t at byte 11: found text that does not fit the format \"%Y-%m-%d\", from its byte 5 on",
                "t at byte 5: wrong type, found a number, expected text",
                "t at byte 5: February 2026 has no day 30",
                "t: found text that does not fit the format \"%Y-%m-%d\", from its byte 10 on",
            ])
        #expect(found.rows.isEmpty)
    }

    @Test func aWrongTimeMayBeNull() throws {
        let stand = try ParseStand(
            "{ fields: { t: { type: timestamp, zone: UTC, on_type_error: \"null\" }, v: integer } }")
        let found = try stand.run([#"{"t":"soon","v":1}"#, #"{"t":"2026-03-29 00:30:00","v":2}"#])
        #expect(found.rows == [[nil, "1"], ["1774744200000000", "2"]] && found.letters.isEmpty)
    }

    @Test func theEventTimeMustBeThere() throws {
        let stand = try ParseStand(
            "{ event_time: t, fields: { t: { type: timestamp, zone: UTC, on_type_error: \"null\" } } }")
        let found = try stand.run([#"{"t":"soon"}"#, "{}", #"{"t":"2026-03-29 00:30:00"}"#])
        #expect(found.rows == [["1774744200000000"]] && found.letters.count == 2)
    }

    // MARK: Values of the message

    private static let declaration = """
        { fields: { v: integer, sent: { from: message.timestamp, type: timestamp }, key: { from: message.key, type: text }, \
        tenant: { from: message.header.tenant, type: integer, on_type_error: "null" }, topic: { from: message.topic, type: text }, \
        partition: { from: message.partition, type: integer }, offset: { from: message.offset, type: integer } } }
        """

    @Test func whatComesWithTheMessage() throws {
        let stand = try ParseStand(Self.declaration)
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        #expect(stand.plan.messageTexts == [.key, .header("tenant"), .topic, .partition])
        let found = try stand.run([
            ParseStand.Message(payload: #"{"v":1}"#, timestamp: 1_774_744_200_123, texts: ["k1", "42", "t", "7"]),
            ParseStand.Message(payload: #"{"v":"\u0032"}"#, timestamp: 1, texts: ["k", "1", "t", "7"]),
            ParseStand.Message(payload: #"{"v":2}"#, timestamp: nil, texts: [nil, "x", "t", "7"]),
        ])
        #expect(
            found.rows == [
                ["1", "1774744200123000", "k1", "42", "t", "7", "100"], ["2", nil, nil, nil, "t", "7", "102"],
            ])
        #expect(found.letters.map(\.offset) == [101])
    }

    @Test func everyLineHasWhatItsMessageHas() throws {
        let stand = try ParseStand(
            "{ fields: { v: integer, k: { from: message.key, type: text }, o: { from: message.offset, type: integer } } }"
        )
        let messages = [
            ParseStand.Message(payload: "{\"v\":1}\n{\"v\":2}", texts: ["a"]),
            ParseStand.Message(payload: "", texts: ["b"]),
            ParseStand.Message(payload: "{\"v\":3}\nx", texts: ["c"]),
        ]
        let found = try stand.run(messages, framing: .lines)
        #expect(found.rows == [["1", "a", "100"], ["2", "a", "100"], ["3", "c", "102"]] && found.letters.count == 1)
        // Of a file the offset is the position of the line.
        let file = try ParseStand("{ fields: { o: { from: message.offset, type: integer } } }")
        #expect(try file.run(["{}\n\n{}", "{}"], framing: .chunk).rows == [["100"], ["104"], ["107"]])
    }

    @Test func keysThatDoNotFit() throws {
        let stand = try ParseStand("{ fields: { k: { from: message.key, type: text, max_bytes: 3, required: true } } }")
        let found = try stand.run(
            ["abc", "abcd", "a\0b", nil, ""].map { ParseStand.Message(payload: "{}", texts: [$0]) })
        #expect(found.rows == [["abc"], [""]])
        #expect(
            found.letters.map(\.reason) == [
                "message.key: text too long, expected at most 3 bytes",
                "message.key: the text holds U+0000, which Postgres cannot store", "message.key: missing, but required",
            ])
        let cut = try ParseStand(
            "{ fields: { k: { from: message.key, type: text, max_bytes: 3, on_too_long: truncate } } }")
        #expect(try cut.run([ParseStand.Message(payload: "{}", texts: ["ab€"])]).rows == [["ab"]])
    }

    @Test func keysOfManyBytesFindRoomBehindEscapedText() throws {
        let stand = try ParseStand(
            "{ fields: { k: { from: message.key, type: text, max_bytes: 64KiB }, t: { type: text, max_bytes: 64KiB } } }"
        )
        let key = String(repeating: "k", count: 40_000)
        let payload = "{\"t\":\"" + String(repeating: "\\n", count: 20_000) + "\"}"
        let found = try stand.run((0..<4).map { _ in ParseStand.Message(payload: payload, texts: [key]) })
        #expect(found.rows == Array(repeating: [key, String(repeating: "\n", count: 20_000)], count: 4))
    }

    @Test func aKeyMayBeATimestamp() throws {
        let stand = try ParseStand(
            #"{ fields: { k: { from: message.key, type: timestamp, format: "%Y%m%d", zone: UTC } } }"#)
        let found = try stand.run([ParseStand.Message(payload: "{}", texts: ["20260329"])])
        #expect(found.rows == [["1774742400000000"]])
    }
}
