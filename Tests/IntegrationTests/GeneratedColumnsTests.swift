import Foundation
import Postgres
import Testing

/// `columns` in real tables: computed by Postgres, the same as by the console, and checked at the start.
@Suite(.serialized) struct GeneratedColumnsTests {
    private static let columns =
        "columns: { per: total / n, gap: \"(top - total) / (n - 1)\", load: \"-heat * 2 / n\" }"

    private static func topology(_ path: String, _ columns: String, _ sink: String) -> String {
        """
        topology: computed
        nodes:
          events: { file: { paths: ["\(path)"] } }
          records:
            from: events
            parse_json:
              event_time: ts
              fields: { ts: timestamp, kind: text, v: decimal(2), t: double }
          kpi:
            from: records
            summarize:
              windows: [1m, 1h]
              rollup: [kind]
              metrics: { n: count(), total: sum(v), top: max(v), heat: sum(t) }
              \(columns)
          out: { from: kpi, \(sink) }
        """
    }

    private static let table = "postgres: { url: \"${DATABASE_URL}\", table: kpi }"

    private struct Stand {
        let folder: TopologyFolder
        let database: TestDatabase
        let path: String

        init(_ name: String) throws {
            folder = try TopologyFolder()
            database = try TestDatabase(name)
            let values = ["1.50", "null", "-3", "0", "99999999.99"]
            let heats = ["0.25", "1e300", "-7", "null", "1e-300"]
            let lines = (0..<60).map { number in
                #"{"ts": "2026-03-01T00:0\#(number % 7):00Z", "kind": "k\#(number % 4)", "v": \#(values[number % 5]), "#
                    + #""t": \#(heats[(number * 3) % 11 % 5])}"#
            }
            path = try folder.file(named: "events.ndjson", lines.joined(separator: "\n") + "\n")
        }

        func run(
            _ columns: String, _ sink: String = GeneratedColumnsTests.table, without line: String = "",
            options: [String] = []
        ) throws -> Complaint {
            let text = GeneratedColumnsTests.topology(path, columns, sink)
            let file = try folder.file(line.isEmpty ? text : text.replacing(line, with: ""))
            return try Complaint.of(
                ["run", file, "--progress", "none"] + options, environment: ["DATABASE_URL": database.url])
        }
    }

    @Test func postgresComputesWhatTheConsoleDoes() async throws {
        try await onOwnThread {
            let stand = try Stand("columns_computed")
            #expect(try stand.run(Self.columns).exit == .code(0))
            let found = try stand.database.query(
                """
                SELECT window_size, to_char(window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), kind, per, gap,
                    load FROM kpi ORDER BY window_size, window_start, kind
                """)
            var rows: Set<String> = []
            for row in 0..<found.rowCount {
                let numbers = try (3...5).map { try found.double(row, $0).map { "\($0)" } ?? "null" }
                let kind = try found.text(row, 2) ?? "()"
                rows.insert("\(try found.text(row, 0) ?? "") \(try found.text(row, 1) ?? "") \(kind) \(numbers)")
            }
            #expect(rows.count > 30)
            #expect(rows.contains { $0.contains("null") })
            let console = try stand.run(Self.columns.replacing("computed", with: "shown"), "console: {}")
            #expect(console.exit == .code(0), "\(console.errors)")
            var shown: Set<String> = []
            for line in console.output.split(separator: "\n") where line.hasPrefix("{") {
                // By its characters: JSONSerialization reads some numbers a last place off.
                let fields = line.dropFirst().dropLast().split(separator: ", ").map { $0.split(separator: ": ") }
                let values = Dictionary(
                    uniqueKeysWithValues: fields.map { ($0[0].filter { $0 != "\"" }, String($0[1])) })
                func text(_ name: String) -> String { values[name].map { $0.filter { $0 != "\"" } } ?? "()" }
                let numbers = ["per", "gap", "load"].map { text($0) }
                shown.insert("\(text("window_size")) \(text("window_start")) \(text("kind")) \(numbers)")
            }
            #expect(shown == rows)
        }
    }

    @Test func migratingGivesThemToATableThatIsThere() async throws {
        try await onOwnThread {
            let stand = try Stand("columns_migrated")
            #expect(try stand.run("").exit == .code(0))
            let plain = try stand.run("columns: { per: total / n }")
            plain.expect(.code(1), "it has no column per")
            let migrated = try stand.run("columns: { per: total / n }", options: ["--migrate"])
            #expect(migrated.exit == .code(0), "\(migrated.errors)")
            #expect(migrated.errors.contains("A table is changed statement=\"ALTER TABLE"), "\(migrated.errors)")
            #expect(
                try stand.database.number("SELECT count(*) FROM kpi WHERE per IS DISTINCT FROM total::float8 / n") == 0)
            // Nothing to do is nothing to say; and what cannot be mended stops the start.
            #expect(try !stand.run("columns: { per: total / n }", options: ["--migrate"]).errors.contains("is changed"))
            let other = try stand.run("", without: "rollup: [kind]", options: ["--migrate"])
            other.expect(.code(1), "its rows mean something else than this file says")
        }
    }

    @Test func aTableThatIsThereGetsThemByWhatTheStartSays() async throws {
        try await onOwnThread {
            let stand = try Stand("columns_later")
            #expect(try stand.run("").exit == .code(0))
            let missing = try stand.run("columns: { per: total / n }")
            missing.expect(.code(1), "table public.kpi: it has no column per")
            missing.expect(.code(1), "Postgres then writes the table anew, and old rows have the values too")
            let statement = try #require(missing.errors.firstMatch(of: /ALTER TABLE [^;]*STORED;/)?.output)
            _ = try stand.database.query(String(statement))
            #expect(try stand.run("columns: { per: total / n }").exit == .code(0))
            #expect(
                try stand.database.number("SELECT count(*) FROM kpi WHERE per IS DISTINCT FROM total::float8 / n") == 0)

            // Another formula, and back to it by what is said.
            let other = try stand.run("columns: { per: total / (n + 1) }")
            other.expect(.code(1), "its column per is computed otherwise")
            let again = try #require(
                other.errors.firstMatch(of: /ALTER TABLE [^;]* DROP COLUMN [^;]*; ALTER [^;]*STORED;/))
            for statement in again.output.split(separator: ";") { _ = try stand.database.query(String(statement)) }
            #expect(try stand.run("columns: { per: total / (n + 1) }").exit == .code(0))
            #expect(
                try stand.database.number("SELECT count(*) FROM kpi WHERE per IS DISTINCT FROM total::float8 / (n + 1)")
                    == 0)

            // A column of that name that nobody computes.
            _ = try stand.database.query("ALTER TABLE kpi DROP COLUMN per")
            _ = try stand.database.query("ALTER TABLE kpi ADD COLUMN per double precision")
            try stand.run("columns: { per: total / n }").expect(.code(1), "its column per is not generated")
            _ = try stand.database.query("ALTER TABLE kpi ALTER COLUMN per TYPE numeric")
            try stand.run("columns: { per: total / n }").expect(.code(1), "its column per is numeric")

            // Without it in the file, the table may keep it.
            #expect(try stand.run("").exit == .code(0))

            // A metric goes, and what is computed from it has to go first.
            _ = try stand.database.query("ALTER TABLE kpi DROP COLUMN per")
            let add = try #require(
                stand.run("columns: { per: total / n }").errors.firstMatch(of: /ALTER TABLE [^;]*STORED;/)?.output)
            _ = try stand.database.query(String(add))
            let less = try stand.run("", without: "total: sum(v), ")
            less.expect(.code(1), "or remove the column (with per, computed from it)")
            let drop = try #require(less.errors.firstMatch(of: /ALTER TABLE [^;]*DROP COLUMN "?total[^;]*;/)?.output)
            _ = try stand.database.query(String(drop))
            #expect(try stand.run("", without: "total: sum(v), ").exit == .code(0))
        }
    }
}
