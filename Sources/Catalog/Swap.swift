import Postgres

/// Two topologies exchange what they are called.
struct Swap {
    let rebuild: Rebuild
    let replaced: Rebuild

    init(_ rebuild: Rebuild, _ replaced: Rebuild) {
        self.rebuild = rebuild
        self.replaced = replaced
    }

    /// Those tables of the bookkeeping that name topologies and are there.
    /// - Parameter more: others than those that go along with what is exchanged.
    static func tablesByTopology(and more: [String] = [], _ connection: inout Connection) throws -> [String] {
        let names =
            more + [
                "partitions", "dead_letters", "tables", "topologies", "instances", "lookup_generations",
                "lookup_ranges",
                "replays",
            ]
        let found = try connection.query(
            """
            SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'millrace' AND c.relkind = 'r' AND c.relname::text = ANY (string_to_array($1, ' '))
                AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'topology'
                    AND NOT a.attisdropped)
            ORDER BY 1
            """, [.text(names.joined(separator: " "))])
        return try (0..<found.rowCount).map { try found.text($0, 0) ?? "" }
    }

    /// Everything. The tickets of the tables must be in hand.
    func run(_ connection: inout Connection) throws {
        // What either has on the way to the database is refused from here on.
        try connection.query(
            "UPDATE millrace.partitions SET owner_epoch = owner_epoch + 1, owner = NULL WHERE topology IN ($1, $2)",
            [.text(rebuild.topology), .text(rebuild.name)])
        try connection.query(
            "DELETE FROM millrace.instances WHERE topology IN ($1, $2)", [.text(rebuild.topology), .text(rebuild.name)])
        try exchangeTables(&connection)
        try StepMarks.tablesChanged(of: rebuild.topology, &connection)
        for table in try Self.tablesByTopology(&connection) {
            for (from, to) in [(rebuild.topology, replaced.name), (rebuild.name, rebuild.topology)] {
                try connection.query(
                    "UPDATE millrace.\(table) SET topology = $2 WHERE topology = $1", [.text(from), .text(to)])
            }
        }
    }

    /// With the tickets of all tables in hand no commit is under way, and none begins: nobody who reads has to wait for one
    /// behind this. They come first, as in every commit.
    func takeTickets(_ connection: inout Connection) throws {
        let tables = try connection.query(
            "SELECT table_schema, table_name FROM millrace.tables WHERE topology IN ($1, $2) AND left_read IS NULL",
            [.text(rebuild.topology), .text(rebuild.name)])
        try Catalog.takeTickets(
            try (0..<tables.rowCount).map { (try tables.text($0, 0) ?? "", try tables.text($0, 1) ?? "") }, &connection)
    }

    /// The tables alone, with all that reads them.
    func exchangeTables(_ connection: inout Connection) throws {
        let found = try connection.query(
            """
            SELECT l.table_schema, l.table_name, b.table_name FROM millrace.tables l
            JOIN millrace.tables b ON b.topology = $2 AND b.table_schema = l.table_schema
            WHERE l.topology = $1 AND l.left_read IS NULL ORDER BY 1, 2
            """, [.text(rebuild.topology), .text(rebuild.name)])
        var pairs: [(schema: String, live: String, beside: String)] = []
        for row in 0..<found.rowCount {
            let pair = (try found.text(row, 0) ?? "", try found.text(row, 1) ?? "", try found.text(row, 2) ?? "")
            if Rebuild.table(pair.1, tag: rebuild.tag) == pair.2 { pairs.append(pair) }
        }
        for pair in pairs { try exchange(pair, &connection) }
        try renameUnpaired(pairs, &connection)
    }

    /// A table that only the new version has gets its name too; one that it lacks is put aside under the number of what it
    /// belongs to, or nobody could go back.
    private func renameUnpaired(
        _ pairs: [(schema: String, live: String, beside: String)], _ connection: inout Connection
    ) throws {
        let suffix = "__\(rebuild.tag)"
        for topology in [rebuild.topology, rebuild.name] {
            let found = try connection.query(
                "SELECT table_schema, table_name FROM millrace.tables WHERE topology = $1 AND left_read IS NULL",
                [.text(topology)])
            for row in 0..<found.rowCount {
                let (schema, name) = (try found.text(row, 0) ?? "", try found.text(row, 1) ?? "")
                let isPaired = pairs.contains { pair in
                    // Their names are exchanged already.
                    pair.schema == schema
                        && (pair.live == name || Rebuild.table(pair.live, tag: replaced.tag) == name)
                }
                if isPaired { continue }
                let isLive = topology == rebuild.topology
                guard isLive || name.hasSuffix(suffix) else { continue }
                let new = isLive ? Rebuild.table(name, tag: replaced.tag) : String(name.dropLast(suffix.count))
                try Self.dropBounds(of: schema, name, &connection)
                try rename(schema, name, to: new, of: topology, &connection)
            }
        }
    }

    /// The table of the topology itself is put aside, and the other one takes its name, its readers and their views.
    private func exchange(
        _ pair: (schema: String, live: String, beside: String), _ connection: inout Connection
    ) throws {
        let views = try views(of: pair.schema, pair.live, &connection)
        let grants = try grants(of: pair.schema, pair.live, &connection)
        let comments = try comments(on: pair.schema, pair.live, beside: pair.beside, &connection)
        // Views first, as whoever reads them does.
        let locked = views.map(\.name) + [Catalog.quoted(pair.schema, pair.live)]
        try connection.execute("LOCK TABLE \(locked.joined(separator: ", ")) IN ACCESS EXCLUSIVE MODE")
        let aside = Rebuild.table(pair.live, tag: replaced.tag)
        try rename(pair.schema, pair.live, to: aside, of: rebuild.topology, &connection)
        try Self.dropBounds(of: pair.schema, pair.beside, &connection)
        try rename(pair.schema, pair.beside, to: pair.live, of: rebuild.name, &connection)
        for grant in grants + comments { try connection.execute(grant) }
        for view in views { try connection.execute(view.statement) }
    }

    private func rename(
        _ schema: String, _ name: String, to new: String, of topology: String, _ connection: inout Connection
    ) throws {
        try Self.rename(schema, name, to: new, &connection)
        // So do partitions, whose names begin with the table's.
        let partitions = try connection.query(
            """
            SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE i.inhparent = $1::text::regclass AND n.nspname::text = $2 AND starts_with(c.relname::text, $3)
            """, [.text(Catalog.quoted(schema, new)), .text(schema), .text(name + "_p")])
        for row in 0..<partitions.rowCount {
            let partition = try partitions.text(row, 0) ?? ""
            let renamed = new + partition.dropFirst(name.count)
            if renamed.utf8.count <= 63 { try Self.rename(schema, partition, to: renamed, &connection) }
        }
        try connection.query(
            "UPDATE millrace.tables SET table_name = $4 WHERE topology = $1 AND table_schema = $2 AND table_name = $3",
            [.text(topology), .text(schema), .text(name), .text(new)])
    }

    /// Gives a table another name, and its primary key, which goes by it.
    private static func rename(
        _ schema: String, _ name: String, to new: String, _ connection: inout Connection
    ) throws {
        try connection.execute("ALTER TABLE \(Catalog.quoted(schema, name)) RENAME TO \(SQLName.quote(new))")
        let (old, key) = (name + "_pkey", new + "_pkey")
        guard key.utf8.count <= 63 else { return }
        let found = try connection.query(
            """
            SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass($1) AND contype = 'p' AND conname = $2
                AND to_regclass($3) IS NULL
            """, [.text(Catalog.quoted(schema, new)), .text(old), .text(Catalog.quoted(schema, key))])
        guard found.rowCount == 1 else { return }
        try connection.execute(
            "ALTER TABLE \(Catalog.quoted(schema, new)) RENAME CONSTRAINT \(SQLName.quote(old)) TO "
                + SQLName.quote(key))
    }

    /// Drops the view of bounds beside a table, which knows the table by its name; the next start makes it for the name that
    /// the table has then.
    static func dropBounds(of schema: String, _ name: String, _ connection: inout Connection) throws {
        let found = try connection.query(
            """
            SELECT substring(definition from '(_bounds_[0-9a-f]+)\\(') FROM pg_views
            WHERE schemaname = $1 AND viewname = $2
            """, [.text(schema), .text(name + "_bounds")])
        guard found.rowCount == 1, let function = try found.text(0, 0) else { return }
        try connection.execute("DROP VIEW \(Catalog.quoted(schema, name + "_bounds"))")
        try connection.execute("DROP FUNCTION IF EXISTS millrace.\(SQLName.quote(function))()")
    }

    /// The views that read a table, and the statements that make them anew: by its name, whoever has it then.
    private func views(
        of schema: String, _ name: String, _ connection: inout Connection
    ) throws -> [(name: String, statement: String)] {
        let found = try connection.query(
            """
            SELECT DISTINCT format('%I.%I', n.nspname, v.relname),
                format('CREATE OR REPLACE VIEW %I.%I %s AS %s', n.nspname, v.relname,
                'WITH (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid)), v.oid
            FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_namespace n ON n.oid = v.relnamespace
            WHERE d.refobjid = $1::text::regclass AND d.refclassid = 'pg_class'::regclass AND n.nspname <> 'millrace'
            ORDER BY 3
            """, [.text(Catalog.quoted(schema, name))])
        return try (0..<found.rowCount).map { (try found.text($0, 0) ?? "", try found.text($0, 1) ?? "") }
    }

    /// Statements that give those rights to the table of this name that others have to it.
    private func grants(of schema: String, _ name: String, _ connection: inout Connection) throws -> [String] {
        let found = try connection.query(
            """
            SELECT format('GRANT %s ON TABLE %I.%I TO %s%s', a.privilege_type, n.nspname, c.relname,
                CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) a
            WHERE c.oid = $1::text::regclass AND a.grantee <> c.relowner
            """, [.text(Catalog.quoted(schema, name))])
        return try (0..<found.rowCount).map { try found.text($0, 0) ?? "" }
    }

    /// Statements that say of the table of this name what people have said of it; what Millrace says it says itself.
    private func comments(
        on schema: String, _ name: String, beside: String, _ connection: inout Connection
    ) throws -> [String] {
        let found = try connection.query(
            """
            SELECT format('COMMENT ON %s %I.%I%s IS %L', CASE WHEN d.objsubid = 0 THEN 'TABLE' ELSE 'COLUMN' END,
                n.nspname, c.relname, '.' || quote_ident(a.attname), d.description)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
            WHERE c.oid = $1::text::regclass AND d.description NOT LIKE '%(Millrace: %)'
                AND (d.objsubid = 0 OR EXISTS (SELECT 1 FROM pg_attribute b WHERE b.attrelid = $2::text::regclass
                    AND b.attname = a.attname AND NOT b.attisdropped))
            """, [.text(Catalog.quoted(schema, name)), .text(Catalog.quoted(schema, beside))])
        return try (0..<found.rowCount).map { try found.text($0, 0) ?? "" }
    }
}
