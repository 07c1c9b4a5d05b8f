import Foundation
import Platform
import Postgres
import Testing

/// Windows of all kinds in real tables, compared with what Postgres makes of the raw events.
@Suite(.serialized) struct WindowsTests {
    private static let zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]

    private static func topology(_ path: String, _ tables: String) -> String {
        """
        topology: spans
        nodes:
          events:
            file: { paths: ["\(path)"] }
          records:
            from: events
            parse_json:
              event_time: ts
              fields: { ts: timestamp, kind: text, tz: text, v: integer }
          spans:
            from: records
            summarize:
              windows:
                - 1m
                - { size: 10m, every: 5m }
                - { size: 1 day, zone: tz }
                - { size: 1 week, zone: Europe/Berlin }
                - { size: 1 quarter, zone: tz }
              rollup: [kind]
              metrics: { n: count(), total: sum(v), top: max(v), latest: last(v), small: "share_below(v, 500)" }
          table:
            from: spans
            postgres: { url: "${DATABASE_URL}", \(tables) }
        """
    }

    /// Events around both changes of the clock of a year, no two at one time.
    private static func events(_ count: Int) -> [String] {
        var random = SeededRandom(seed: 2026)
        let formatter = ISO8601DateFormatter()
        return (0..<count).map { number in
            // 2026-03-29T01:00Z and 2026-10-25T01:00Z; New York and Lord Howe change within some weeks of them.
            let centre = random.chance(50) ? 1_774_746_000 : 1_792_890_000
            let distance = Int.random(in: 0..<(random.chance(50) ? 15_000 : 2_000_000), using: &random)
            let second = centre + (random.chance(50) ? distance : -distance)
            let time = formatter.string(from: Date(timeIntervalSince1970: Double(second))).dropLast()
            let zone = zones.randomElement(using: &random) ?? ""
            return """
                {"ts": "\(time).\(String(format: "%06d", number))Z", "kind": "k\(number % 3)", "tz": "\(zone)", "v": \(number % 997)}
                """
        }
    }

    private static func run(
        _ lines: [String], _ tables: String, _ database: TestDatabase, _ settings: String = ""
    ) throws -> Complaint {
        let folder = try TopologyFolder()
        let path = try folder.file(named: "events.ndjson", lines.joined(separator: "\n") + "\n")
        let file = try folder.file(settings + topology(path, tables))
        return try Complaint.of(["run", file, "--progress", "none"], environment: ["DATABASE_URL": database.url])
    }

    /// What the raw events come to in Postgres: a row for each window and set, with the same columns.
    private static let oracle = """
        WITH placed AS (
            SELECT e.*, w.* FROM events e CROSS JOIN LATERAL (
                SELECT '1m' AS window_size, date_trunc('minute', ts) AS window_start
                UNION ALL SELECT '10m', s FROM generate_series(
                    to_timestamp(floor(extract(epoch FROM ts) / 300) * 300) - interval '5 minutes', ts, '5 minutes') s
                UNION ALL SELECT '1 day', date_trunc('day', ts, tz)
                UNION ALL SELECT '1 week', date_trunc('week', ts, 'Europe/Berlin')
                UNION ALL SELECT '1 quarter', date_trunc('quarter', ts, tz)) w)
        SELECT window_size, window_start, CASE WHEN grouping(kind) = 1 THEN '()' ELSE 'kind' END AS grouping_set, kind,
            count(*) AS n, sum(v)::numeric AS total, max(v) AS top, (array_agg(v ORDER BY ts DESC))[1] AS latest,
            count(*) FILTER (WHERE v < 500)::float8 / count(*) AS small
        FROM placed GROUP BY window_size, window_start, ROLLUP (kind)
        """
    private static let columns = "window_start, grouping_set, kind, n, total, top, latest, small"

    private static func load(_ lines: [String], _ database: TestDatabase) throws {
        _ = try database.query("CREATE TABLE events (ts timestamptz, kind text, tz text, v bigint)")
        var documents = ArrayBuilder(.text)
        for line in lines { documents.append(line) }
        var connection = try Connection.connect(ConnectionSettings(url: database.url), deadline: .now + .seconds(20))
        try connection.query(
            """
            INSERT INTO events SELECT r.* FROM unnest($1::text[]) d,
                json_to_record(d::json) AS r(ts timestamptz, kind text, tz text, v bigint)
            """, [.array(documents)])
    }

    /// How many rows are in one and not in the other.
    private static func differences(_ left: String, _ right: String, _ database: TestDatabase) throws -> Int64 {
        try database.number(
            "SELECT count(*) FROM ((\(left) EXCEPT \(right)) UNION ALL (\(right) EXCEPT \(left))) d")
    }

    @Test func oneTableHoldsWhatPostgresMakesOfTheEvents() async throws {
        try await onOwnThread {
            let database = try TestDatabase("windows_one")
            let events = Self.events(4_000)
            let bad = [
                #"{"ts": "2026-05-01T00:00:00Z", "kind": "k0", "tz": "Europe/Berlni", "v": 1}"#,
                #"{"ts": "2026-05-01T00:00:00Z", "kind": "k0", "v": 1}"#,
            ]
            // Small batches and many commits: most rows are merged with stored ones.
            let complaint = try Self.run(
                events + bad, "table: spans", database,
                "batch_messages: 100\nbatch_bytes: 16KiB\ncommit_interval: 20ms\n")
            #expect(complaint.exit == .code(0), "\(complaint.errors)")
            try Self.load(events, database)
            let found = "SELECT window_size, \(Self.columns) FROM spans"
            let oracle = "SELECT * FROM (\(Self.oracle)) o"
            #expect(try Self.differences(found, oracle, database) == 0)
            #expect(try database.number("SELECT count(DISTINCT window_size) FROM spans") == 5)
            #expect(try database.number("SELECT count(*) FROM spans WHERE window_size = '1 day'") > 100)
            #expect(
                try database.number(
                    "SELECT count(*) FROM millrace.dead_letters WHERE cause = 'unknown_zone' AND node = 'spans' AND field = 'tz'"
                ) == 2)
            // The canary.
            _ = try database.query("UPDATE spans SET n = n + 1 WHERE window_size = '1 week' AND grouping_set = '()'")
            #expect(try Self.differences(found, oracle, database) > 1)
        }
    }

    @Test func aTableForEachWindowHoldsItsRowsAlone() async throws {
        try await onOwnThread {
            let database = try TestDatabase("windows_each")
            let events = Self.events(2_000)
            let tables = "tables: { 1m: minutes, 10m: tens, 1 day: days, 1 week: weeks, 1 quarter: quarters }"
            let complaint = try Self.run(events, tables, database)
            #expect(complaint.exit == .code(0), "\(complaint.errors)")
            try Self.load(events, database)
            for (name, table) in [
                ("1m", "minutes"), ("10m", "tens"), ("1 day", "days"), ("1 week", "weeks"), ("1 quarter", "quarters"),
            ] {
                let expected = "SELECT \(Self.columns) FROM (\(Self.oracle)) o WHERE window_size = '\(name)'"
                #expect(
                    try Self.differences("SELECT \(Self.columns) FROM \(table)", expected, database) == 0, "\(table)")
            }
            #expect(
                try database.number(
                    "SELECT count(*) FROM information_schema.columns WHERE column_name = 'window_size'") == 0)
            // What a table remembers is its own window.
            #expect(
                try database.number(
                    """
                    SELECT count(*) FROM millrace.tables WHERE (table_name, split_part(definition, E'\\n', 1)) IN (
                        ('minutes', 'window: 1m'), ('tens', 'window: 10m every 5m'),
                        ('days', 'window: 1 day in the zone of tz'), ('weeks', 'window: 1 week in Europe/Berlin'),
                        ('quarters', 'window: 1 quarter in the zone of tz'))
                    """) == 5)
        }
    }
}
