import Foundation
import Testing

/// `millrace try`: what a person sees of a sample.
@Suite struct TryTests {
    private static let topology = """
        topology: t
        nodes:
          events:
            kafka: { brokers: "${NO_SUCH_BROKERS}", topics: [a] }
          records:
            from: events
            parse_json:
              event_time: ts
              fields: { ts: timestamp, kind: text, size: integer, never: text }
          big: { from: records, filter: "size > 1" }
          kpi:
            from: big
            summarize: { window: 1m, by: [kind], metrics: { n: count(), total: sum(size) } }
          kpi_minute:
            from: kpi
            postgres: { url: "${NO_SUCH_DATABASE}", table: kpi_minute }
        """

    private static let sample = [
        #"{"ts": "2026-01-01T00:00:00Z", "kind": "a\"b", "size": 2}"#,
        #"{"ts": "2026-01-01T00:00:59Z", "kind": "a\"b", "size": 5}"#,
        #"{"ts": "2026-01-01T00:00:59Z", "kind": "c", "size": 1}"#,
        #"{"ts": "2026-01-01T00:00:59Z", "kind": "c", "size": "1"}"#,
        #"{"ts": "2026-01-01T00:01:00Z", "size": 9}"#,
    ].joined(separator: "\n")

    private static func run(_ options: [String] = [], topology: String = topology, sample: String = sample) throws
        -> Complaint
    {
        let folder = try TopologyFolder()
        let events = try folder.file(named: "events.ndjson", sample)
        let path = try folder.file(named: "t.yaml", topology)
        return try Complaint.of(["try", path, "--events", events] + options)
    }

    @Test func aSampleIsShownNodeByNodeWithoutKafkaAndPostgres() async throws {
        try await onOwnThread {
            let complaint = try Self.run()
            #expect(complaint.exit == .code(0), "\(complaint.text)")
            let nodes = """
                 node    | records in | records out | groups\u{20}
                ---------+------------+-------------+--------
                 records |          5 |           4 |      -\u{20}
                 big     |          4 |           3 |      -\u{20}
                 kpi     |          3 |           - |      2\u{20}
                """
            #expect(complaint.output.hasPrefix(nodes), "\(complaint.output)")
            let table = """
                kpi_minute: 2 rows
                 window_start         | kind | n | total\u{20}
                ----------------------+------+---+-------
                 2026-01-01T00:00:00Z | a"b  | 2 |     7\u{20}
                 2026-01-01T00:01:00Z |      | 1 |     9\u{20}
                """
            #expect(complaint.output.contains(table), "\(complaint.output)")
            #expect(complaint.output.contains("dead letters: 1\n  "))
            #expect(
                complaint.output.contains("events.ndjson:4: size at byte 52: wrong type, found text"),
                "\(complaint.output)")
            #expect(
                complaint.output.hasSuffix(
                    """

                    remarks
                      the field never of records was absent in all 4 records; keys seen there: ts, kind, size; correct its \
                    path, or leave it out

                    """), "\(complaint.output)")
        }
    }

    /// As programs on Windows save text.
    @Test func aByteOrderMarkCostsNoRecord() async throws {
        try await onOwnThread {
            let complaint = try Self.run(["--fail-on-dead"], sample: "\u{feff}" + #"{"ts": "2026-01-01T00:00:00Z"}"#)
            #expect(complaint.exit == .code(0), "\(complaint.text)")
            #expect(complaint.output.contains(" records |          1 |           1 |"), "\(complaint.output)")
            #expect(complaint.output.contains("keys seen there: ts"), "\(complaint.output)")
        }
    }

    @Test func deadLettersFailIfWanted() async throws {
        try await onOwnThread {
            #expect(try Self.run(["--fail-on-dead"]).exit == .code(1))
            #expect(try Self.run(["--fail-on-dead"], sample: #"{"ts": "2026-01-01T00:00:00Z"}"#).exit == .code(0))
            try Self.run(sample: "nonsense\n").expect(
                .code(1), "all records are dead letters, ", " at node records; does parse_json declare what they hold?")
        }
    }

    /// A text that rings the bell does not, and the first line of a file has a number as others have.
    @Test func whatATerminalWouldObeyIsEscaped() async throws {
        try await onOwnThread {
            let sample =
                "nonsense\n" + #"{"ts": "2026-01-01T00:00:00Z", "kind": "a\u0007\u001b[2J", "size": 2}"# + "\n-\n"
            let output = try Self.run(sample: sample).output
            #expect(output.contains("a\\u{07}\\u{1B}[2J"), "\(output)")
            #expect(!output.contains("\u{7}") && !output.contains("\u{1B}"), "\(output)")
            #expect(output.contains("events.ndjson:1: ") && output.contains("events.ndjson:3: "), "\(output)")
        }
    }

    /// What is too late is refused, and no dead letter.
    @Test func refusedRecordsAreCountedApart() async throws {
        try await onOwnThread {
            let topology = Self.topology.replacing("window: 1m,", with: "window: 1m, too_early: 1d, too_late: 1h,")
            let times = (0..<200).map { String(format: "2026-01-01T%02d:%02d:00Z", $0 / 60, $0 % 60) }
            let sample = (times + ["2025-12-31T00:00:00Z"]).map { "{\"ts\": \"\($0)\", \"size\": 2}" } + ["nonsense"]
            let complaint = try Self.run(topology: topology, sample: sample.joined(separator: "\n") + "\n")
            #expect(complaint.exit == .code(0), "\(complaint.text)")
            #expect(complaint.output.contains("dead letters: 1, refused records: 1\n  "), "\(complaint.output)")
        }
    }

    /// A sample has no messages, and so no values of theirs.
    @Test func valuesOfMessagesAreSaidToBeMissing() async throws {
        try await onOwnThread {
            let topology = Self.topology.replacing(
                "ts: timestamp,",
                with: "ts: { from: message.timestamp, type: timestamp }, user: { from: message.key, type: text }, "
                    + "at: { from: message.offset, type: integer },")
            let remark =
                "values of messages are null in a sample, which has none: ts (message.timestamp), "
                + "user (message.key) of records; to try them, `millrace produce` puts the sample into a topic"
            let complaint = try Self.run(topology: topology)
            complaint.expect(
                .code(1),
                "all records are dead letters, missing_required at node records, field ts, of 4, and 1 other "
                    + "cause(s); it is message.timestamp, which lines of files do not have")
            #expect(complaint.output.contains(remark), "\(complaint.output)")

            let keys = Self.topology.replacing("never: text", with: "never: { from: message.key, type: text }")
            let kept = try Self.run(topology: keys)
            #expect(kept.exit == .code(0) && kept.output.contains(": never (message.key) of records; to try"))
        }
    }

    /// Letters of another node than `parse_json` are not blamed on it.
    @Test func allLettersOfAnotherNodeAreItsOwn() async throws {
        try await onOwnThread {
            let topology = Self.topology.replacing(
                "  big: { from: records, filter: \"size > 1\" }",
                with: "  big: { from: records, exec: { command: \"exit 3\", mode: batch, tries: 1, add: { x: text } } }"
            )
            let complaint = try Self.run(topology: topology, sample: #"{"ts": "2026-01-01T00:00:00Z", "size": 2}"#)
            complaint.expect(.code(1), "millrace: all records are dead letters, ", " at node big")
            #expect(!complaint.errors.contains("parse_json"), "\(complaint.errors)")
        }
    }

    @Test func rowsAndLettersAreLimited() async throws {
        try await onOwnThread {
            let output = try Self.run(["--rows", "1", "--dead-letters", "0"]).output
            #expect(output.contains("kpi_minute: 2 rows, the first 1 of them\n"), "\(output)")
            #expect(output.contains("dead letters: 1\n") && !output.contains("wrong type"), "\(output)")
        }
    }

    @Test func variablesOfOtherNodesMustBeSet() async throws {
        try await onOwnThread {
            let topology = Self.topology.replacing("size > 1", with: "size > ${NO_SUCH_SIZE}")
            try Self.run(topology: topology).expect(
                .code(1), "t.yaml:10:", "error[missing-variable]: the environment variable NO_SUCH_SIZE is not set")
            // Those of sources need not be, also where the variable is all that stands behind the node's type.
            let source = #"kafka: { brokers: "${NO_SUCH_BROKERS}", topics: [a] }"#
            let file = try Self.run(topology: Self.topology.replacing(source, with: #"file: "${NO_SUCH_FILE}""#))
            #expect(file.exit == .code(0), "\(file.text)")
        }
    }

    @Test func everySourceNeedsItsSample() async throws {
        try await onOwnThread {
            let topology = Self.topology.replacing(
                "  records:\n    from: events", with: "  old: { file: old.ndjson }\n  records:\n    from: [events, old]"
            )
            let folder = try TopologyFolder()
            let path = try folder.file(named: "t.yaml", topology)
            let (one, two) = try (folder.file(named: "1", Self.sample), folder.file(named: "2", Self.sample))
            let both = try Complaint.of(["try", path, "--events", "old=\(one)", "--events", "events=\(two)"])
            #expect(both.exit == .code(0), "\(both.text)")
            #expect(both.output.contains(" records |         10 |"), "\(both.output)")
            try Complaint.of(["try", path, "--events", "old=\(one)"]).expect(
                .code(64), "--events: missing for events, expected NODE=PATH for each source")
            try Complaint.of(["try", path, "--events", one]).expect(
                .code(64), "expected NODE=PATH, with one of the sources")
        }
    }

    @Test func aRunCanFailOnDeadLettersToo() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let events = try folder.file(named: "events.ndjson", Self.sample)
            let topology = Self.topology.replacing(
                "kafka: { brokers: \"${NO_SUCH_BROKERS}\", topics: [a] }", with: "file: \"\(events)\""
            ).replacing("postgres: { url: \"${NO_SUCH_DATABASE}\", table: kpi_minute }", with: "console: {}")
            let path = try folder.file(named: "t.yaml", topology)
            try Complaint.of(["run", path, "--fail-on-dead", "--progress", "none"]).expect(
                .code(1), "millrace: topology t made 1 dead letters")
        }
    }
}
