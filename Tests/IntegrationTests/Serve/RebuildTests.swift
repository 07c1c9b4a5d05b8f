import Foundation
import Postgres
import Testing

/// Tables that are made anew beside those that are read, and take their place.
@Suite struct RebuildTests {
    @Test func aRebuildTakesThePlaceOfWhatRuns() async throws {
        try await onOwnThread {
            try IdentityLog.whileBrokersLive("rebuilt", events: 8_000, seed: 33) { log, name in
                try Self.rebuild(log, name)
            }
        }
    }

    private static func rebuild(_ log: IdentityLog, _ name: String) throws {
        let database = try TestDatabase(name)
        let stand = try ServeStand(database, brokers: log.stand.bootstrapServers)
        var topology = log.topology(name)
        topology.settings = ["batch_bytes": "16KiB", "commit_interval": "10ms"]
        let first = topology.text
        let changed = first.replacing("window: 1m\n", with: "window: 2m\n")
            .replacing("filter: \"level > 1 &&", with: "filter: \"level > 2 &&")
        #expect(first != changed)
        let processes = try (0..<2).map { _ in try stand.serve() }
        var writer = try log.writer()
        try writer.write(upTo: log.count / 2)
        try stand.succeed("deploy", try stand.file(first, "first.yaml"))
        try database.waitUntilRead(log.count / 2, by: processes)
        _ = try database.query("CREATE ROLE \(name)_reader")
        _ = try database.query("GRANT SELECT ON kpi TO \(name)_reader")
        _ = try database.query("CREATE VIEW totals AS SELECT event, sum(events) AS events FROM kpi GROUP BY event")

        let file = try stand.file(changed, "changed.yaml")
        let plan = try stand.run("plan", file)
        #expect(plan.exit == .code(1))
        #expect(plan.output.contains("table public.kpi") && plan.output.contains("millrace rebuild FILE"))
        let reader = WatchedFigure(database, "SELECT sum(events)::bigint FROM kpi")
        let viewer = WatchedFigure(database, "SELECT sum(events)::bigint FROM totals")
        try stand.succeed("rebuild", file)
        try writer.write(upTo: log.count * 3 / 4)
        let twice = try stand.run("rebuild", file)
        #expect(
            twice.exit == .code(1) && twice.errors.contains("identity@2 is being rebuilt already"),
            "\(twice.errors)")
        try eventually(within: .seconds(60), "its threads give way, and no others") {
            let found = niceness(of: processes[0], ["identity", "identity@2"])
            return found["identity@2"] == [10] && found["identity"] == [0]
        }
        let difference = try stand.run("diff", "identity", "--json")
        #expect(difference.exit == .code(1))
        #expect(difference.output.contains("\"rebuild\" : \"identity@2\""))
        let promoted = try stand.run("promote", "identity")
        #expect(promoted.exit == .code(0), "\(promoted.output)\(promoted.errors)")
        #expect(promoted.output.contains("what ran before stands beside it as identity@1, paused"))
        try eventually(within: .seconds(60), "it gives way no more") {
            niceness(of: processes[0], ["identity", "identity@2"]) == ["identity": [0]]
        }
        try writer.finish()
        try eventually(within: .seconds(120), "all is read; \(processes.map(\.lastWords))") {
            try database.number(
                "SELECT sum(next_offset)::bigint FROM millrace.partitions WHERE topology = 'identity'")
                >= log.count
        }
        // Whoever reads never sees less than before.
        for seen in [reader.stop(), viewer.stop()] { #expect(seen.count > 20) }
        #expect(
            try database.query("SELECT has_table_privilege('\(name)_reader', 'kpi', 'SELECT')").bool(0, 0) == true)
        #expect(
            try database.number("SELECT sum(events)::bigint FROM totals")
                == database.number("SELECT sum(events)::bigint FROM kpi"))
        try compare(database, with: changed, log, "\(name)_new")

        try goBack(stand, first, log)
        try stopInOrder(processes)
    }

    /// The niceness of a process's threads of some names.
    private static func niceness(of process: MillraceProcess, _ names: [String]) -> [String: Set<Int>] {
        let folder = "/proc/\(process.processID)/task"
        var found: [String: Set<Int>] = [:]
        for thread in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            // It may have ended meanwhile.
            guard let stat = try? String(contentsOfFile: "\(folder)/\(thread)/stat", encoding: .utf8),
                let (begin, end) = stat.firstIndex(of: "(").flatMap({ b in stat.lastIndex(of: ")").map { (b, $0) } })
            else { continue }
            let name = String(stat[stat.index(after: begin)..<end])
            // What follows the name is field 3 of proc(5); the niceness is field 19.
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            if names.contains(name), fields.count > 16, let nice = Int(fields[16]) {
                found[name, default: []].insert(nice)
            }
        }
        return found
    }

    /// What was there before takes its place again, and what was promoted goes.
    private static func goBack(_ stand: ServeStand, _ first: String, _ log: IdentityLog) throws {
        let back = try stand.run("promote", "identity")
        #expect(back.exit == .code(0), "\(back.output)\(back.errors)")
        try stand.wait(for: "identity", toBe: "running")
        try compare(stand.database, with: first, log, "\(stand.database.name)_old")
        let names = try stand.succeed("list").split(separator: "\n").compactMap { $0.split(separator: " ").first }
        let name = try #require(names.first { $0.hasPrefix("identity@") })
        try stand.succeed("remove", String(name), "--drop")
        #expect(try stand.database.number("SELECT count(*) FROM pg_tables WHERE tablename ~ '__[0-9]+$'") == 0)
        #expect(try stand.database.number("SELECT count(*) FROM pg_views WHERE viewname ~ '__[0-9]+_bounds$'") == 0)
        #expect(
            try stand.database.number("SELECT sum(events)::bigint FROM kpi_bounds")
                == stand.database.number("SELECT sum(events)::bigint FROM kpi"))
        #expect(try stand.database.number("SELECT count(DISTINCT topology) FROM millrace.partitions") == 1)
    }

    /// The tables are those that one clean run of a definition makes.
    private static func compare(
        _ database: TestDatabase, with text: String, _ log: IdentityLog, _ name: String
    ) throws {
        let clean = try TestDatabase(name)
        let own = text.replacing("group: \"", with: "group: \"\(name).")
            .replacing("group: \(log.topic)", with: "group: \(name).\(log.topic)")
        let process = try MillraceProcess(
            topology: own, environment: ["BROKERS": log.stand.bootstrapServers, "DATABASE_URL": clean.url])
        try clean.waitUntilRead(log.count, by: [process])
        try stopInOrder([process])
        let (found, expected) = (
            try TableDump(of: database, IdentityTopology.summaries),
            try TableDump(of: clean, IdentityTopology.summaries)
        )
        #expect(found.differences(from: expected) == [], "\(name)")
    }

    /// What stands beside a topology is removed, and its tables later.
    private static func dropLater(_ stand: ServeStand) throws {
        try stand.succeed("remove", "still@1")
        #expect(try stand.database.number("SELECT count(*) FROM still__1") == 1)
        #expect(try stand.succeed("remove", "still@1", "--drop").contains("was removed before, its tables dropped"))
        #expect(try stand.database.query("SELECT to_regclass('still__1')::text").isNull(0, 0))
        #expect(try stand.database.number("SELECT count(*) FROM millrace.partitions WHERE topology = 'still@1'") == 0)
        let gone = try stand.run("remove", "still@1", "--drop")
        #expect(gone.exit == .code(1) && gone.errors.contains("still@1 is not deployed"), "\(gone.errors)")
    }

    @Test func whatCannotBePromotedChangesNothing() async throws {
        try await onOwnThread {
            let database = try TestDatabase("unpromoted")
            let stand = try ServeStand(database)
            let events = try stand.file("{\"n\":1}\n{\"n\":2}\n", "events.ndjson")
            func file(_ name: String, _ more: String, memory: String = "256MiB") throws -> String {
                try stand.file(
                    """
                    topology: still
                    memory: \(memory)
                    nodes:
                      lines: { file: { paths: ["\(events)"] } }
                      records: { from: lines, parse_json: { fields: { n: integer } } }
                      counts: { from: records, summarize: { \(more) metrics: { all: count() } } }
                      out: { from: counts, postgres: { url: "${DATABASE_URL}", table: still } }
                    """, name)
            }
            let first = try file("first.yaml", "")
            let nothing = try stand.run("rebuild", first)
            #expect(nothing.errors.contains("topology still is not deployed"))
            let process = try stand.serve(["--memory", "700MiB"])
            try stand.succeed("deploy", first)
            let same = try stand.run("rebuild", first)
            #expect(same.exit == .code(1) && same.errors.contains("version 1 is this file"), "\(same.errors)")
            let none = try stand.run("promote", "still")
            #expect(
                none.exit == .code(1) && none.errors.contains("nothing stands beside topology still"), "\(none.errors)")
            // It never runs, so it never takes anybody's place.
            let greedy = try stand.run("rebuild", try file("greedy.yaml", "by: [n],", memory: "1GiB"))
            #expect(greedy.exit == .code(1))
            let refused = try stand.run("promote", "still", "--wait", "2s")
            #expect(
                refused.exit == .code(1) && refused.errors.contains("still@2 does not run: memory"), "\(refused.errors)"
            )
            #expect(try stand.status("still").state == "ended")
            try stand.succeed("remove", "still@2", "--drop")
            // What runs is not stopped for what cannot run.
            let keyed = try file("keyed.yaml", "by: [n],")
            let deployed = try stand.run("deploy", keyed)
            #expect(deployed.exit == .code(1) && deployed.errors.contains("version 1 goes on"), "\(deployed.errors)")
            #expect(deployed.errors.contains("millrace rebuild FILE"))
            #expect(try stand.status("still").state == "ended")
            let tiny = try stand.run("scale", "still", "--memory", "1KiB")
            #expect(tiny.exit == .code(1) && tiny.errors.contains("of 1KiB, expected 64MiB to 1TiB"))
            // What somebody has made of a table is not lost without a word.
            _ = try database.query("CREATE INDEX still_all ON still (\"all\")")
            let warned = try stand.run("rebuild", keyed)
            #expect(warned.exit == .code(0) && warned.errors.contains("index still_all"), "\(warned.errors)")
            _ = try database.query("CREATE MATERIALIZED VIEW still_mat AS SELECT \"all\" FROM still")
            let held = try stand.run("promote", "still")
            #expect(held.exit == .code(1) && held.errors.contains("nothing was stopped"), "\(held.errors)")
            #expect(held.errors.contains("index still_all") && held.errors.contains("still_mat"), "\(held.errors)")
            _ = try database.query("DROP MATERIALIZED VIEW still_mat")
            _ = try database.query("DROP INDEX still_all")
            _ = try database.query(
                "CREATE VIEW still_view WITH (security_barrier = true) AS SELECT sum(\"all\") AS s FROM still")
            // A file's topology ends, and can be promoted all the same.
            try stand.succeed("promote", "still")
            #expect(
                try database.query("SELECT reloptions::text FROM pg_class WHERE relname = 'still_view'").text(0, 0)
                    == "{security_barrier=true}")
            #expect(try database.number("SELECT s::bigint FROM still_view") == 2)
            try stand.wait(for: "still", toBe: "ended")
            #expect(try database.number("SELECT count(*) FROM still") == 2)
            #expect(try database.number("SELECT count(*) FROM still__1") == 1)
            try Self.dropLater(stand)
            try stopInOrder([process])
        }
    }

    /// A promotion that would lose something of what people have made of a table, or that the database would refuse, is
    /// refused before anything stops; what the new version lacks is put aside, and comes back.
    @Test func whatPeopleHaveMadeOfATableIsNotLost() async throws {
        try await onOwnThread {
            let database = try TestDatabase("kept_beside")
            let stand = try ServeStand(database)
            let events = try stand.file("{\"n\":1}\n{\"n\":2}\n", "events.ndjson")
            func file(_ name: String, _ metric: String, hasMore: Bool) throws -> String {
                let more = """
                      more: { from: records, summarize: { metrics: { rows: count() } } }
                      more_out: { from: more, postgres: { url: "${DATABASE_URL}", table: more } }
                    """
                return try stand.file(
                    """
                    topology: held
                    nodes:
                      lines: { file: { paths: ["\(events)"] } }
                      records: { from: lines, parse_json: { fields: { n: integer } } }
                      counts: { from: records, summarize: { by: [n], metrics: { all: \(metric) } } }
                      out: { from: counts, postgres: { url: "${DATABASE_URL}", table: held } }
                    \(hasMore ? more : "")
                    """, name)
            }
            let process = try stand.serve()
            try stand.succeed("deploy", try file("first.yaml", "count()", hasMore: true))
            try stand.wait(for: "held", toBe: "ended")
            try stand.succeed("rebuild", try file("second.yaml", "avg(n)", hasMore: false))
            try stand.wait(for: "held@2", toBe: "ended")
            func refused(_ words: String..., by setUp: String, undo: String) throws {
                _ = try database.query(setUp)
                let answer = try stand.run("promote", "held")
                #expect(answer.exit == .code(1) && answer.errors.contains("nothing was stopped"), "\(answer.errors)")
                for word in words { #expect(answer.errors.contains(word), "\(word): \(answer.errors)") }
                _ = try database.query(undo)
            }
            try refused("column remark", by: "ALTER TABLE held ADD remark text", undo: "ALTER TABLE held DROP remark")
            try refused(
                "other tables refer", "held_fk of referrer",
                by: "CREATE TABLE referrer (k bytea, CONSTRAINT held_fk FOREIGN KEY (k) REFERENCES held)",
                undo: "DROP TABLE referrer")
            if try database.number("SELECT current_setting('server_version_num')::int") >= 140_000 {
                try refused(
                    "functions hold on", "total()",
                    by: "CREATE FUNCTION total() RETURNS numeric BEGIN ATOMIC SELECT sum(\"all\") FROM held; END",
                    undo: "DROP FUNCTION total()")
            }
            try refused(
                "child table young", by: "CREATE TABLE young () INHERITS (held)", undo: "DROP TABLE young")
            // A view's columns cannot change their type.
            try refused(
                "refuses to exchange the tables", "cannot change data type of view column",
                by: "CREATE VIEW typed AS SELECT \"all\" FROM held", undo: "DROP VIEW typed")
            _ = try database.query("COMMENT ON COLUMN held.n IS 'ours'")

            try stand.succeed("promote", "held")
            #expect(try database.query("SELECT to_regclass('more')::text").isNull(0, 0))
            #expect(try database.number("SELECT rows FROM more__1") == 2)
            let column =
                "SELECT col_description('held'::regclass, attnum) FROM pg_attribute WHERE attrelid = "
                + "'held'::regclass AND attname = 'n'"
            #expect(try database.query(column).text(0, 0) == "ours")
            let key = "SELECT conname::text FROM pg_constraint WHERE conrelid = 'held'::regclass AND contype = 'p'"
            #expect(try database.query(key).text(0, 0) == "held_pkey")
            try stand.succeed("promote", "held")
            #expect(try database.number("SELECT rows FROM more") == 2)
            #expect(try database.number("SELECT sum(\"all\")::bigint FROM held") == 2)
            #expect(try database.query(key).text(0, 0) == "held_pkey")
            try stand.wait(for: "held", toBe: "ended")
            try stopInOrder([process])
        }
    }

    /// What is deployed while a rebuild goes on does not take its number, so that version 3 and `held@3` are one thing.
    @Test func aDeploymentBesideARebuildHasANumberOfItsOwn() async throws {
        try await onOwnThread {
            let database = try TestDatabase("numbers_beside")
            let stand = try ServeStand(database)
            let events = try stand.file("{\"n\":1}\n{\"n\":2}\n", "events.ndjson")
            func file(_ name: String, _ metric: String) throws -> String {
                try stand.file(
                    """
                    # \(name)
                    topology: held
                    nodes:
                      lines: { file: { paths: ["\(events)"] } }
                      records: { from: lines, parse_json: { fields: { n: integer } } }
                      counts: { from: records, summarize: { by: [n], metrics: { all: \(metric) } } }
                      out: { from: counts, postgres: { url: "${DATABASE_URL}", table: held } }
                    """, name)
            }
            let process = try stand.serve()
            try stand.succeed("deploy", try file("first.yaml", "count()"))
            #expect(try stand.succeed("rebuild", try file("anew.yaml", "avg(n)")).contains("held@2"))
            let third = try stand.succeed("deploy", try file("third.yaml", "count()"))
            #expect(third.contains("held: version 3"), "\(third)")
            let second = try stand.run("rebuild", try file("second.yaml", "max(n)"))
            #expect(second.errors.contains("held@2 is being rebuilt already"), "\(second.errors)")
            let back = try stand.succeed("rollback", "held")
            #expect(back.contains("version 4, which is version 1 again"), "\(back)")
            let missing = try stand.run("rollback", "held", "--to", "2")
            #expect(
                missing.errors.contains("has no version 2, expected one of millrace list held"), "\(missing.errors)")
            try stand.wait(for: "held@2", toBe: "ended")
            let newer = try stand.run("promote", "held")
            let words = "cannot take the place of held: version 4 was deployed after it had begun, and would be undone"
            #expect(newer.exit == .code(1) && newer.errors.contains(words), "\(newer.errors)")
            let promoted = try stand.succeed("promote", "held", "--undo-newer")
            #expect(
                promoted.contains("held@2 is version 5 now (what ran before stands beside it as held@4"), "\(promoted)")
            #expect(try stand.succeed("list", "held@4").contains("was version 4 of held"))
            // The next one is none of these; and what a person has paused, no command resumes.
            try stand.succeed("pause", "held")
            #expect(try stand.succeed("rebuild", try file("again.yaml", "max(n)")).contains("held@6"))
            try stand.wait(for: "held@6", toBe: "ended")
            // Of two, the one that has not been a version.
            let again = try stand.succeed("promote", "held")
            #expect(again.contains("held@6 is version 6 now (what ran before stands beside it as held@5"), "\(again)")
            #expect(again.contains("paused), paused"), "\(again)")
            try stand.succeed("resume", "held")
            #expect(try stand.succeed("rebuild", try file("left.yaml", "min(n)")).contains("held@7"))
            try stand.wait(for: "held@7", toBe: "ended")
            try stand.succeed("remove", "held@7")
            #expect(try stand.succeed("deploy", try file("eighth.yaml", "max(n)")).contains("held: version 8"))
            try stopInOrder([process])
        }
    }

    /// Tables in partitions change places with theirs, and go on making some.
    @Test func tablesInPartitionsTakeTheirPlaceToo() async throws {
        try await onOwnThread {
            let database = try TestDatabase("partitions_beside")
            let stand = try ServeStand(database)
            func event(daysAgo days: Int) -> String {
                "{\"at\":\"\(Date.now.addingTimeInterval(-86_400 * Double(days)).formatted(.iso8601))\",\"n\":\(days)}\n"
            }
            let events = try stand.file((0..<4).map { event(daysAgo: $0) }.joined(), "events.ndjson")
            func file(_ name: String, _ metric: String) throws -> String {
                try stand.file(
                    """
                    topology: cut
                    nodes:
                      lines: { file: { paths: ["\(events)"] } }
                      records: { from: lines, parse_json: { event_time: at, fields: { at: timestamp, n: integer } } }
                      counts: { from: records, summarize: { window: 1h, by: [n], metrics: { all: \(metric) } } }
                      out: { from: counts, postgres: { url: "${DATABASE_URL}", table: cut, keep: 30d } }
                    """, name)
            }
            let process = try stand.serve()
            try stand.succeed("deploy", try file("first.yaml", "count()"))
            try stand.wait(for: "cut", toBe: "ended")
            try stand.succeed("rebuild", try file("second.yaml", "max(n)"))
            try stand.wait(for: "cut@2", toBe: "ended")
            for version in [2, 1] {
                try stand.succeed("promote", "cut")
                try stand.wait(for: "cut", toBe: "ended")
                let foreign = """
                    SELECT count(*) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid AND c.relkind = 'r'
                    WHERE inhrelid::regclass::text !~ ('^' || inhparent::regclass || '_p[0-9]{8}$')
                    """
                #expect(try database.number(foreign) == 0, "version \(version)")
                // A day that neither has had yet.
                let new = try #require(FileHandle(forWritingAtPath: events))
                try new.seekToEnd()
                try new.write(contentsOf: Data(event(daysAgo: 10 + version).utf8))
                try new.close()
                try stand.succeed("restart", "cut")
                try eventually(within: .seconds(60), "the new event is there") {
                    try database.number("SELECT count(*) FROM cut WHERE n = \(10 + version)") == 1
                }
            }
            #expect(try database.number("SELECT count(*) FROM cut") == 6)
            #expect(try database.number("SELECT sum(\"all\")::bigint FROM cut") == 6)
            let beside = try #require(
                stand.succeed("list").split(separator: "\n").compactMap { $0.split(separator: " ").first }.first {
                    $0.hasPrefix("cut@")
                })
            try stand.succeed("remove", String(beside), "--drop")
            #expect(try database.number("SELECT count(*) FROM pg_class WHERE relname ~ 'cut__'") == 0)
            try stopInOrder([process])
        }
    }
}
