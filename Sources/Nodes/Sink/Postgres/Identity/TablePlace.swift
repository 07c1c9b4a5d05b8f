import Dataflow
import Postgres

/// A table where it stands: found once, at the start, and known by its schema, its name and its oid from then on.
struct TablePlace: Hashable, Sendable {
    /// The schema that the name stands in.
    var schema: String
    /// The name within the schema.
    var name: String
    /// The relation's oid, nil when there is no such relation yet.
    var oid: Int64?
    /// Where its rows are stored: TRUNCATE and whatever rewrites the table change it. 0 for a partitioned table.
    var storage: Int64 = 0

    /// `schema.table` for people.
    var shown: String { schema + "." + name }

    /// The quoted name for SQL.
    var quoted: String { SQLName.quote(schema) + "." + SQLName.quote(name) }
}

extension TablePlace {
    /// Finds a table, or the place where it will be made.
    ///
    /// A name without a schema is looked for in the role's own search path. Schema `millrace` is in it for a role called
    /// `millrace`, by `"$user"`: a table that an earlier version has made there is found, a new one is not made there.
    /// - Throws: `SinkError` when the relation is none that rows can be kept in.
    static func find(_ table: String, _ connection: inout Connection) throws -> TablePlace {
        let name: TableName
        do { name = try TableName(table) } catch {
            throw SinkError(code: .tableMismatch, description: error.message)
        }
        let path = connection.userSchemas.filter { !$0.hasPrefix("pg_") }
        for schema in name.schema.map({ [$0] }) ?? path {
            if schema == "millrace", BookkeepingSchema.tableNames.contains(name.table) { continue }
            if let place = try look(schema, name.table, &connection) { return place }
        }
        guard let schema = name.schema ?? path.first(where: { $0 != "millrace" }) else {
            throw SinkError(
                code: .refused,
                description:
                    "table \(name.table): the role's search_path names no schema where it could be made; write "
                    + "the table with its schema, such as public.\(name.table)")
        }
        let place = TablePlace(schema: schema, name: name.table)
        try refuseTwin(of: place, &connection)
        return place
    }

    /// The generated columns that the database computes from others.
    func generated(from columns: [String], _ connection: inout Connection) throws -> [String] {
        let found = try connection.query(
            """
            SELECT DISTINCT g.attname::text FROM pg_attribute a
            JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
            JOIN pg_attribute g ON g.attrelid = a.attrelid AND g.attnum <> a.attnum AND g.attgenerated <> ''
            LEFT JOIN pg_attrdef f ON f.adrelid = g.attrelid AND f.adnum = g.attnum
            WHERE a.attrelid::bigint = $1 AND a.attname::text = ANY (string_to_array($2, E'\n'))
                -- Since PostgreSQL 15 it is the expression that depends, before it is the column.
                AND (d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
                    OR d.classid = 'pg_class'::regclass AND d.objid = g.attrelid AND d.objsubid = g.attnum)
            ORDER BY 1
            """, [.int64(oid ?? 0), .text(columns.joined(separator: "\n"))])
        return try (0..<found.rowCount).map { try found.text($0, 0) ?? "" }
    }

    private static func look(_ schema: String, _ name: String, _ connection: inout Connection) throws -> TablePlace? {
        let found = try connection.query(
            """
            SELECT c.oid::bigint, c.relkind::text, c.relpersistence::text, c.relfilenode::bigint,
                row_security_active(c.oid),
                (SELECT min(r.rulename::text) FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type IN ('2', '3')
                    AND r.ev_enabled <> 'D'),
                (SELECT string_agg(r, ', ' ORDER BY r) FROM unnest(ARRAY['INSERT', 'SELECT', 'UPDATE']) r
                    WHERE NOT has_table_privilege(c.oid, r) AND NOT has_any_column_privilege(c.oid, r)),
                current_user::text
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname::text = $1 AND c.relname::text = $2
            """, [.text(schema), .text(name)])
        guard found.rowCount == 1, let oid = try found.int64(0, 0) else { return nil }
        let kind = try found.text(0, 1) ?? ""
        let persistence = try found.text(0, 2) ?? ""
        let hidesRows = try found.bool(0, 4) ?? false
        let place = TablePlace(schema: schema, name: name, oid: oid, storage: try found.int64(0, 3) ?? 0)
        var problem = problem(kind, persistence, hidesRows: hidesRows, place)
        if problem == nil, let rule = try found.text(0, 5) {
            problem =
                "its rule \(rule) rewrites what is written into it, and Postgres then refuses ON CONFLICT; use a trigger, or "
                + "a table without rules"
        }
        if problem == nil, let rights = try found.text(0, 6) {
            let role = SQLName.quote(try found.text(0, 7) ?? "")
            problem = "this role lacks rights to it: GRANT \(rights) ON \(place.quoted) TO \(role);"
        }
        guard let problem else { return place }
        throw SinkError(code: .tableMismatch, description: "table \(place.shown): \(problem)")
    }

    private static func problem(
        _ kind: String, _ persistence: String, hidesRows: Bool, _ place: TablePlace
    ) -> String? {
        let kinds = [
            "v": "a view", "m": "a materialized view", "f": "a foreign table", "S": "a sequence", "i": "an index",
            "I": "an index", "c": "a composite type", "t": "a TOAST table",
        ]
        if let found = kinds[kind] {
            let hint = kind == "v" || kind == "f" ? "; name the table behind it" : ""
            return "it is \(found), expected a table\(hint)"
        }
        guard kind == "r" || kind == "p" else { return "it is a relation of kind \(kind), expected a table" }
        if persistence == "t" { return "it is a temporary table, expected one that stays" }
        if persistence == "u" {
            return "it is UNLOGGED: after a crash Postgres empties it, and the positions stay; "
                + "ALTER TABLE \(place.quoted) SET LOGGED"
        }
        guard hidesRows else { return nil }
        return "row-level security hides rows of it from this role, which would make them again; let the role own the "
            + "table, or give it BYPASSRLS"
    }

    /// Two names that people take for one are not made two tables by mistake.
    private static func refuseTwin(of place: TablePlace, _ connection: inout Connection) throws {
        let isUnicode = try connection.query("SELECT current_setting('server_encoding') = 'UTF8'").bool(0, 0) == true
        let form = { (text: String) in isUnicode ? "lower(normalize(\(text), NFC))" : "lower(\(text))" }
        let found = try connection.query(
            """
            SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname::text = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
                AND \(form("c.relname::text")) = \(form("$2::text")) ORDER BY 1 LIMIT 1
            """, [.text(place.schema), .text(place.name)])
        guard found.rowCount == 1, let twin = try found.text(0, 0) else { return }
        let difference =
            twin.lowercased() == place.name.lowercased() && twin != place.name
            ? "upper and lower case" : "the Unicode form of its letters"
        throw SinkError(
            code: .tableMismatch,
            description: "table \(place.shown) is not there, but \(place.schema).\(twin) is, and differs only in "
                + "\(difference); write `table: \(place.schema).\(twin)` to use it; if two tables are meant, make the second "
                + "by hand: CREATE TABLE \(place.quoted) (LIKE \(SQLName.quote(place.schema)).\(SQLName.quote(twin)) "
                + "INCLUDING ALL)")
    }

    /// Reads the relation again after it was made.
    func found(_ connection: inout Connection) throws -> TablePlace {
        try Self.look(schema, name, &connection) ?? self
    }

    /// Tables that hold rows of this one, or whose rows it holds: partitions, parents and children, at any distance.
    func relatives(_ connection: inout Connection) throws -> (above: [Int64: String], below: [Int64: String]) {
        guard let oid else { return ([:], [:]) }
        let found = try connection.query(
            """
            WITH RECURSIVE above AS (
                SELECT inhparent AS oid FROM pg_inherits WHERE inhrelid::bigint = $1
                UNION SELECT i.inhparent FROM pg_inherits i JOIN above a ON i.inhrelid = a.oid
            ), below AS (
                SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent::bigint = $1
                UNION SELECT i.inhrelid FROM pg_inherits i JOIN below b ON i.inhparent = b.oid
            )
            SELECT r.oid::bigint, n.nspname || '.' || c.relname, r.is_above
            FROM (SELECT oid, true AS is_above FROM above UNION ALL SELECT oid, false FROM below) r
            JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace
            """, [.int64(oid)])
        var result: (above: [Int64: String], below: [Int64: String]) = ([:], [:])
        for row in 0..<found.rowCount {
            guard let oid = try found.int64(row, 0), let name = try found.text(row, 1) else { continue }
            if try found.bool(row, 2) == true { result.above[oid] = name } else { result.below[oid] = name }
        }
        return result
    }

    /// Whether anything is in the table.
    func hasRows(_ connection: inout Connection) throws -> Bool {
        try oid != nil && connection.query("SELECT EXISTS (SELECT 1 FROM \(quoted))").bool(0, 0) == true
    }
}

extension TablePlace {
    /// Whether the table is declared PARTITION BY.
    func isPartitioned(_ connection: inout Connection) throws -> Bool {
        try connection.query("SELECT relkind = 'p' FROM pg_class WHERE oid::bigint = $1", [.int64(oid ?? 0)])
            .bool(0, 0) == true
    }
}
