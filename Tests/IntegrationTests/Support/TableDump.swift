import Postgres

/// Everything a run left behind that depends on the log: SHA-256 over the rows of each table in key order, with all
/// columns, sketches as bytes.
///
/// Of the ledger, who owns a partition and how often it was taken over are left out: they tell what happened, not what
/// was counted.
struct TableDump: Sendable, Equatable {
    /// A table, or a part of it.
    struct Part: Sendable {
        var name: String
        /// A query for its rows in order.
        var query: String

        /// A summary table.
        /// - Parameter placed: metrics that depend on where records stand in their source, which are left out.
        static func summary(
            _ table: String, hasWindow: Bool, hasWindows: Bool = false, without placed: [String] = []
        ) -> Part {
            let order = (hasWindows ? "window_size, " : "") + (hasWindow ? "window_start, " : "") + "group_key"
            let columns = placed.flatMap { [$0, $0 + "_time", $0 + "_place", $0 + "_sketch"] }.joined(separator: ",")
            let selected = placed.isEmpty ? "*" : "(to_jsonb(t) - '{\(columns)}'::text[])::text"
            return Part(name: table, query: "SELECT \(selected) FROM \(table) t ORDER BY \(order)")
        }

        static let deadLetters = Part(
            name: "dead_letters",
            query: """
                SELECT topology, topic, partition, "offset", line, cause, node, field, found, reason, key, payload,
                    message_time
                FROM millrace.dead_letters ORDER BY topic, partition, "offset", line, reason, payload
                """)

        /// Dead letters without their place, which differs between sources of the same log.
        static let deadLettersAnywhere = Part(
            name: "dead_letters",
            query:
                "SELECT line, cause, node, field, found, reason, payload FROM millrace.dead_letters ORDER BY payload, reason"
        )

        static let ledger = Part(
            name: "partitions",
            query: """
                SELECT topic, partition, next_offset, event_time, read, applied,
                    filtered, dead, refused FROM millrace.partitions ORDER BY topic, partition
                """)
    }

    /// One table's content.
    struct Content: Sendable, Equatable {
        /// SHA-256 over all rows as text, in hexadecimal.
        var digest: String
        /// The beginning of each row and a digest of all of it, to name what differs.
        var rows: [String]
    }

    let contents: [String: Content]

    init(of database: TestDatabase, _ parts: [Part]) throws {
        var contents: [String: Content] = [:]
        for part in parts {
            let lines = "SELECT r::text AS line, row_number() OVER () AS n FROM (\(part.query)) r"
            let digest = try database.query(
                "SELECT encode(sha256(convert_to(string_agg(line, E'\\n' ORDER BY n), 'UTF8')), 'hex') FROM (\(lines)) l"
            )
            let rows = try database.query(
                "SELECT left(line, 160) || ' ' || encode(sha256(convert_to(line, 'UTF8')), 'hex') FROM (\(lines)) l "
                    + "ORDER BY n")
            contents[part.name] = Content(
                digest: try digest.text(0, 0) ?? "empty",
                rows: try (0..<rows.rowCount).map { try rows.text($0, 0) ?? "" })
        }
        self.contents = contents
    }

    /// Rows in a table.
    func rowCount(_ name: String) -> Int { contents[name]?.rows.count ?? 0 }

    /// What differs, table by table with the first rows; empty when nothing does.
    func differences(from expected: TableDump) -> [String] {
        var problems: [String] = []
        for name in Set(contents.keys).union(expected.contents.keys).sorted() {
            guard let found = contents[name], let wanted = expected.contents[name] else {
                problems.append("\(name) is in one dump only")
                continue
            }
            if found.digest == wanted.digest { continue }
            let extra = Set(found.rows).subtracting(wanted.rows).sorted()
            let missing = Set(wanted.rows).subtracting(found.rows).sorted()
            problems.append(
                "\(name): SHA-256 \(found.digest.prefix(12)) of \(found.rows.count) rows, expected "
                    + "\(wanted.digest.prefix(12)) of \(wanted.rows.count); \(extra.count) rows differ; found "
                    + "\(extra.prefix(3)), expected \(missing.prefix(3))")
        }
        return problems
    }
}
