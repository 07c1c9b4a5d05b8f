import Postgres

/// Why nothing may take the place of a topology's tables.
package struct Obstacle: Sendable {
    /// A sentence, with the way out where there is one.
    package var text: String
    /// Whether nobody can clear it away: making the tables anew would be for nothing.
    var isFinal = false
}

/// What stands in the way.
extension Catalog {
    /// What keeps others from the place of a topology's tables.
    /// - Parameter rebuild: what is to take it; nil before there is any.
    package mutating func obstacles(of topology: String, beside rebuild: Rebuild?) throws -> [Obstacle] {
        let tables = try tables(of: topology)
        if tables.isEmpty, try states(of: topology).contains(where: { $0.snapshot.epochs > 0 }) {
            return [
                Obstacle(
                    text:
                        "its tables are not in the catalogue's database, and names cannot be changed in two databases at "
                        + "once", isFinal: true)
            ]
        }
        let pairs = try rebuild.map { try self.pairs($0) }
        var found: [Obstacle] = []
        for (schema, name) in tables {
            // Before there is a rebuild, its tables are taken to be like those that are there.
            var beside = name
            if let pairs {
                guard let pair = pairs.first(where: { ($0.schema, $0.live) == (schema, name) }) else { continue }
                beside = pair.beside
            }
            found += try obstacles(of: topology, schema, name, beside: beside)
        }
        // What the list below does not know the database does; it is asked last, since it needs locks.
        if found.isEmpty, let rebuild, let refusal = try refusal(of: rebuild) { found.append(Obstacle(text: refusal)) }
        return found
    }

    private mutating func obstacles(
        of topology: String, _ schema: String, _ name: String, beside: String
    ) throws -> [Obstacle] {
        let found = try connection.query(
            Self.obstacles,
            [
                .text(Self.quoted(schema, name)), .text(topology), .text(schema), .text(name),
                .text(Self.quoted(schema, beside)),
            ])
        let table = "\(schema).\(name)"
        return try (0..<found.rowCount).map { row in
            let (kind, names) = (try found.text(row, 0) ?? "", try found.text(row, 1) ?? "")
            let text =
                switch kind {
                case "shared": "table \(table) is shared with other topologies, whose rows it holds too"
                case "partitioned":
                    "table \(table) is partitioned, and the new one is not; its rows would stand in one table"
                case "materialized":
                    "materialized views hold on to the rows of \(table): \(names); drop them, and make them again after it"
                case "foreign view":
                    "this role may not make these views of \(table) anew: \(names); drop them, or promote as their owner"
                case "function":
                    "functions hold on to table \(table) by what it is: \(names); drop them, and make them again after it"
                case "reference":
                    "other tables refer to \(table): \(names); drop the constraints, and make them again after it"
                case "column":
                    "somebody has added to \(table) what the new one lacks: \(names); drop it, or add it to \(beside) too"
                default:
                    "somebody has given \(table) what the new one would lack: \(names); drop it, and make it again after it"
                }
            return Obstacle(text: text, isFinal: ["shared", "partitioned"].contains(kind))
        }
    }

    /// What one table has that another one in its place would not.
    private static let obstacles = """
        WITH live AS (SELECT c.*, c.oid AS id FROM pg_class c WHERE c.oid = to_regclass($1)),
        dependents AS (
            SELECT d.objid, d.classid FROM pg_depend d, live
            WHERE d.refobjid = live.id AND d.refclassid = 'pg_class'::regclass
        ),
        readers AS (
            SELECT DISTINCT v.oid, v.relkind, v.relowner, n.oid AS schema, format('%I.%I', n.nspname, v.relname) AS name
            FROM dependents d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
        ),
        given AS (
            SELECT 'index ' || i.indexrelid::regclass AS name FROM pg_index i, live
            WHERE i.indrelid = live.id AND NOT i.indisprimary
            UNION ALL SELECT 'trigger ' || t.tgname FROM pg_trigger t, live
            WHERE t.tgrelid = live.id AND NOT t.tgisinternal
            UNION ALL SELECT 'constraint ' || k.conname FROM pg_constraint k, live
            WHERE k.conrelid = live.id AND k.contype NOT IN ('p', 'n')
            UNION ALL SELECT 'publication ' || p.pubname FROM pg_publication_rel l
            JOIN pg_publication p ON p.oid = l.prpubid, live WHERE l.prrelid = live.id
            UNION ALL SELECT 'policy ' || p.polname FROM pg_policy p, live WHERE p.polrelid = live.id
            UNION ALL SELECT 'rule ' || r.rulename FROM pg_rewrite r, live WHERE r.ev_class = live.id
            UNION ALL SELECT 'child table ' || h.inhrelid::regclass FROM pg_inherits h, live
            WHERE h.inhparent = live.id AND live.relkind <> 'p'
            UNION ALL SELECT 'statistics ' || x.stxname FROM pg_statistic_ext x, live WHERE x.stxrelid = live.id
            UNION ALL SELECT 'rights to column ' || a.attname FROM pg_attribute a, live
            WHERE a.attrelid = live.id AND a.attacl IS NOT NULL
        ),
        added AS (
            SELECT 'column ' || a.attname AS name FROM pg_attribute a, live
            WHERE a.attrelid = live.id AND a.attnum > 0 AND NOT a.attisdropped
                AND NOT EXISTS (SELECT 1 FROM pg_attribute b WHERE b.attrelid = to_regclass($5) AND b.attname = a.attname
                    AND NOT b.attisdropped)
                AND coalesce(col_description(a.attrelid, a.attnum), '') NOT LIKE '%(Millrace: %)'
                AND NOT EXISTS (SELECT 1 FROM millrace.tables t, unnest(string_to_array(t.columns, ' ')) AS known
                    WHERE t.topology = $2 AND t.table_schema = $3 AND t.table_name = $4
                        AND starts_with(known, a.attname || '='))
        )
        SELECT 'shared', '' FROM millrace.tables
        WHERE topology = $2 AND table_schema = $3 AND table_name = $4 AND shared
        UNION ALL SELECT 'partitioned', '' FROM live WHERE relispartition
            OR relkind = 'p' AND (SELECT b.relkind FROM pg_class b WHERE b.oid = to_regclass($5)) <> 'p'
        UNION ALL SELECT 'materialized', string_agg(name, ', ') FROM readers WHERE relkind = 'm' HAVING count(*) > 0
        UNION ALL SELECT 'foreign view', string_agg(format('%s (of %I)', name, pg_get_userbyid(relowner)), ', ')
            FROM readers WHERE relkind = 'v' AND NOT (pg_has_role(relowner, 'USAGE')
                AND has_schema_privilege(schema, 'CREATE')) HAVING count(*) > 0
        UNION ALL SELECT 'function', string_agg(DISTINCT p.oid::regprocedure::text, ', ')
            FROM dependents d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass HAVING count(*) > 0
        UNION ALL SELECT 'reference', string_agg(format('%s of %s', k.conname, k.conrelid::regclass), ', ')
            FROM pg_constraint k, live WHERE k.confrelid = live.id AND k.contype = 'f' HAVING count(*) > 0
        UNION ALL SELECT 'given', string_agg(name, ', ') FROM given HAVING count(*) > 0
        UNION ALL SELECT 'column', string_agg(name, ', ') FROM added HAVING count(*) > 0
        """
}
