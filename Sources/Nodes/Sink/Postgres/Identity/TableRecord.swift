import Postgres

/// A row of `millrace.tables`: whose table it is, what its rows mean, and what was known of it at the last start.
struct TableRecord {
    /// Where the table was; the schema is empty in a row of the version before this one, which kept names as written.
    var schema: String
    var name: String
    /// The topology that keeps it; empty in a row of the version before.
    var topology: String
    var definition: String
    var sink = ""
    var isShared = false
    /// The feed's topics at the last start.
    var feed: Set<String> = []
    /// Topics that fed it earlier, with how much of them the topology had read when that ended.
    var formerFeed: [String: Int64] = [:]
    /// The metrics' columns and their numbers in the table.
    var columns: [String: Int64] = [:]
    /// The highest number that any column of the table had.
    var columnsKnown: Int64?
    /// Whether the topology has ever written a row that was not known to be removed since.
    var hasRows = false
    /// The database that the oid is of: a restored copy has other ones.
    var place: String?
    var oid: Int64?
    var storage: Int64?
    /// What the feed had read when the topology stopped keeping the table; nil while it keeps it.
    var leftRead: Int64?
    /// The names of the nodes in front of it at the last start; nil when it is not kept any longer, and in a row of a version
    /// that did not say.
    var nodes: Set<String>?

    /// `schema.table` for people.
    var shown: String { schema.isEmpty ? name : schema + "." + name }

    private static let fields = """
        table_schema, table_name, topology, definition, coalesce(sink, ''), shared, coalesce(feed, ''),
        coalesce(columns, ''), columns_known::bigint, has_rows, place, table_oid, storage, left_read, nodes,
        coalesce(former_feed, '')
        """

    /// All rows, in order.
    static func all(_ connection: inout Connection) throws -> [TableRecord] {
        let found = try connection.query("SELECT \(fields) FROM millrace.tables ORDER BY 1, 2, 3")
        return try (0..<found.rowCount).map { row in
            TableRecord(
                schema: try found.text(row, 0) ?? "", name: try found.text(row, 1) ?? "",
                topology: try found.text(row, 2) ?? "", definition: try found.text(row, 3) ?? "",
                sink: try found.text(row, 4) ?? "", isShared: try found.bool(row, 5) ?? false,
                feed: TableFeed.topics(in: try found.text(row, 6) ?? ""),
                formerFeed: Self.numbers(in: try found.text(row, 15) ?? ""),
                columns: Self.numbers(in: try found.text(row, 7) ?? ""), columnsKnown: try found.int64(row, 8),
                hasRows: try found.bool(row, 9) ?? false, place: try found.text(row, 10),
                oid: try found.int64(row, 11), storage: try found.int64(row, 12), leftRead: try found.int64(row, 13),
                nodes: try found.text(row, 14).map { Set($0.split(separator: "\n").map(String.init)) })
        }
    }

    /// Writes the row as it is now, in place of the one it was read from.
    /// - Parameter old: the row it replaces, under another name or of the version before; nil if there is none.
    func save(replacing old: TableRecord?, _ connection: inout Connection) throws {
        if let old, (old.schema, old.name, old.topology) != (schema, name, topology) {
            try connection.query(
                """
                UPDATE millrace.tables SET table_schema = $1, table_name = $2, topology = $3
                WHERE table_schema = $4 AND table_name = $5 AND topology = $6
                """,
                [schema, name, topology, old.schema, old.name, old.topology].map { .text($0) })
        }
        func text(_ numbers: [String: Int64]) -> String {
            numbers.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map { "\($0.key)=\($0.value)" }
                .joined(separator: " ")
        }
        let values: [Parameter] = [
            .text(schema), .text(name), .text(topology), .text(definition),
            .text(TableDefinition.digest(of: definition)),
            .text(sink), .bool(isShared), .text(feed.sorted().joined(separator: "\n")), .text(text(columns)),
            columnsKnown.map { .int64($0) } ?? .null, .bool(hasRows), place.map { .text($0) } ?? .null,
            oid.map { .int64($0) } ?? .null, storage.map { .int64($0) } ?? .null,
            leftRead.map { .int64($0) } ?? .null,
            nodes.map { .text($0.sorted().joined(separator: "\n")) } ?? .null, .text(text(formerFeed)),
        ]
        try connection.query(
            """
            INSERT INTO millrace.tables (table_schema, table_name, topology, definition, digest, sink, shared, feed,
                columns, columns_known, has_rows, place, table_oid, storage, left_read, nodes, former_feed)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::bigint::integer, $11, $12, $13, $14, $15, $16, $17)
            ON CONFLICT (table_schema, table_name, topology) DO UPDATE SET definition = EXCLUDED.definition,
                digest = EXCLUDED.digest, sink = EXCLUDED.sink, shared = EXCLUDED.shared, feed = EXCLUDED.feed,
                columns = EXCLUDED.columns, columns_known = EXCLUDED.columns_known, has_rows = EXCLUDED.has_rows,
                place = EXCLUDED.place, table_oid = EXCLUDED.table_oid, storage = EXCLUDED.storage,
                left_read = EXCLUDED.left_read, nodes = EXCLUDED.nodes, former_feed = EXCLUDED.former_feed
            """, values)
    }

    /// Records from which positions on something counts: the table (`rows`), or a part of its definition.
    func saveCompleteFrom(_ subjects: [String], eventsBefore: Int64, _ connection: inout Connection) throws {
        for subject in subjects {
            try connection.query(
                """
                UPDATE millrace.tables SET complete_from = coalesce(complete_from, '{}') || jsonb_build_object($4::text,
                    jsonb_build_object('since', now(), 'events_before', $5::bigint, 'positions',
                        (SELECT jsonb_object_agg(p.topic || '/' || p.partition, p.next_offset)
                            FROM millrace.partitions p WHERE p.topology = $3)))
                WHERE table_schema = $1 AND table_name = $2 AND topology = $3
                """, [.text(schema), .text(name), .text(topology), .text(subject), .int64(eventsBefore)])
        }
    }

    /// Remembers that the rows of windows that began before a moment are gone, whoever wrote them.
    static func note(droppedBefore end: Int64, of place: TablePlace, _ connection: inout Connection) throws {
        try connection.query(
            """
            UPDATE millrace.tables SET dropped_before = greatest(dropped_before, to_timestamp($3::double precision))
            WHERE table_schema = $1 AND table_name = $2
            """, [.text(place.schema), .text(place.name), .double(Double(end) / 1e6)])
    }

    /// Before what moment, in microseconds since 1970, the rows of a table are gone; nil when none are.
    static func droppedBefore(_ place: TablePlace, _ connection: inout Connection) throws -> Int64? {
        try connection.query(
            "SELECT max(dropped_before) FROM millrace.tables WHERE table_schema = $1 AND table_name = $2",
            [.text(place.schema), .text(place.name)]
        ).microsecondsSince1970(0, 0)
    }

    /// Forgets that something was missing: the table begins anew with its positions.
    func clearCompleteFrom(_ connection: inout Connection) throws {
        try connection.query(
            """
            UPDATE millrace.tables SET complete_from = NULL, dropped_before = NULL, since = now()
            WHERE table_schema = $1 AND table_name = $2 AND topology = $3
            """, [.text(schema), .text(name), .text(topology)])
    }

    /// `NAME=NUMBER`, with spaces between.
    private static func numbers(in text: String) -> [String: Int64] {
        var numbers: [String: Int64] = [:]
        for word in text.split(separator: " ") {
            guard let end = word.lastIndex(of: "="), let number = Int64(word[end...].dropFirst()) else { continue }
            numbers[String(word[..<end])] = number
        }
        return numbers
    }
}
