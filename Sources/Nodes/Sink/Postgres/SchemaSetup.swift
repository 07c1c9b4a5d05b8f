import Dataflow
import Postgres

/// Makes and checks what Millrace needs in a database: schema `millrace` with positions, ledger, dead letters and SQL
/// functions, and the summary tables.
enum SchemaSetup {
    /// Any number of instances may start at once: they take turns behind one advisory lock.
    private static let lockKey: Int64 = 0x6d69_6c6c_7261_6365

    /// The tables of schema `millrace`; docs/postgres.md explains each column.
    private static let tables = """
        CREATE SCHEMA IF NOT EXISTS millrace;
        CREATE TABLE IF NOT EXISTS millrace.partitions (
            topology text COLLATE "C" NOT NULL,
            topic text COLLATE "C" NOT NULL,
            partition integer NOT NULL,
            next_offset bigint,
            owner_epoch bigint NOT NULL DEFAULT 0,
            owner text,
            cluster_id text,
            tail_offset bigint,
            tail_timestamp bigint,
            tail_checksum bigint,
            read bigint NOT NULL DEFAULT 0,
            applied bigint NOT NULL DEFAULT 0,
            filtered bigint NOT NULL DEFAULT 0,
            dead bigint NOT NULL DEFAULT 0,
            refused bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (topology, topic, partition),
            CONSTRAINT every_record_is_accounted_for CHECK (read = applied + filtered + dead + refused)
        ) WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS millrace.dead_letters (
            topology text COLLATE "C" NOT NULL,
            topic text COLLATE "C" NOT NULL,
            partition integer NOT NULL,
            "offset" bigint NOT NULL,
            line integer NOT NULL,
            reason text NOT NULL,
            payload bytea NOT NULL,
            message_time timestamptz
        );
        CREATE INDEX IF NOT EXISTS dead_letters_place ON millrace.dead_letters (topology, topic, partition, "offset");
        CREATE TABLE IF NOT EXISTS millrace.tables (
            table_name text PRIMARY KEY,
            definition text NOT NULL
        );
        """

    /// Sets everything up in one transaction.
    /// - Throws: `SinkError` when a table exists in another shape, `PostgresError` when the database refuses.
    static func run(_ tables: [SummaryTable], functions: String, _ connection: inout Connection) throws {
        try connection.begin(.setup) { $0.query("SELECT pg_advisory_xact_lock(\(lockKey))") }
        try prepareSchema(functions, &connection)
        for table in tables { try prepare(table, &connection) }
        try connection.execute("COMMIT")
    }

    private static func prepareSchema(_ functions: String, _ connection: inout Connection) throws {
        // The script is run again only when it changed, or when the extension that it builds on came or went; a
        // fingerprint of both is the schema's comment.
        let known = try connection.query(
            """
            SELECT obj_description(to_regnamespace('millrace'), 'pg_namespace'),
                EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'hll')
            """)
        let hash = String(UInt64(bitPattern: Checksum.of(Array(functions.utf8))), radix: 16)
        let fingerprint =
            "Millrace: positions, ledger, functions \(hash)"
            + (try known.bool(0, 1) == true ? " on hll" : "")
        if try known.text(0, 0) == fingerprint { return }
        try connection.execute(Self.tables)
        try connection.execute(functions)
        try connection.execute("COMMENT ON SCHEMA millrace IS \(SQLName.literal(fingerprint))")
    }

    private static func prepare(_ table: SummaryTable, _ connection: inout Connection) throws {
        let quoted = try place(of: table.name, &connection)
        let found = try connection.query(
            """
            SELECT a.attname::text, format_type(a.atttypid, NULL), a.attnotnull AND NOT a.atthasdef
            FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
            """, [.text(quoted)])
        if found.rowCount == 0 {
            try connection.execute(table.createStatement(quoted))
        } else {
            try check(table, at: quoted, found, &connection)
        }
        try checkDefinition(table, &connection)
    }

    /// Where a table stands, as SQL wants it: a name without a schema is looked for in the role's search path once, here,
    /// and made in its first schema. The transaction itself looks names up among the builtins only.
    private static func place(of name: String, _ connection: inout Connection) throws -> String {
        let quoted = SQLName.quoteQualified(name)
        guard !name.contains(".") else { return quoted }
        let places = connection.userSchemas.map { SQLName.quote($0) + "." + quoted }
        for place in places {
            if try !connection.query("SELECT to_regclass($1)::oid::bigint", [.text(place)]).isNull(0, 0) { return place }
        }
        guard let first = places.first else {
            throw SinkError(
                code: .refused,
                description: "table \(name): the role's search_path names no schema that exists; "
                    + "write the table with its schema, such as public.\(name)")
        }
        return first
    }

    private static func check(
        _ table: SummaryTable, at place: String, _ found: QueryResult, _ connection: inout Connection
    ) throws {
        let key = try connection.query(
            """
            SELECT a.attname::text FROM pg_index i
            CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, position)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY k.position
            """, [.text(place)])
        var columns: [(name: String, type: String, isMandatory: Bool)] = []
        for row in 0..<found.rowCount {
            let type = try found.text(row, 1) ?? ""
            let shown = type == "timestamp with time zone" ? "timestamptz" : type
            columns.append((try found.text(row, 0) ?? "", shown, try found.bool(row, 2) ?? false))
        }
        var keyNames: [String] = []
        for row in 0..<key.rowCount { keyNames.append(try key.text(row, 0) ?? "") }
        let problems = table.mismatches(found: columns, primaryKey: keyNames)
        guard problems.isEmpty else {
            throw SinkError(
                code: .tableMismatch,
                description: "table \(table.name): it exists and has another shape: "
                    + problems.joined(separator: "; ")
                    + "; use another table name, or rename the old table so that Millrace can create its own")
        }
    }

    private static func checkDefinition(_ table: SummaryTable, _ connection: inout Connection) throws {
        let known = try connection.query(
            """
            INSERT INTO millrace.tables AS t (table_name, definition) VALUES ($1, $2)
            ON CONFLICT (table_name) DO UPDATE SET definition = t.definition RETURNING t.definition
            """, [.text(table.name), .text(table.definition)])
        let stored = try known.text(0, 0) ?? ""
        guard stored == table.definition else {
            throw SinkError(
                code: .definitionMismatch,
                description: "table \(table.name): its rows mean something else: found \"\(stored)\", expected "
                    + "\"\(table.definition)\"; use another table name, or drop the table and its row in millrace.tables"
            )
        }
    }
}
