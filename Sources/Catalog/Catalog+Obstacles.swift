import Postgres

/// What stands in the way.
extension Catalog {
    /// Holds the right to promote a topology until this connection ends.
    /// - Throws: `CatalogError` when somebody else holds it.
    package mutating func holdPromotion(of topology: String) throws {
        let isOurs = try connection.query(
            "SELECT pg_try_advisory_lock(hashtext('millrace promote'), hashtext($1))", [.text(topology)]
        ).bool(0, 0)
        guard isOurs != true else { return }
        throw CatalogError(
            code: .nothingToDo, description: "topology \(topology): somebody else is promoting it just now")
    }

    mutating func hasTables(numbered rebuild: Rebuild) throws -> Bool {
        for (schema, name) in try tables(of: rebuild.topology) {
            let there = try connection.query(
                "SELECT to_regclass($1)::oid::bigint", [.text(quoted(schema, Rebuild.table(name, tag: rebuild.tag)))])
            if !there.isNull(0, 0) { return true }
        }
        return false
    }

    /// Why nothing may take the place of a topology's tables, a sentence each.
    /// - Parameter rebuild: what is to take it; nil before there is any.
    package mutating func obstacles(of topology: String, beside rebuild: Rebuild?) throws -> [String] {
        var found: [String] = []
        let tables = try tables(of: topology)
        if tables.isEmpty, try states(of: topology).contains(where: { $0.snapshot.epochs > 0 }) {
            return [
                "its tables are not in the catalogue's database, and names cannot be changed in two databases at once"
            ]
        }
        for (schema, name) in tables {
            let table = "\(schema).\(name)"
            if let rebuild, try !pairs(rebuild).contains(where: { ($0.schema, $0.live) == (schema, name) }) { continue }
            let state = try connection.query(
                """
                SELECT (SELECT shared FROM millrace.tables WHERE topology = $2 AND table_schema = $3 AND table_name = $4),
                    (SELECT string_agg(DISTINCT format('%I.%I', n.nspname, v.relname), ', ')
                    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
                    JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'm' JOIN pg_namespace n ON n.oid = v.relnamespace
                    WHERE d.refobjid = c.oid AND d.refclassid = 'pg_class'::regclass),
                    (SELECT string_agg(DISTINCT format('%I.%I (of %I)', n.nspname, v.relname, pg_get_userbyid(v.relowner)), ', ')
                    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
                    JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_namespace n ON n.oid = v.relnamespace
                    WHERE d.refobjid = c.oid AND d.refclassid = 'pg_class'::regclass AND NOT (
                        pg_has_role(v.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE'))),
                    concat_ws(', ',
                        (SELECT string_agg('index ' || i.indexrelid::regclass, ', ') FROM pg_index i
                        WHERE i.indrelid = c.oid AND NOT i.indisprimary),
                        (SELECT string_agg('trigger ' || t.tgname, ', ') FROM pg_trigger t
                        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
                        (SELECT string_agg('constraint ' || k.conname, ', ') FROM pg_constraint k
                        WHERE k.conrelid = c.oid AND k.contype NOT IN ('p', 'n')),
                        (SELECT string_agg('publication ' || p.pubname, ', ') FROM pg_publication_rel l
                        JOIN pg_publication p ON p.oid = l.prpubid WHERE l.prrelid = c.oid),
                        (SELECT string_agg('policy ' || p.polname, ', ') FROM pg_policy p WHERE p.polrelid = c.oid),
                        (SELECT string_agg('rights to column ' || a.attname, ', ') FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL))
                FROM pg_class c WHERE c.oid = to_regclass($1)
                """, [.text(quoted(schema, name)), .text(topology), .text(schema), .text(name)])
            guard state.rowCount == 1 else { continue }
            if try state.bool(0, 0) == true {
                found.append("table \(table) is shared with other topologies, whose rows it holds too")
            }
            if let views = try state.text(0, 1) {
                found.append(
                    "materialized views hold on to the rows of \(table): \(views); drop them, and make them again after it"
                )
            }
            if let views = try state.text(0, 2) {
                found.append(
                    "this role may not make these views of \(table) anew: \(views); drop them, or promote as their owner"
                )
            }
            if let own = try state.text(0, 3), !own.isEmpty {
                found.append(
                    "somebody has given \(table) what the new one would lack: \(own); drop it, and make it again after it"
                )
            }
        }
        return found
    }
}
