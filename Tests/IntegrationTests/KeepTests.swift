import Foundation
import Postgres
import Testing

/// Tables whose rows are dropped when they are old.
@Suite struct KeepTests {
    private struct Stand {
        let folder: TopologyFolder
        let database: TestDatabase
        let events: String

        init(_ name: String) throws {
            folder = try TopologyFolder()
            database = try TestDatabase(name)
            events = try folder.file(named: "events.ndjson", "")
        }

        /// Events so many days ago, each with a number.
        func write(daysAgo days: [Int], at hours: [Int] = [0]) throws {
            let file = try #require(FileHandle(forWritingAtPath: events))
            try file.seekToEnd()
            for day in days {
                for hour in hours {
                    let time = Date.now.addingTimeInterval(-Double(day) * 86_400 - Double(hour) * 3_600)
                    try file.write(contentsOf: Data("{\"at\":\"\(time.formatted(.iso8601))\",\"n\":\(day)}\n".utf8))
                }
            }
            try file.close()
        }

        func run(
            _ sink: String, windows: String = "window: 1h", name: String = "kept"
        ) throws -> Complaint {
            let file = try folder.file(
                """
                topology: \(name)
                nodes:
                  lines: { file: { paths: ["\(events)"] } }
                  records: { from: lines, parse_json: { event_time: at, fields: { at: timestamp, n: integer } } }
                  kpi: { from: records, summarize: { \(windows), by: [n], metrics: { all: count(), days: uniques(n) } } }
                  out: { from: kpi, postgres: { url: "${DATABASE_URL}", \(sink) } }
                """)
            return try Complaint.of(
                ["run", file, "--progress", "none"], environment: ["DATABASE_URL": database.url])
        }

        func succeed(_ sink: String, windows: String = "window: 1h", name: String = "kept") throws -> String {
            let done = try run(sink, windows: windows, name: name)
            #expect(done.exit == .code(0), "\(done.errors)")
            return done.errors
        }

        func days(_ table: String = "kept") throws -> String {
            try database.query(
                "SELECT string_agg(n || ':' || c, ' ' ORDER BY n) FROM "
                    + "(SELECT n, sum(\"all\") AS c FROM \(table) GROUP BY n) s"
            ).text(0, 0) ?? ""
        }

        func partitions(_ table: String = "kept") throws -> Int64 {
            try database.number("SELECT count(*) FROM pg_inherits WHERE inhparent = '\(table)'::regclass")
        }
    }

    @Test func oldRowsAreDropped() async throws {
        try await onOwnThread {
            let stand = try Stand("keep_drops")
            try stand.write(daysAgo: [40, 20, 10, 1, 0])
            let first = try stand.succeed("table: kept, keep: 30d")
            #expect(!first.contains("Old rows were dropped"))
            _ = try stand.succeed("table: plain", name: "plain")
            #expect(try stand.days() == "0:1 1:1 10:1 20:1 40:1")
            #expect(try stand.partitions() == 5)
            // What is there is what a plain table holds.
            let both = "SELECT count(*) FROM kept k JOIN plain p USING (window_start, n, \"all\", days, group_key)"
            #expect(try stand.database.number(both) == 5)

            let second = try stand.succeed("table: kept, keep: 30d")
            #expect(second.contains("Old rows were dropped") && second.contains("partitions=1"), "\(second)")
            #expect(try stand.days() == "0:1 1:1 10:1 20:1")
            // Late records of a day that is gone make it anew; those of days that are there are added to them.
            try stand.write(daysAgo: [40, 20, 1])
            let late = try stand.succeed("table: kept, keep: 30d")
            #expect(!late.contains("Old rows were dropped"))
            #expect(try stand.database.number("SELECT count(*) FROM kept WHERE n = 40") == 1)
            // Another length: the partitions stay days.
            _ = try stand.succeed("table: kept, keep: 15d")
            #expect(try stand.days() == "0:1 1:2 10:1")
            // Without it rows are kept, and find their partitions.
            try stand.write(daysAgo: [200])
            _ = try stand.succeed("table: kept")
            _ = try stand.succeed("table: kept")
            #expect(try stand.days() == "0:1 1:2 10:1 200:1")
            // Nothing was lost on the way.
            #expect(
                try stand.database.number(
                    "SELECT sum(applied)::bigint FROM millrace.partitions WHERE topology = 'kept'") == 9)
        }
    }

    @Test func whoReadsHoldsNobodyUp() async throws {
        try await onOwnThread {
            let stand = try Stand("keep_read")
            try stand.write(daysAgo: [40, 0])
            _ = try stand.succeed("table: kept, keep: 30d")
            var reader = try Connection.connect(
                ConnectionSettings(url: stand.database.url), deadline: .now + .seconds(20))
            try reader.execute("BEGIN; SELECT count(*) FROM kept")
            // A partition is made beside the reader; none is dropped.
            try stand.write(daysAgo: [0, 2])
            let held = try stand.succeed("table: kept, keep: 30d")
            #expect(!held.contains("Old rows were dropped"))
            #expect(try stand.days() == "0:2 2:1 40:1")
            try reader.execute("COMMIT")
            _ = try stand.succeed("table: kept, keep: 30d")
            #expect(try stand.days() == "0:2 2:1")
        }
    }

    @Test func eachWindowMayHaveItsLife() async throws {
        try await onOwnThread {
            let stand = try Stand("keep_windows")
            try stand.write(daysAgo: [500, 40, 3, 0], at: [0, 5])
            let sink = "tables: { 1m: minutes, 1h: hours, 1 day: days }, keep: { 1m: 2d, 1h: 400d }"
            let windows = "windows: [1m, 1h, { size: 1 day, zone: Europe/Berlin }]"
            _ = try stand.succeed(sink, windows: windows)
            _ = try stand.succeed(sink, windows: windows)
            #expect(try stand.days("minutes") == "0:2")
            #expect(try stand.days("hours") == "0:2 3:2 40:2")
            #expect(try stand.days("days") == "0:2 3:2 40:2 500:2")
            #expect(
                try stand.database.number(
                    "SELECT count(*) FROM pg_class WHERE relname ~ '^minutes_p[0-9]{8}_[0-9]{2}$'") > 0)
            #expect(try stand.database.number("SELECT count(*) FROM pg_class WHERE relname ~ '^hours_p[0-9]{6}$'") > 0)
            #expect(try stand.partitions("days") == 0)
        }
    }

    /// A topology that keeps two days starts on a log of months.
    @Test func aBacklogOfMonthsIsRead() async throws {
        try await onOwnThread {
            let stand = try Stand("keep_backlog")
            try stand.write(daysAgo: Array((1..<100).reversed()), at: Array(0..<24))
            try stand.write(daysAgo: [0])
            _ = try stand.succeed("table: kept, keep: 2d")
            _ = try stand.succeed("table: kept, keep: 2d")
            #expect(try stand.days().hasPrefix("0:1 1:24"))
            #expect(try stand.database.number("SELECT count(*) FROM kept WHERE n > 3") == 0)
            let applied = "SELECT sum(applied)::bigint FROM millrace.partitions WHERE topology = 'kept'"
            #expect(try stand.database.number(applied) == 99 * 24 + 1)
        }
    }

    @Test func whatCannotBeIsSaid() async throws {
        try await onOwnThread {
            let stand = try Stand("keep_refused")
            try stand.write(daysAgo: [0])
            _ = try stand.succeed("table: kept")
            let plain = try stand.run("table: kept, keep: 30d")
            plain.expect(.code(1), "table public.kept: it was made without `keep`")
            _ = try stand.database.query(
                "CREATE TABLE own (LIKE kept INCLUDING ALL) PARTITION BY RANGE (window_start)")
            _ = try stand.database.query(
                "CREATE TABLE own_p2026 PARTITION OF own FOR VALUES FROM ('2020-01-01') TO ('2100-01-01')")
            let own = try stand.run("table: own, keep: 30d", name: "own")
            own.expect(.code(1), "somebody else has made its partitions")
            // Without `keep` it is written as ever.
            _ = try stand.succeed("table: own", name: "own")
            #expect(try stand.partitions("own") == 1)
            // Times of years to come are mistakes of whoever sends them.
            try stand.write(daysAgo: (0..<2_100).map { -$0 })
            let many = try stand.run("table: many, keep: 90d", name: "many")
            many.expect(.code(1), "table public.many: its rows would need 2,100 partitions".replacing(",", with: ""))
            many.expect(.code(1), "bound them with too_early")
        }
    }

    @Test(arguments: [
        ("table: a, keep: 30m", "window: 1h", "error[out-of-range]: 'keep' is out of range, found '30m'"),
        ("table: a, keep: 2h", "window: { size: 1 day, zone: UTC }", "error[keep-short]: rows of windows of 1 day"),
        (
            "table: a, keep: { 1h: 30d }", "windows: [1m, 1h]",
            "error[keep-window]: the rows of window 1h stand in one table"
        ),
        (
            "tables: { 1m: a, 1h: b }, keep: { 2h: 30d }", "windows: [1m, 1h]",
            "error[table-window]: the summary has no window called 2h"
        ),
        (
            "table: a, shared: true, keep: 30d", "window: 1h",
            "error[keep-shared]: a table that is `shared` keeps its rows"
        ),
        ("table: a, keep: 30d", "", "error[keep-window]: rows of all time do not get old"),
        ("table: a, keep: { 1h: soon }", "window: 1h", "'1h' has the wrong type, found 'soon'"),
    ])
    func whatIsWrongWithItIsNamed(sink: String, windows: String, words: String) async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let file = try folder.file(
                """
                topology: kept
                nodes:
                  lines: { file: { paths: ["x.ndjson"] } }
                  records: { from: lines, parse_json: { event_time: at, fields: { at: timestamp, n: integer } } }
                  kpi: { from: records, summarize: { \(windows.isEmpty ? "" : windows + ", ")by: [n], metrics: { all: count() } } }
                  out: { from: kpi, postgres: { url: "postgres://x@localhost/x", \(sink) } }
                """)
            let checked = try Complaint.of(["check", file])
            #expect(checked.exit == .code(1))
            #expect((checked.output + checked.errors).contains(words), "\(checked.output)\(checked.errors)")
        }
    }
}
