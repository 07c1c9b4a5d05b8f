import Postgres
import Testing

/// Nodes that group alike are counted as one, and write what each would write alone.
@Suite(.serialized) struct SharedSummariesTests {
    private static func topology(_ path: String, _ nodes: [String: String]) -> String {
        let stages = nodes.sorted { $0.key < $1.key }.map { name, summary in
            """
              \(name):
                from: shaped
                summarize: { \(summary) }
              \(name)_table: { from: \(name), postgres: { url: "${DATABASE_URL}", table: \(name) } }
            """
        }
        return """
            topology: shared
            nodes:
              events: { file: { paths: ["\(path)"] } }
              records:
                from: events
                parse_json:
                  event_time: ts
                  fields: { ts: timestamp, event: text, country: text, user: text, v: integer }
              shaped: { from: records, derive: { half: "v / 2" } }
            \(stages.joined(separator: "\n"))
            """
    }

    private static let metrics =
        "n: count(), users: uniques(user), total: sum(v), top: \"top(user, 3)\", final: last(v)"
    private static let finest = "window: 1h, by: [event, country], metrics:"
    /// Some that group alike, and some whose rows are made of theirs.
    private static let nodes = [
        "a": "\(finest) { \(metrics) }", "b": "\(finest) { \(metrics) }",
        "c": "\(finest) { final: last(v), big: { metric: count(), where: \"v > 500\" }, people: uniques(user) }",
        "d": "\(finest) { big: { metric: count(), where: \"v > 500\" }, p: \"percentiles(half, 50, 95)\" }",
        "e": "window: { size: 1 day, zone: Europe/Berlin }, by: [country], metrics: { \(metrics) }",
        "f": "windows: [2h, 1d], rollup: [country, event], metrics: { last: last(v), n: count() }",
    ]

    /// - Parameter folder: where the events lie: the same ones are read again only where they lie still.
    private static func run(
        _ nodes: [String: String], _ database: TestDatabase, events: Int, in folder: TopologyFolder
    ) throws -> Complaint {
        let lines = (0..<events).map { number in
            let hour = "2026-05-0\(1 + number % 3)T0\(number % 7):00:00Z"
            let country = number % 5 == 0 ? "null" : "\"c\(number % 4)\""
            return """
                {"ts": "\(hour)", "event": "e\(number % 2)", "country": \(country), "user": "u\(number % 91)", "v": \(number % 997)}
                """
        }
        let path = try folder.file(named: "events.ndjson", lines.joined(separator: "\n") + "\n")
        let file = try folder.file(topology(path, nodes))
        return try Complaint.of(
            ["run", file, "--progress", "none", "--workers", "3"], environment: ["DATABASE_URL": database.url])
    }

    private static func rows(_ table: String, _ database: TestDatabase) throws -> [String?] {
        let found = try database.query(
            "SELECT to_jsonb(t)::text || encode(group_key, 'hex') FROM \(table) t ORDER BY 1")
        return try (0..<found.rowCount).map { try found.text($0, 0) }
    }

    @Test func eachTableIsWhatItWouldBeAlone() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let together = try TestDatabase("shared_together")
            let complaint = try Self.run(Self.nodes, together, events: 6_000, in: folder)
            #expect(complaint.exit == .code(0), "\(complaint.errors)")
            for (name, summary) in Self.nodes {
                let alone = try TestDatabase("shared_alone_\(name)")
                #expect(try Self.run([name: summary], alone, events: 6_000, in: folder).exit == .code(0))
                let rows = try Self.rows(name, together)
                #expect(rows.count >= 15)
                #expect(try rows == Self.rows(name, alone), "\(name)")
            }
        }
    }

    /// What the database refuses one of them is a dead letter of that one, and the others have it.
    @Test func aRowThatOneIsRefusedIsCountedByTheOthers() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let database = try TestDatabase("shared_refused")
            #expect(try Self.run(Self.nodes, database, events: 0, in: folder).exit == .code(0))
            _ = try database.query("ALTER TABLE b ADD CHECK (country <> 'c1')")
            let complaint = try Self.run(Self.nodes, database, events: 4_000, in: folder)
            #expect(complaint.exit == .code(0), "\(complaint.errors)")
            let refused = try database.number("SELECT sum(n)::bigint FROM a WHERE country = 'c1'")
            #expect(refused == 800)
            #expect(try database.number("SELECT sum(n)::bigint FROM a") == 4_000)
            #expect(try database.number("SELECT sum(n)::bigint FROM b") == 4_000 - refused)
            #expect(try database.number("SELECT sum(n)::bigint FROM e") == 4_000)
            let causes = try database.query("SELECT node, cause, count(*) FROM millrace.dead_letters GROUP BY 1, 2")
            let (node, cause) = (try causes.text(0, 0), try causes.text(0, 1))
            #expect(causes.rowCount == 1 && node == "b_table" && cause == "refused_row")
            #expect(try causes.int64(0, 2) == refused)
        }
    }
}
