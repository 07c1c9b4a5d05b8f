import Foundation
import Postgres
import Testing

/// Grouping sets in a real table: what its rows look like, and what the database may do to them.
@Suite(.serialized) struct GroupingSetsTests {
    private static func nodes(_ sets: String, metrics: String = "{ events: count(), amount: sum(amount) }") -> String {
        """
          records:
            from: events
            parse_json:
              event_time: ts
              fields: { ts: timestamp, event: text, country: text, amount: integer }
          kpi:
            from: records
            summarize: { window: 1h, grouping_sets: \(sets), metrics: \(metrics) }
          table:
            from: kpi
            postgres: { url: "${DATABASE_URL}", table: kpi }
        """
    }

    private static func events(_ count: Int) -> [String] {
        (0..<count).map { number in
            let country = ["\"DE\"", "\"XX\"", "null", "\"FR\""][number % 4]
            return """
                {"ts": "2026-03-01T0\(number % 3):00:00Z", "event": "e\(number % 2)", "country": \(country), "amount": 1}
                """
        }
    }

    /// Runs a topology over the lines of a file.
    private static func run(_ lines: [String], _ nodes: String, _ database: TestDatabase) throws -> Complaint {
        let folder = try TopologyFolder()
        let path = try folder.file(named: "\(UUID().uuidString).ndjson", lines.joined(separator: "\n"))
        let topology = "topology: sets\nnodes:\n  events:\n    file: { paths: [\"\(path)\"], copies: count }\n" + nodes
        return try Complaint.of(
            ["run", try folder.file(topology), "--progress", "none"], environment: ["DATABASE_URL": database.url])
    }

    private static func lines(_ database: TestDatabase, _ query: String) throws -> [String] {
        let rows = try database.query("SELECT r::text FROM (\(query)) r")
        return try (0..<rows.rowCount).map { try rows.text($0, 0) ?? "" }
    }

    @Test func nullIsToldApartFromAll() async throws {
        try await onOwnThread {
            let database = try TestDatabase("sets_null")
            let nodes = Self.nodes("[[event, country], [country], [event], []]")
            // Twice, so that the rows are made once and merged once.
            for count in [1_200, 600] {
                let complaint = try Self.run(Self.events(count), nodes, database)
                #expect(complaint.exit == .code(0), "\(complaint.errors)")
            }
            let sums = "sum(events)::bigint AS events, sum(amount) AS amount"
            #expect(
                try Self.lines(
                    database,
                    "SELECT grouping_set, event, country, \(sums) FROM kpi GROUP BY 1, 2, 3 ORDER BY 1, 2, 3") == [
                        "(\"()\",,,1800,1800)", "(country,,DE,450,450)", "(country,,FR,450,450)",
                        "(country,,XX,450,450)",
                        "(country,,,450,450)", "(event,e0,,900,900)", "(event,e1,,900,900)",
                        "(\"event,country\",e0,DE,450,450)", "(\"event,country\",e0,,450,450)",
                        "(\"event,country\",e1,FR,450,450)", "(\"event,country\",e1,XX,450,450)",
                    ])
            // The windows are apart, and every set adds up in each.
            #expect(
                try Self.lines(
                    database,
                    """
                    SELECT DISTINCT to_char(window_start AT TIME ZONE 'UTC', 'HH24') AS hour, sum(events)::bigint
                    FROM kpi GROUP BY grouping_set, window_start ORDER BY 1
                    """) == ["(00,600)", "(01,600)", "(02,600)"])
            #expect(
                try Self.lines(
                    database,
                    "SELECT encode(group_key, 'hex') FROM kpi WHERE country IS NULL GROUP BY 1 ORDER BY 1")
                    == ["(0165300000)", "(0165300002)", "(0165310002)", "(0200)", "(0202)"])
        }
    }

    @Test func theNameStandsBesideTheWindowAndIsNeverNull() async throws {
        try await onOwnThread {
            let database = try TestDatabase("sets_columns")
            #expect(try Self.run(Self.events(10), Self.nodes("[[event], []]"), database).exit == .code(0))
            let columns = """
                SELECT column_name, data_type, collation_name, is_nullable FROM information_schema.columns
                WHERE table_name = 'kpi' ORDER BY ordinal_position LIMIT 3
                """
            #expect(
                try Self.lines(database, columns) == [
                    "(window_start,\"timestamp with time zone\",,NO)", "(grouping_set,text,C,NO)",
                    "(event,text,C,YES)",
                ])
            // Other sets mean other rows: the table is not theirs.
            let other = try Self.run(Self.events(10), Self.nodes("[[event]]"), database)
            #expect(other.exit == .code(1) && other.errors.contains("kpi"), "\(other.errors)")
        }
    }

    @Test func aRefusedGroupOfADerivedSetTakesItsRecordsOutOfAllSets() async throws {
        try await onOwnThread {
            let database = try TestDatabase("sets_refused")
            let nodes = Self.nodes("[[event, country], [event], [country], []]")
            #expect(try Self.run([], nodes, database).exit == .code(0))
            // Only rows of a derived set are refused; the finer ones would do.
            _ = try database.query(
                "ALTER TABLE kpi ADD CHECK (grouping_set <> 'country' OR country IS NULL OR country <> 'XX')")
            let complaint = try Self.run(Self.events(1_200), nodes, database)
            #expect(complaint.exit == .code(0), "\(complaint.errors)")
            #expect(
                try Self.lines(
                    database, "SELECT grouping_set, sum(events)::bigint, min(events) > 0 FROM kpi GROUP BY 1 ORDER BY 1"
                )
                    == ["(\"()\",900,t)", "(country,900,t)", "(event,900,t)", "(\"event,country\",900,t)"])
            #expect(try database.number("SELECT count(*) FROM kpi WHERE country = 'XX'") == 0)
            #expect(
                try database.number(
                    "SELECT count(*) FROM millrace.dead_letters WHERE cause = 'refused_row' AND found = '23514'")
                    == 300)
            let ledger = try Ledger(of: database)
            #expect(ledger.dead == 300 && ledger.problems(messages: nil, records: 1_200).isEmpty)
        }
    }

    @Test func theConsoleNamesTheSetAndOnlyItsFields() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let path = try folder.file(named: "events.ndjson", Self.events(1_200).joined(separator: "\n"))
            let topology = """
                topology: shown
                nodes:
                  events:
                    file: "\(path)"
                  records:
                    from: events
                    parse_json: { fields: { event: text, country: text } }
                  kpi:
                    from: records
                    summarize: { grouping_sets: [[event, country], [country], []], metrics: { events: count() } }
                  show:
                    from: kpi
                    console: {}
                """
            let complaint = try Complaint.of(["run", try folder.file(topology), "--progress", "none"])
            #expect(complaint.exit == .code(0), "\(complaint.errors)")
            #expect(
                complaint.output.split(separator: "\n").suffix(9) == [
                    #"{"grouping_set": "event,country", "event": "e0", "country": null, "events": 300}"#,
                    #"{"grouping_set": "event,country", "event": "e0", "country": "DE", "events": 300}"#,
                    #"{"grouping_set": "event,country", "event": "e1", "country": "FR", "events": 300}"#,
                    #"{"grouping_set": "event,country", "event": "e1", "country": "XX", "events": 300}"#,
                    #"{"grouping_set": "country", "country": null, "events": 300}"#,
                    #"{"grouping_set": "country", "country": "DE", "events": 300}"#,
                    #"{"grouping_set": "country", "country": "FR", "events": 300}"#,
                    #"{"grouping_set": "country", "country": "XX", "events": 300}"#,
                    #"{"grouping_set": "()", "events": 1200}"#,
                ])
        }
    }
}
