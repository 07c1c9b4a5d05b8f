import Foundation
import Platform
import Testing

/// Dimensions in a real Postgres, joined to events of a real log, by real processes.
@Suite struct LookupTests {
    private static let summary = [
        TableDump.Part.summary("kpi", hasWindow: true), TableDump.Part.deadLetters,
    ]

    /// A topology that joins the events of a topic to `items_dim` and counts by what it finds.
    static func topology(
        _ log: IdentityLog, _ name: String, lookup: String, settings: String = ""
    ) -> String {
        """
        topology: joined
        \(settings)nodes:
          events:
            kafka:
              brokers: "${BROKERS}"
              topics: [\(log.topic)]
              group: \(log.topic).\(name)
              start: earliest
              settings:
                session.timeout.ms: "\(log.stand.sessionTimeout.milliseconds)"
                heartbeat.interval.ms: "\(log.stand.sessionTimeout.milliseconds / 10)"
          records:
            from: events
            parse_json:
              event_time: ts
              fields: { ts: timestamp, event: text, user: text, item: text, revenue: decimal(2) }
          named: { from: records, lookup: { \(lookup) } }
          kpi:
            from: named
            summarize:
              window: 1m
              by: [category, event]
              metrics: { events: count(), users: uniques(user), revenue: sum(revenue), makers: uniques(maker), weight: sum(weight) }
          kpi_table: { from: kpi, postgres: { url: "${DATABASE_URL}", table: kpi } }

        """
    }

    static let plain =
        "table: items_dim, on: { item: id }, add: { category: text, maker: text, weight: integer }"
    private static let asOf = plain + ", as_of: event, valid_from: since, valid_to: until"

    static func start(_ log: IdentityLog, _ topology: String, _ database: TestDatabase) throws
        -> MillraceProcess
    {
        try MillraceProcess(
            topology: topology, environment: ["BROKERS": log.stand.bootstrapServers, "DATABASE_URL": database.url])
    }

    /// The items that the log's events name.
    private static func items(_ log: IdentityLog) -> [String] {
        var found: Set<String> = []
        for event in log.log.events {
            let object = try? JSONSerialization.jsonObject(with: Data(event)) as? [String: Any]
            if let item = object?["item"] as? String { found.insert(item) }
        }
        return found.sorted()
    }

    /// A dimension of all items of the log; with `versions` several rows each, one after the other.
    static func fillDimension(
        _ database: TestDatabase, _ log: IdentityLog, versions: Int = 1, others: Int = 0
    ) throws {
        let items = items(log).enumerated().map { "(\($0), '\($1)')" }.joined(separator: ", ")
        // The events are of one minute or so around midnight.
        let moment = "timestamptz '2026-02-28 23:59:50+00' + make_interval(secs => (v + %) * 12 + i % 7)"
        _ = try database.query(
            """
            CREATE TABLE items_dim AS
            SELECT id, 'category ' || (i * 7 + v * 3) % 11 AS category, 'maker ' || (i + v) % 97 AS maker,
                (i % 5 + v)::bigint AS weight,
                CASE WHEN v > 0 THEN \(moment.replacing("+ %", with: "+ 0")) END AS since,
                CASE WHEN v < \(versions - 1) THEN \(moment.replacing("+ %", with: "+ 1")) END AS until
            FROM (VALUES \(items)) AS item(i, id), generate_series(0, \(versions - 1)) v
            """)
        _ = try database.query(
            """
            INSERT INTO items_dim SELECT 'other-' || i, 'none', 'none', 0, NULL, NULL
            FROM generate_series(1, \(others)) i
            """)
    }

    static func outcome(_ database: TestDatabase, _ log: IdentityLog) throws -> IdentityOutcome {
        try IdentityOutcome(database, messages: log.count, parts: summary + [.ledger])
    }

    static func run(
        _ log: IdentityLog, _ name: String, instances: Int = 1, lookup: String, settings: String = "",
        versions: Int = 1
    ) throws -> IdentityOutcome {
        let database = try TestDatabase("\(name)_\(log.topic.suffix(8).filter(\.isHexDigit))")
        try fillDimension(database, log, versions: versions)
        let text = topology(log, name, lookup: lookup, settings: settings)
        let processes = try (0..<instances).map { _ in try start(log, text, database) }
        try database.waitUntilRead(log.count, by: processes)
        try stopInOrder(processes)
        return try outcome(database, log)
    }

    @Test func rowsAreWhatSQLSaysAndGenerationsStandBesideThePositions() async throws {
        try await onOwnThread {
            let log = try IdentityLog(events: 10_000, seed: 41)
            try log.fill()
            let outcome = try Self.run(log, "plain", lookup: Self.plain)
            #expect(outcome.problems == [])
            let database = outcome.database
            // What the events say, joined by Postgres.
            _ = try database.query("CREATE TABLE raw (at timestamptz, event text, item text)")
            let dead = try database.number("SELECT count(*) FROM millrace.dead_letters")
            var rows: [String] = []
            for event in log.log.events {
                guard let object = try? JSONSerialization.jsonObject(with: Data(event)) as? [String: Any],
                    let at = object["ts"] as? String, let kind = object["event"] as? String
                else { continue }
                let item = (object["item"] as? String).map { "'\($0)'" } ?? "NULL"
                rows.append("('\(at)', '\(kind)', \(item))")
            }
            for part in stride(from: 0, to: rows.count, by: 1_000) {
                _ = try database.query(
                    "INSERT INTO raw VALUES " + rows[part..<min(part + 1_000, rows.count)].joined(separator: ", "))
            }
            let total = try database.number("SELECT sum(events)::bigint FROM kpi")
            #expect(total + dead == Int64(log.count))
            // Some bad records are good JSON, so a group may have fewer than the truth; never more, and never another name.
            let differing = try database.number(
                """
                WITH truth AS (
                    SELECT date_trunc('minute', r.at) AS w, d.category, r.event, count(*) AS n, sum(d.weight) AS weight
                    FROM raw r LEFT JOIN items_dim d ON d.id = r.item GROUP BY 1, 2, 3)
                SELECT coalesce(sum(abs(coalesce(t.n, 0) - coalesce(k.events, 0))), 0)::bigint
                FROM kpi k FULL JOIN truth t
                    ON k.window_start = t.w AND k.category IS NOT DISTINCT FROM t.category AND k.event = t.event
                """)
            #expect(differing == Int64(rows.count) - total, "\(rows.count) parsed here, \(total) counted")
            #expect(
                try database.number(
                    """
                    SELECT count(*) FROM kpi k JOIN (
                        SELECT date_trunc('minute', r.at) AS w, d.category, r.event, count(*) AS n, sum(d.weight) AS weight
                        FROM raw r JOIN items_dim d ON d.id = r.item GROUP BY 1, 2, 3) t
                        ON k.window_start = t.w AND k.category = t.category AND k.event = t.event
                    WHERE k.events = t.n AND k.weight IS DISTINCT FROM t.weight
                    """) == 0)
            #expect(try database.number("SELECT count(DISTINCT category) FROM kpi") == 11)
            // One content, and all records of all partitions that have any.
            #expect(try database.number("SELECT count(*) FROM millrace.lookup_generations WHERE \"rows\" > 1000") == 1)
            let covered = try database.number(
                "SELECT sum(to_offset - from_offset)::bigint FROM millrace.lookup_ranges WHERE node = 'named'")
            #expect(covered == Int64(log.count))
            #expect(try database.number("SELECT count(*) FROM millrace.lookup_ranges") == Int64(IdentityLog.partitions))
        }
    }

    /// With `as_of: event` the tables depend on the log and the dimension alone: order, batches and instances change nothing.
    @Test func asOfEventIsTheSameHoweverTheWorkIsCutUp() async throws {
        try await onOwnThread {
            let log = try IdentityLog(events: 12_000, seed: 42)
            try log.fill()
            let clean = try Self.run(log, "clean", lookup: Self.asOf, versions: 5)
            #expect(clean.problems == [])
            #expect(try clean.database.number("SELECT count(DISTINCT category) FROM kpi") == 11)
            let again = try Self.run(log, "again", lookup: Self.asOf, versions: 5)
            let cut = try Self.run(
                log, "cut", lookup: Self.asOf + ", every: 1s", settings: "batch_bytes: 16KiB\nworkers: 4\n", versions: 5
            )
            let three = try Self.run(log, "three", instances: 3, lookup: Self.asOf, versions: 5)
            for other in [again, cut, three] {
                #expect(other.problems == [])
                #expect(other.dump.differences(from: clean.dump) == [])
            }
        }
    }
}

/// Processes that are killed while they load or refresh a dimension.
@Suite struct LookupKillTests {
    /// 50 kills, most of them while the dimension is being loaded or refreshed. Its other rows change all the time, so that
    /// each refresh brings a new generation.
    @Test func killsDuringLoadsAndRefreshesChangeNothing() async throws {
        try await onOwnThread {
            let kills = 50
            let log = try IdentityLog(events: 15_000, seed: 43)
            let database = try TestDatabase("lookup_kills")
            try LookupTests.fillDimension(database, log, others: 20_000)
            let text = LookupTests.topology(
                log, "kills", lookup: LookupTests.plain + ", every: 1s, notify: items_changed",
                settings: "commit_interval: 10ms\nbatch_bytes: 16KiB\n")
            var writer = try log.writer()
            var random = SeededRandom(seed: 43)
            var loaded = 0
            for kill in 1...kills {
                try writer.write(upTo: log.count * kill / (kills + 1))
                _ = try database.query("UPDATE items_dim SET category = 'c\(kill)' WHERE id LIKE 'other-%\(kill % 10)'")
                let process = try LookupTests.start(log, text, database)
                if kill.isMultiple(of: 2) {
                    process.live(for: .milliseconds(Int.random(in: 50...700, using: &random)))
                } else {
                    try process.waitUntil("a load") { process.errors.contains("Lookup loaded") }
                    loaded += 1
                    _ = try database.query("UPDATE items_dim SET maker = 'm\(kill)' WHERE id LIKE 'other-%'")
                    _ = try database.query("NOTIFY items_changed")
                    process.live(for: .milliseconds(Int.random(in: 0...300, using: &random)))
                }
                #expect(process.isRunning, "life \(kill) ended by itself: \(process.lastWords)")
                process.kill()
            }
            #expect(loaded == kills / 2)
            try writer.finish()
            try log.checkFilled()
            let last = try LookupTests.start(log, text, database)
            try database.waitUntilRead(log.count, by: [last])
            try stopInOrder([last])
            let disturbed = try LookupTests.outcome(database, log)
            let clean = try LookupTests.run(log, "clean", lookup: LookupTests.plain)
            #expect(disturbed.problems == [])
            #expect(disturbed.dump.differences(from: clean.dump) == [])
        }
    }
}
