import Foundation
import Postgres
import Testing

/// Messages that producers really send, one way or another: each is counted once, and what cannot be used is kept with
/// a reason.
@Suite struct HostileMessagesTests {
    private static let nodes = """
          records:
            from: events
            parse_json:
              event_time: ts
              fields: { ts: timestamp, name: text, number: integer, amount: double }
          counts:
            from: records
            summarize:
              window: 1h
              by: [name]
              metrics: { events: count(), number: max(number), amount: max(amount) }
          table:
            from: counts
            postgres: { url: "${DATABASE_URL}", table: counts }
        """

    /// A document with a good time.
    private static func document(_ rest: String, time: String = "2026-01-01T00:00:00Z") -> [UInt8] {
        Array(#"{"ts": "\#(time)", \#(rest)}"#.utf8)
    }

    @Test func eachKindOfBadMessageIsKeptWithItsReason() async throws {
        try await onOwnThread {
            let bad: [(message: [UInt8], reason: String)] = [
                ([], "empty"),
                (Array(" \n ".utf8), "empty"),
                (Self.document(#""name": "a\u0000b""#), "U+0000"),
                (Self.document(#""name": "\#(String(repeating: "k", count: 300))""#), "256"),
                (Self.document(#""number": 9223372036854775808"#), "64 bits"),
                (Self.document(#""number": -9223372036854775809"#), "64 bits"),
                (Self.document(#""number": 1e400"#), "number"),
                (Self.document(#""amount": 1e400"#), "amount"),
                (Self.document(#""number": "12""#), "number"),
                (Self.document(#""name": "a""#, time: "300000-01-01T00:00:00Z"), "ts"),
                (Self.document(#""name": "a""#, time: "2026-13-01T00:00:00Z"), "ts"),
                (Array(#"{"name": "no time"}"#.utf8), "ts"),
                (Array(#"{"ts": null, "name": "a"}"#.utf8), "ts"),
                (Self.document(#""name": "\#(String(repeating: "long", count: 512 << 10))""#), "more than the limit"),
                (Array("\u{FEFF}{}".utf8), "byte order mark"),
                (Self.document(#""name": "x"} {"#), "more follows"),
                ([0xff, 0xfe, 0x00], "UTF-8"),
            ]
            let good = [
                Self.document(#""name": "early", "name": "last""#),
                Self.document(#""name": "last", "number": 9223372036854775807, "amount": 1e308"#),
                Self.document(#""name": "ancient""#, time: "0001-01-01T00:00:00Z"),
                Self.document(#""name": "future""#, time: "9999-12-31T23:59:59Z"),
            ]
            let stream = try HostileStream("hostile_messages")
            var messages: [[UInt8]?] = [nil]
            for (index, entry) in bad.enumerated() {
                messages += [entry.message]
                if index % 4 == 0 { messages += [good[index / 4 % good.count]] }
            }
            messages += [nil] + good
            try stream.produce(messages, settings: ["message.max.bytes": "4000000"])
            let errors = try stream.run(Self.nodes, messages: messages.count)

            let letters = try stream.letters()
            #expect(letters.count == bad.count, "\(letters.map { "\($0.offset) \($0.reason)" })")
            for (letter, entry) in zip(letters, bad) {
                #expect(messages[Int(letter.offset)] == entry.message, "\(letter.reason)")
                #expect(letter.payload == Array(entry.message.prefix(4_096)), "\(letter.reason)")
                #expect(letter.reason.contains(entry.reason), "\(letter.reason), expected \(entry.reason)")
            }
            let ledger = try stream.ledger()
            let sent = Int64(messages.count)
            #expect(ledger.read == sent && ledger.dead == Int64(bad.count) && ledger.filtered == 2)
            #expect(ledger.applied == sent - 2 - Int64(bad.count))
            let last = try stream.database.query("SELECT number, amount FROM counts WHERE name = 'last'")
            #expect(try last.rowCount == 1 && last.int64(0, 0) == .max && last.double(0, 1) == 1e308)
            #expect(try stream.database.number("SELECT count(*) FROM counts WHERE name = 'early'") == 0)
            let names = "SELECT count(*) FROM counts WHERE name IN ('ancient', 'future')"
            #expect(try stream.database.number(names) == 2)
            #expect(!errors.contains("ERROR"), "\(errors)")
        }
    }

    @Test func timestampsOfMessagesMayBeAnything() async throws {
        try await onOwnThread {
            let stream = try HostileStream("hostile_times")
            for time in [Int64.max, Int64.max / 1_000, 253_402_300_800_000, 1] {
                try stream.produce([Self.document(#""name": "a""#), Array("bad".utf8)], timestamp: time)
            }
            try stream.run(Self.nodes, messages: 8)
            let letters = try stream.letters()
            #expect(letters.count == 4)
            #expect(letters.map { $0.time != nil } == [false, false, false, true])
            let ledger = try stream.ledger()
            #expect(ledger.read == 8 && ledger.applied == 4 && ledger.dead == 4)
        }
    }

    /// Letters can be counted by what is wrong with them, wherever in its record it is.
    @Test func lettersAreCountedByTheirCause() async throws {
        try await onOwnThread {
            let stream = try HostileStream("hostile_causes")
            let bad = [
                Self.document(#""number": "12""#), Self.document(#""name": "a", "number": "12""#),
                Self.document(#""amount": true"#), Array("nonsense".utf8),
            ]
            try stream.produce(bad, key: "player-7")
            try stream.produce([Self.document(#""name": 5"#)])
            try stream.run(Self.nodes, messages: 5)
            let rows = try stream.database.query(
                """
                SELECT cause, node, field, found, count(*), count(DISTINCT reason), min(convert_from(key, 'UTF8')),
                    bool_and(written_at BETWEEN now() - interval '1 hour' AND now())
                FROM millrace.dead_letters GROUP BY cause, node, field, found ORDER BY cause, field
                """)
            let found = try (0..<rows.rowCount).map { row in
                try [0, 1, 2, 3, 6].map { try rows.text(row, $0) ?? "-" }.joined(separator: " ")
                    + " \(rows.int64(row, 4) ?? 0) \(rows.int64(row, 5) ?? 0) \(rows.bool(row, 7) ?? false)"
            }
            #expect(
                found == [
                    "invalid_literal records - - player-7 1 1 true",
                    "wrong_type records amount true player-7 1 1 true",
                    "wrong_type records name 5 - 1 1 true",
                    #"wrong_type records number "12" player-7 2 2 true"#,
                ])
        }
    }

    @Test func badLinesAmongGoodOnesAreNamedByTheirLine() async throws {
        try await onOwnThread {
            let good = #"{"ts": "2026-01-01T00:00:00Z", "name": "a"}"#
            let messages = [
                [good, "{", good, "", "  ", "nonsense", good].joined(separator: "\n"),
                [good, good].joined(separator: "\r\n"),
                "\n\n" + ["[1", good, "\"\\ud800\"", ""].joined(separator: "\n"),
                "", "\n",
                (0..<100).map { $0 % 10 == 3 ? "bad \($0)" : good }.joined(separator: "\n") + "\n",
            ]
            let stream = try HostileStream("hostile_lines")
            try stream.produce(messages.map { Array($0.utf8) })
            try stream.run(Self.nodes, source: "format: lines", messages: messages.count)
            let letters = try stream.letters()
            let places = letters.map { "\($0.offset):\($0.line) \(String(decoding: $0.payload, as: UTF8.self))" }
            let many = (0..<10).map { "5:\($0 * 10 + 3) bad \($0 * 10 + 3)" }
            #expect(places == ["0:1 {", "0:5 nonsense", "2:2 [1", "2:4 \"\\ud800\""] + many)
            let ledger = try stream.ledger()
            #expect(ledger.next == 6 && ledger.read == 5 + 2 + 3 + 100, "\(ledger)")
            #expect(ledger.dead == 14 && ledger.applied == 96)
        }
    }
}
