import Foundation
import Postgres

/// A topology that is made anew beside the one that runs: `kpis@4` beside `kpis`, in tables `…__4`, with positions of its
/// own.
package struct Rebuild: Sendable, Equatable {
    /// The topology that it stands beside.
    package var topology: String
    /// The version it is to become, or, for one that was replaced, has been.
    package var tag: Int

    /// The name it is deployed under.
    package var name: String { "\(topology)@\(tag)" }

    package init(topology: String, tag: Int) {
        self.topology = topology
        self.tag = tag
    }

    /// The rebuild of a name, nil for the name of a topology itself.
    package init?(name: String) {
        guard let mark = name.lastIndex(of: "@"), let tag = Int(name[mark...].dropFirst()) else { return nil }
        self.init(topology: String(name[..<mark]), tag: tag)
    }

    /// What its tables are called.
    package static func table(_ base: String, tag: Int) -> String {
        let suffix = "__\(tag)"
        var name = base
        // Names have 63 bytes at most.
        while name.utf8.count + suffix.utf8.count > 63 { name.removeLast() }
        return name + suffix
    }
}

/// Topologies that are made anew beside those that run.
extension Catalog {
    /// What is deployed beside a topology: rebuilds, and versions that one has replaced.
    package mutating func rebuilds(of topology: String) throws -> [(rebuild: Rebuild, deployment: Deployment)] {
        try deployments().compactMap { deployment in
            guard let rebuild = Rebuild(name: deployment.topology), rebuild.topology == topology else { return nil }
            return (rebuild, deployment)
        }
    }

    /// Deploys a file beside its topology.
    /// - Throws: `CatalogError` when the topology is not deployed.
    package mutating func rebuild(
        _ topology: String, file: String, note: String, by person: String
    ) throws -> Rebuild {
        guard let current = try deployments().first(where: { $0.topology == topology }) else {
            throw try unknown(topology)
        }
        if try version(current.version, of: topology).file == file {
            throw CatalogError(
                code: .nothingToDo,
                description:
                    "topology \(topology): version \(current.version) is this file; to make its tables anew all the "
                    + "same, change something, a comment will do")
        }
        if let obstacle = try obstacles(of: topology, beside: nil).first {
            throw CatalogError(code: .elsewhere, description: "topology \(topology): \(obstacle)")
        }
        let next = (try versions(of: topology).first?.version ?? 0) + 1
        let others = try rebuilds(of: topology).filter { $0.rebuild.tag >= next }
        if let other = others.first {
            throw CatalogError(
                code: .nothingToDo,
                description:
                    "topology \(topology): \(other.rebuild.name) is being rebuilt already; promote it, or millrace "
                    + "remove \(other.rebuild.name) --drop")
        }
        let rebuild = Rebuild(topology: topology, tag: next)
        _ = try deploy(rebuild.name, file: file, note: note, acceptsGaps: false, by: person)
        return rebuild
    }

    /// Tables of a rebuild and of its topology that correspond to each other.
    package struct TablePair: Sendable, Equatable {
        package var schema: String
        /// The table of the topology itself.
        package var live: String
        /// The table of the rebuild.
        package var beside: String

        package var shown: String { "\(schema).\(live)" }
    }

    /// The tables of a rebuild that have a counterpart; both must have been started.
    package mutating func pairs(_ rebuild: Rebuild) throws -> [TablePair] {
        let live = try tables(of: rebuild.topology)
        return try tables(of: rebuild.name).compactMap { table in
            live.first { $0.schema == table.schema && Rebuild.table($0.name, tag: rebuild.tag) == table.name }.map {
                TablePair(schema: table.schema, live: $0.name, beside: table.name)
            }
        }
    }

    mutating func tables(of topology: String) throws -> [(schema: String, name: String)] {
        guard try !connection.query("SELECT to_regclass('millrace.tables')::oid::bigint").isNull(0, 0) else {
            return []
        }
        let found = try connection.query(
            "SELECT table_schema, table_name FROM millrace.tables WHERE topology = $1 AND left_read IS NULL ORDER BY 1, 2",
            [.text(topology)])
        return try (0..<found.rowCount).map { (try found.text($0, 0) ?? "", try found.text($0, 1) ?? "") }
    }

    /// How far a rebuild is behind its topology, in messages; nil while it has not begun.
    package mutating func distance(_ rebuild: Rebuild) throws -> Int64? {
        guard try !connection.query("SELECT to_regclass('millrace.partitions')::oid::bigint").isNull(0, 0) else {
            return nil
        }
        return try connection.query(
            """
            SELECT CASE WHEN EXISTS (SELECT 1 FROM millrace.partitions WHERE topology = $2) THEN
                (SELECT coalesce(sum(greatest(l.next_offset - coalesce(b.next_offset, 0), 0)), 0)::bigint
                FROM millrace.partitions l
                LEFT JOIN millrace.partitions b ON b.topology = $2 AND b.topic = l.topic AND b.partition = l.partition
                WHERE l.topology = $1 AND l.next_offset IS NOT NULL) END
            """, [.text(rebuild.topology), .text(rebuild.name)]
        ).int64(0, 0)
    }
}

/// Taking the place of what runs.
extension Catalog {
    /// Puts a rebuild in the place of its topology, in one transaction: tables, positions, dead letters and the catalogue
    /// change their names; what was there goes on standing beside it, paused. Nobody who reads ever sees a half of it.
    ///
    /// Both must have stopped.
    /// - Returns: the version that the topology has now, and what stands beside it.
    package mutating func promote(
        _ rebuild: Rebuild, by person: String
    ) throws -> (version: Int, replaced: Rebuild) {
        let deployed = try deployments()
        guard let current = deployed.first(where: { $0.topology == rebuild.topology }),
            let next = deployed.first(where: { $0.topology == rebuild.name })
        else { throw try unknown(rebuild.name) }
        let (old, new) = (
            try version(current.version, of: rebuild.topology), try version(next.version, of: rebuild.name)
        )
        // A deployment during the rebuild may have taken the rebuild's number.
        var replaced = Rebuild(topology: rebuild.topology, tag: current.version)
        while try deployed.contains(where: { $0.topology == replaced.name }) || hasTables(numbered: replaced) {
            replaced.tag += 1
        }
        let version = try change(rebuild.topology) { connection in
            try connection.execute("LOCK TABLE millrace.deployments IN SHARE ROW EXCLUSIVE MODE")
            try Swap(rebuild, replaced).run(&connection)
            let version = try connection.query(
                """
                INSERT INTO millrace.versions (topology, version, file, digest, note, deployed_by)
                SELECT $1, coalesce(max(version), 0) + 1, $2, encode(sha256(convert_to($2, 'UTF8')), 'hex'), $3, $4
                FROM millrace.versions WHERE topology = $1 RETURNING version
                """,
                [.text(rebuild.topology), .text(new.file), .text("promoted from \(rebuild.name)"), .text(person)]
            ).int32(0, 0)
            try connection.query(
                """
                UPDATE millrace.deployments SET version = $2, wanted = 'running', generation = generation + 1,
                    changed_by = $3, changed_at = now() WHERE topology = $1
                """, [.text(rebuild.topology), .int32(version ?? 0), .text(person)])
            try connection.query("DELETE FROM millrace.deployments WHERE topology = $1", [.text(rebuild.name)])
            let kept = try connection.query(
                """
                INSERT INTO millrace.versions (topology, version, file, digest, note, deployed_by)
                SELECT $1, coalesce(max(version), 0) + 1, $2, encode(sha256(convert_to($2, 'UTF8')), 'hex'), $3, $4
                FROM millrace.versions WHERE topology = $1 RETURNING version
                """,
                [.text(replaced.name), .text(old.file), .text("was \(rebuild.topology) before"), .text(person)]
            ).int32(0, 0)
            try connection.query(
                """
                INSERT INTO millrace.deployments (topology, version, wanted, settings, changed_by)
                SELECT $1, $2, 'paused', settings, $3 FROM millrace.deployments WHERE topology = $4
                """, [.text(replaced.name), .int32(kept ?? 0), .text(person), .text(rebuild.topology)])
            return Int(version ?? 0)
        }
        return (version, replaced)
    }

    /// Drops the tables and forgets the positions of what stands beside a topology.
    package mutating func drop(_ rebuild: Rebuild) throws {
        let tables = try tables(of: rebuild.name)
        try change(rebuild.name) { connection in
            for (schema, name) in tables {
                try Swap.dropBounds(of: schema, name, &connection)
                try connection.execute("DROP TABLE IF EXISTS \(SQLName.quote(schema)).\(SQLName.quote(name))")
            }
            for table in try Swap.tablesByTopology(&connection) {
                try connection.query("DELETE FROM millrace.\(table) WHERE topology = $1", [.text(rebuild.name)])
            }
        }
    }
}

/// Two topologies exchange what they are called.
private struct Swap {
    let rebuild: Rebuild
    let replaced: Rebuild

    init(_ rebuild: Rebuild, _ replaced: Rebuild) {
        self.rebuild = rebuild
        self.replaced = replaced
    }

    /// The tables of the bookkeeping that name topologies.
    static func tablesByTopology(_ connection: inout Connection) throws -> [String] {
        let found = try connection.query(
            """
            SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'millrace' AND c.relkind = 'r' AND c.relname::text = ANY (string_to_array($1, ' '))
                AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'topology'
                    AND NOT a.attisdropped)
            ORDER BY 1
            """, [.text("partitions dead_letters tables topologies instances lookup_generations lookup_ranges")])
        return try (0..<found.rowCount).map { try found.text($0, 0) ?? "" }
    }

    func run(_ connection: inout Connection) throws {
        let live = rebuild.topology
        // What either has on the way to the database is refused from here on.
        try connection.query(
            "UPDATE millrace.partitions SET owner_epoch = owner_epoch + 1, owner = NULL WHERE topology IN ($1, $2)",
            [.text(live), .text(rebuild.name)])
        try connection.query(
            "DELETE FROM millrace.instances WHERE topology IN ($1, $2)", [.text(live), .text(rebuild.name)])
        let found = try connection.query(
            """
            SELECT l.table_schema, l.table_name, b.table_name FROM millrace.tables l
            JOIN millrace.tables b ON b.topology = $2 AND b.table_schema = l.table_schema
            WHERE l.topology = $1 AND l.left_read IS NULL ORDER BY 1, 2
            """, [.text(live), .text(rebuild.name)])
        var pairs: [(schema: String, live: String, beside: String)] = []
        for row in 0..<found.rowCount {
            let pair = (try found.text(row, 0) ?? "", try found.text(row, 1) ?? "", try found.text(row, 2) ?? "")
            if Rebuild.table(pair.1, tag: rebuild.tag) == pair.2 { pairs.append(pair) }
        }
        for pair in pairs { try exchange(pair, &connection) }
        // A table that only the new version has gets its name too.
        let alone = try connection.query(
            "SELECT table_schema, table_name FROM millrace.tables WHERE topology = $1", [.text(rebuild.name)])
        let suffix = "__\(rebuild.tag)"
        for row in 0..<alone.rowCount {
            let (schema, name) = (try alone.text(row, 0) ?? "", try alone.text(row, 1) ?? "")
            guard name.hasSuffix(suffix), !pairs.contains(where: { $0.schema == schema && $0.beside == name }) else {
                continue
            }
            try Self.dropBounds(of: schema, name, &connection)
            try rename(schema, name, to: String(name.dropLast(suffix.count)), of: rebuild.name, &connection)
        }
        for table in try Self.tablesByTopology(&connection) {
            for (from, to) in [(live, replaced.name), (rebuild.name, live)] {
                try connection.query(
                    "UPDATE millrace.\(table) SET topology = $2 WHERE topology = $1", [.text(from), .text(to)])
            }
        }
    }

    /// The table of the topology itself is put aside, and the other one takes its name, its readers and their views.
    private func exchange(
        _ pair: (schema: String, live: String, beside: String), _ connection: inout Connection
    ) throws {
        let views = try views(of: pair.schema, pair.live, &connection)
        let grants = try grants(of: pair.schema, pair.live, &connection)
        let aside = Rebuild.table(pair.live, tag: replaced.tag)
        try rename(pair.schema, pair.live, to: aside, of: rebuild.topology, &connection)
        try Self.dropBounds(of: pair.schema, pair.beside, &connection)
        try rename(pair.schema, pair.beside, to: pair.live, of: rebuild.name, &connection)
        for grant in grants { try connection.execute(grant) }
        for view in views { try connection.execute(view) }
    }

    private func rename(
        _ schema: String, _ name: String, to new: String, of topology: String, _ connection: inout Connection
    ) throws {
        try connection.execute(
            "ALTER TABLE \(SQLName.quote(schema)).\(SQLName.quote(name)) RENAME TO \(SQLName.quote(new))")
        try connection.query(
            "UPDATE millrace.tables SET table_name = $4 WHERE topology = $1 AND table_schema = $2 AND table_name = $3",
            [.text(topology), .text(schema), .text(name), .text(new)])
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
        try connection.execute("DROP VIEW \(SQLName.quote(schema)).\(SQLName.quote(name + "_bounds"))")
        try connection.execute("DROP FUNCTION IF EXISTS millrace.\(SQLName.quote(function))()")
    }

    /// Statements that make the views anew that read a table: by its name, whoever has it then.
    private func views(of schema: String, _ name: String, _ connection: inout Connection) throws -> [String] {
        let found = try connection.query(
            """
            SELECT DISTINCT format('CREATE OR REPLACE VIEW %I.%I %s AS %s', n.nspname, v.relname,
                'WITH (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid)), v.oid
            FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_namespace n ON n.oid = v.relnamespace
            WHERE d.refobjid = $1::text::regclass AND d.refclassid = 'pg_class'::regclass AND n.nspname <> 'millrace'
            ORDER BY 2
            """, [.text("\(SQLName.quote(schema)).\(SQLName.quote(name))")])
        return try (0..<found.rowCount).map { try found.text($0, 0) ?? "" }
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
            """, [.text("\(SQLName.quote(schema)).\(SQLName.quote(name))")])
        return try (0..<found.rowCount).map { try found.text($0, 0) ?? "" }
    }
}
