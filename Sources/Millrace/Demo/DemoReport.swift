import Foundation
import Postgres

/// Reads the demonstration's tables and shows them.
struct DemoReport {
    /// A query and what its answer shows.
    struct Page {
        var title: String
        var query: String
    }

    let databaseURL: String

    /// What is shown, in order.
    static let pages = [
        Page(
            title: "kpi_minute: the busiest groups of the last whole minute",
            query: """
                SELECT to_char(window_start AT TIME ZONE 'UTC', 'HH24:MI') AS minute, event, platform, country, events,
                    users, round(duration_p50) AS p50_ms, round(duration_p95) AS p95_ms, round(duration_p99) AS p99_ms,
                    revenue
                FROM kpi_minute
                WHERE window_start = (SELECT max(window_start) - interval '1 minute' FROM kpi_minute)
                ORDER BY events DESC, event, platform, country LIMIT 8
                """),
        Page(
            title: "sales_hour: what players pay, by country and platform",
            query: """
                SELECT to_char(window_start AT TIME ZONE 'UTC', 'HH24:MI') AS hour, country, platform, purchases, buyers,
                    items, revenue, smallest, largest, round(average::numeric, 2) AS average, large_purchases
                FROM sales_hour ORDER BY revenue DESC, country, platform LIMIT 8
                """),
        Page(
            title: "weapon_totals: all time, by weapon",
            query: """
                SELECT weapon, events, users, round(duration_p50) AS p50_ms, round(duration_p99) AS p99_ms
                FROM weapon_totals ORDER BY events DESC
                """),
        Page(
            title: "millrace.partitions: the ledger; read = applied + filtered + dead + refused is a CHECK",
            query: """
                SELECT topic, count(*) AS partitions, sum(read) AS read, sum(applied) AS applied,
                    sum(filtered) AS filtered, sum(dead) AS dead, sum(refused) AS refused
                FROM millrace.partitions GROUP BY topic
                """),
        Page(
            title: "millrace.dead_letters: what could not be used, and why",
            query: """
                SELECT cause, node, field, count(*) AS letters, min(reason) AS for_example
                FROM millrace.dead_letters GROUP BY cause, node, field ORDER BY letters DESC, cause, field LIMIT 8
                """),
    ]

    /// Prints every page on standard output: with psql where there is one, by ourselves elsewhere.
    /// - Throws: `PostgresError`, or ``DemoShow/Failure`` when psql cannot show a page.
    func show() throws {
        let psql = Self.findPsql()
        var connection = try connect()
        for page in Self.pages {
            try write("\n\(page.title)\n")
            if let psql {
                try show(page, psql)
            } else {
                try write(Self.table(page.query, &connection) + "\n")
            }
        }
    }

    /// Not buffered, since psql writes in between.
    private func write(_ text: String) throws {
        let output = ConsoleOutput()
        output.write(Array(text.utf8))
        if let failure = output.failure {
            throw DemoShow.Failure(description: "standard output cannot be written: \(failure.reason)")
        }
    }

    /// Compares the ledger with what was produced, and the tables with the ledger.
    /// - Throws: ``DemoShow/Failure`` with the numbers that differ.
    func check(produced: UInt64) throws {
        var connection = try connect()
        let answer = try connection.query(
            """
            SELECT sum(read)::bigint, sum(dead)::bigint, (SELECT count(*) FROM millrace.dead_letters),
                (SELECT sum(events)::bigint FROM kpi_minute)
            FROM millrace.partitions
            """)
        let read = try answer.int64(0, 0) ?? 0
        let dead = try answer.int64(0, 1) ?? 0
        let letters = try answer.int64(0, 2) ?? 0
        let counted = try answer.int64(0, 3) ?? 0
        guard read == Int64(produced), letters == dead, counted + dead == read else {
            throw DemoShow.Failure(
                description: "the books do not balance: produced \(produced), read \(read), counted in kpi_minute "
                    + "\(counted), dead \(dead), dead letters \(letters)")
        }
    }

    private func connect() throws -> Connection {
        try Connection.connect(ConnectionSettings(url: databaseURL), deadline: .now + .seconds(10))
    }

    private func show(_ page: Page, _ psql: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: psql)
        process.arguments = [
            "--no-psqlrc", "--quiet", "--pset", "pager=off", "--pset", "footer=off", "--pset", "null=-", "--command",
            page.query, databaseURL,
        ]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw DemoShow.Failure(description: "psql ended with \(process.terminationStatus)")
        }
    }

    private static func findPsql() -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/psql" }.first(where: FileManager.default.isExecutableFile)
    }

    /// The answer to a query as text in columns, as psql draws it.
    static func table(_ query: String, _ connection: inout Connection) throws -> String {
        let names = try connection.query("SELECT * FROM (\(query)) AS page LIMIT 0").columnNames
        let texts = names.map { "\"\($0)\"::text" }.joined(separator: ", ")
        let answer = try connection.query("SELECT \(texts) FROM (\(query)) AS page")
        var rows = [names]
        for row in 0..<answer.rowCount {
            rows.append(try names.indices.map { try answer.text(row, $0) ?? "-" })
        }
        return TextTable(rows).description
    }
}
