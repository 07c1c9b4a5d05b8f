import Foundation
import Kafka
import Postgres
import Testing

/// What becomes of a lookup whose table changes, is locked, altered, emptied or dropped while it is in use.
@Suite struct LookupTroubleTests {
    private static func topology(ofFile events: String, lookup: String) -> String {
        """
        topology: replayed
        nodes:
          events: { file: "\(events)" }
          records: { from: events, parse_json: { fields: { k: text, n: integer } } }
          named: { from: records, lookup: { \(lookup) } }
          kpi: { from: named, summarize: { by: [name], metrics: { n: count() } } }
          out: { from: kpi, postgres: { url: "${DATABASE_URL}", table: t } }

        """
    }

    /// A topology of Kafka with one partition, whose records are produced one by one.
    private final class Live: Sendable {
        let stand: KafkaStand
        let topic: String
        let database: TestDatabase
        let process: MillraceProcess

        init(
            _ name: String, lookup: String = "every: 1s, notify: dim_changed",
            table: String = "CREATE TABLE dim AS SELECT 'k' AS k, 'one'::text AS name"
        ) throws {
            stand = try KafkaStand()
            topic = try stand.makeTopic(partitions: 1)
            database = try TestDatabase(name)
            _ = try database.query(table)
            process = try MillraceProcess(
                topology: """
                    topology: live
                    commit_interval: 50ms
                    nodes:
                      events: { kafka: { brokers: "${BROKERS}", topics: [\(topic)], start: earliest } }
                      records: { from: events, parse_json: { fields: { k: text } } }
                      named: { from: records, lookup: { table: dim, on: k, add: name, \(lookup) } }
                      kpi: { from: named, summarize: { by: [name], metrics: { n: count() } } }
                      out: { from: kpi, postgres: { url: "${DATABASE_URL}", table: t } }

                    """, environment: ["BROKERS": stand.bootstrapServers, "DATABASE_URL": database.url])
        }

        /// Sends records and waits until they are counted under a name.
        func send(_ count: Int = 5, expecting name: String?) throws {
            let shown = name.map { "= '\($0)'" } ?? "IS NULL"
            let before = try counted(shown)
            var producer = try Producer(ProducerConfiguration(connection: stand.connection))
            let topic = try producer.topic(topic)
            for _ in 0..<count { try producer.produce(Array(#"{"k":"k"}"#.utf8), to: topic, partition: 0) }
            try producer.flush()
            try producer.close()
            try eventually(within: .seconds(60), "records named \(shown): \(process.lastWords)") {
                try counted(shown) == before + Int64(count)
            }
        }

        private func counted(_ shown: String) throws -> Int64 {
            guard try database.query("SELECT to_regclass('t')::text").text(0, 0) != nil else { return 0 }
            return try database.number("SELECT coalesce(sum(n), 0)::bigint FROM t WHERE name \(shown)")
        }

        func waitUntilSaid(_ text: String) throws {
            try eventually(within: .seconds(60), "it did not say \(text): \(process.lastWords)") {
                process.errors.contains(text)
            }
        }
    }

    @Test func changesAreHeardOfAndWhatCannotBeReadLeavesWhatWasRead() async throws {
        try await onOwnThread {
            let live = try Live("lookup_trouble")
            let database = live.database
            try live.send(expecting: "one")
            _ = try database.query("UPDATE dim SET name = 'two'")
            _ = try database.query("NOTIFY dim_changed")
            try live.waitUntilSaid("Lookup refreshed")
            try live.send(expecting: "two")
            // Emptied.
            _ = try database.query("TRUNCATE dim")
            try live.waitUntilSaid("has no rows any more, and had 1")
            try live.send(expecting: "two")
            _ = try database.query("INSERT INTO dim VALUES ('k', 'three')")
            try live.waitUntilSaid("no longer waits")
            try live.send(expecting: "three")
            // Altered.
            _ = try database.query("ALTER TABLE dim RENAME name TO title")
            try live.waitUntilSaid("column d.name does not exist")
            try live.send(expecting: "three")
            _ = try database.query("ALTER TABLE dim RENAME title TO name")
            try eventually(within: .seconds(60), "the column is back: \(live.process.lastWords)") {
                live.process.errors.components(separatedBy: "no longer waits").count == 3
            }
            // Dropped.
            _ = try database.query("DROP TABLE dim")
            try live.waitUntilSaid("relation \\\"dim\\\" does not exist")
            try live.send(expecting: "three")
            _ = try database.query("CREATE TABLE dim AS SELECT 'k' AS k, 'four'::text AS name")
            try eventually(within: .seconds(60), "the new table: \(live.process.lastWords)") {
                live.process.errors.components(separatedBy: "Lookup refreshed").count >= 4
            }
            try live.send(expecting: "four")
            // Contents in the order in which they were used, without a gap.
            let found = try database.query(
                "SELECT from_offset, to_offset FROM millrace.lookup_ranges ORDER BY from_offset, to_offset")
            var end: Int64 = 0
            for row in 0..<found.rowCount {
                let from = try found.int64(row, 0) ?? -1
                #expect(from <= end)
                end = max(end, try found.int64(row, 1) ?? -1)
            }
            #expect(end == 35)
            try stopInOrder([live.process])
        }
    }

    /// A table that somebody has locked is waited for by the refresh, and by nothing else.
    @Test func aLockedTableStopsNoRecord() async throws {
        try await onOwnThread {
            let live = try Live("lookup_locked")
            try live.send(expecting: "one")
            var holder = try LockHolder(live.database, "dim")
            try eventually(within: .seconds(60), "a refresh that waits for the lock") {
                try live.database.number(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'dim'::regclass") > 0
            }
            try live.send(expecting: "one")
            try live.waitUntilSaid("is it locked, or very large?")
            try live.send(expecting: "one")
            try holder.release("UPDATE dim SET name = 'two'")
            try live.waitUntilSaid("Lookup refreshed")
            try live.send(expecting: "two")
            try stopInOrder([live.process])
        }
    }

    /// Stops rather than store what may be wrong; the next start waits for the table and goes on where this one ended.
    @Test func contentThatIsTooOldStopsTheProcess() async throws {
        try await onOwnThread {
            let live = try Live("lookup_stale", lookup: "every: 1s, max_staleness: 3s")
            try live.send(expecting: "one")
            _ = try live.database.query("DROP TABLE dim")
            let exit = try live.process.wait(within: .seconds(60))
            #expect(exit == .code(1))
            #expect(live.process.errors.contains("older than max_staleness (3 s)"), "\(live.process.errors)")
            #expect(live.process.errors.contains("the last try failed"), "\(live.process.errors)")
        }
    }

    @Test func aStartWithoutItsTableNamesIt() async throws {
        try await onOwnThread {
            let live = try Live("lookup_absent", table: "CREATE TABLE other (k text)")
            let exit = try live.process.wait(within: .seconds(60))
            #expect(exit == .code(1))
            #expect(live.process.errors.contains("table dim"), "\(live.process.errors)")
            #expect(live.process.errors.contains("create it, or name its schema"), "\(live.process.errors)")
            // Nothing was read: a dimension that is not loaded makes no row.
            #expect(try live.database.number("SELECT count(*) FROM t") == 0)
        }
    }

    /// The same events, read again after the table, the positions and the dimension were changed.
    @Test func aReplayWithOtherRowsIsNamed() async throws {
        try await onOwnThread {
            let database = try TestDatabase("lookup_replay")
            _ = try database.query("CREATE TABLE dim AS SELECT 'k' AS k, 'one'::text AS name")
            let folder = try TopologyFolder()
            let events = try folder.file(
                named: "e.ndjson", String(repeating: "{\"k\":\"k\",\"n\":1}\n", count: 500))
            let path = try folder.file(
                named: "t.yaml", Self.topology(ofFile: events, lookup: "table: dim, on: k, add: name"))
            let arguments = ["run", path, "--progress", "none"]
            let environment = ["DATABASE_URL": database.url]
            #expect(try Complaint.of(arguments, environment: environment).exit == .code(0))
            func reset() throws {
                _ = try database.query("DROP TABLE t")
                _ = try database.query("DELETE FROM millrace.partitions")
                _ = try database.query("DELETE FROM millrace.tables")
            }
            try reset()
            let same = try Complaint.of(arguments, environment: environment)
            #expect(same.exit == .code(0) && !same.errors.contains("another content"), "\(same.errors)")
            try reset()
            _ = try database.query("UPDATE dim SET name = 'two'")
            let other = try Complaint.of(arguments, environment: environment)
            #expect(
                other.exit == .code(0) && other.errors.contains("were joined to another content of table dim before"),
                "\(other.errors)")
            #expect(try database.number("SELECT n FROM t WHERE name = 'two'") == 500)
            #expect(try database.number("SELECT count(DISTINCT digest) FROM millrace.lookup_ranges") == 2)
        }
    }
}

/// Holds a table locked, as somebody who alters it does.
private struct LockHolder: ~Copyable {
    private var connection: Connection

    init(_ database: TestDatabase, _ table: String) throws {
        var fresh = try Connection.connect(ConnectionSettings(url: database.url), deadline: .now + .seconds(20))
        try fresh.execute("BEGIN; LOCK TABLE \(table) IN ACCESS EXCLUSIVE MODE")
        connection = consume fresh
    }

    /// Does something and lets go.
    mutating func release(_ sql: String) throws { try connection.execute("\(sql); COMMIT") }
}
