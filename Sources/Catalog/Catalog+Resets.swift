import Postgres

/// What beginning anew throws away.
package struct ResetScope: Codable, Sendable, Equatable {
    /// A table that is emptied.
    package struct Table: Codable, Sendable, Equatable {
        package var schema: String
        package var name: String
        /// Rows, of a large table as far as known without reading it.
        package var rows: Int64

        package var shown: String { "\(schema).\(name)" }
    }

    package var topology: String
    package var tables: [Table]
    /// Whether the topology reads again from the beginning; not when one table alone is emptied.
    package var readsAgain: Bool
    /// Messages that were read, and are to be read again, or are missing from the table.
    package var messages: Int64
    /// Dead letters that go.
    package var deadLetters: Int64
}

/// Beginning anew.
extension Catalog {
    /// What a reset would throw away.
    /// - Parameter table: the only table that is emptied, by its name, with its schema or without; nil for all.
    /// - Throws: `CatalogError` when it may not be done.
    package mutating func resetScope(of topology: String, table: String?) throws -> ResetScope {
        guard try deployments().contains(where: { $0.topology == topology }) else { throw try unknown(topology) }
        let all = try tables(of: topology)
        let chosen = all.filter { table == nil || table == $0.name || table == "\($0.schema).\($0.name)" }
        guard !chosen.isEmpty else {
            let known = all.map { "\($0.schema).\($0.name)" }.joined(separator: ", ")
            throw CatalogError(
                code: .elsewhere,
                description: all.isEmpty
                    ? "topology \(topology) keeps no tables in this database; there is nothing to reset"
                    : "topology \(topology) keeps no table \(table ?? ""), expected one of \(known)")
        }
        guard table == nil || chosen.count == 1 else {
            throw CatalogError(
                code: .elsewhere,
                description: "topology \(topology) keeps several tables \(table ?? ""); give the schema too, one of "
                    + chosen.map { "\($0.schema).\($0.name)" }.joined(separator: ", "))
        }
        var scope = ResetScope(topology: topology, tables: [], readsAgain: table == nil, messages: 0, deadLetters: 0)
        for (schema, name) in chosen {
            guard try exists(Self.quoted(schema, name)) else {
                // With all of them, it is made anew by the next start.
                if scope.readsAgain { continue }
                throw CatalogError(
                    code: .elsewhere,
                    description:
                        "topology \(topology): its table \(schema).\(name) is gone, so there is nothing to empty; millrace reset "
                        + "\(topology) without --table makes its tables anew and reads again what its sources still have"
                )
            }
            let found = try connection.query(
                """
                SELECT CASE WHEN c.relpages < 20000 THEN (SELECT count(*) FROM \(Self.quoted(schema, name)))
                        ELSE greatest(c.reltuples, 0)::bigint END,
                    (SELECT bool_or(t.shared) FROM millrace.tables t
                    WHERE (t.table_schema, t.table_name) = ($2, $3))
                FROM pg_class c WHERE c.oid = $1::text::regclass
                """, [.text(Self.quoted(schema, name)), .text(schema), .text(name)])
            if try found.bool(0, 1) == true {
                throw CatalogError(
                    code: .elsewhere,
                    description:
                        "topology \(topology): table \(schema).\(name) is shared with other topologies, whose rows "
                        + "it holds too; delete what is this one's by hand")
            }
            scope.tables.append(.init(schema: schema, name: name, rows: try found.int64(0, 0) ?? 0))
        }
        let counts = try connection.query(
            """
            SELECT (SELECT coalesce(sum(read), 0)::bigint FROM millrace.partitions WHERE topology = $1),
                (SELECT count(*) FROM millrace.dead_letters WHERE topology = $1)
            """, [.text(topology)])
        scope.messages = try counts.int64(0, 0) ?? 0
        scope.deadLetters = table == nil ? try counts.int64(0, 1) ?? 0 : 0
        return scope
    }

    /// Empties tables, in one transaction. With all of them go positions and dead letters, so that the topology reads again
    /// what its sources still have; a table alone counts from here.
    ///
    /// The topology must have stopped.
    /// - Parameter base: what was deployed when it was paused.
    package mutating func reset(_ scope: ResetScope, _ base: DeploymentBase) throws {
        try changingTables(of: scope.topology) { connection in
            try Self.holdPaused(scope.topology, base, &connection)
            try Self.excludeReplays(of: [scope.topology], &connection)
            try Self.takeTickets(scope.tables.map { ($0.schema, $0.name) }, &connection)
            for table in scope.tables {
                try connection.execute("TRUNCATE \(Self.quoted(table.schema, table.name))")
            }
            try StepMarks.tablesChanged(of: scope.topology, &connection)
            guard !scope.readsAgain else {
                let names = ["partitions", "dead_letters", "lookup_generations", "lookup_ranges"]
                for name in names {
                    try connection.query("DELETE FROM millrace.\(name) WHERE topology = $1", [.text(scope.topology)])
                }
                return
            }
            for table in scope.tables {
                // As the start remembers a gap that was accepted.
                try connection.query(
                    """
                    UPDATE millrace.tables SET has_rows = false,
                        storage = (SELECT relfilenode::bigint FROM pg_class WHERE oid = $4::text::regclass),
                        complete_from = coalesce(complete_from, '{}') || jsonb_build_object('rows', jsonb_build_object(
                            'since', now(), 'events_before', (SELECT coalesce(sum(read), 0)::bigint
                                FROM millrace.partitions p WHERE p.topology = $1), 'positions',
                            (SELECT jsonb_object_agg(p.topic || '/' || p.partition, p.next_offset)
                                FROM millrace.partitions p WHERE p.topology = $1)))
                    WHERE topology = $1 AND table_schema = $2 AND table_name = $3
                    """,
                    [
                        .text(scope.topology), .text(table.schema), .text(table.name),
                        .text(Self.quoted(table.schema, table.name)),
                    ])
            }
        }
    }
}
