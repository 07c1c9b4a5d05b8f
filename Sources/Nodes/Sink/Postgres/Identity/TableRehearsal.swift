package import Dataflow
import Postgres

/// What a start of this topology would do to one of its tables.
package struct TableFate: Sendable, Equatable {
    package enum Kind: String, Sendable, Codable {
        /// It goes on as it is.
        case keep
        /// It is made.
        case new
        /// It gets columns.
        case alter
        /// It goes on, and lacks something of what was read before.
        case partial
        /// A person has to decide; the topology does not start.
        case refused
        /// The file no longer writes it.
        case left
    }

    package var kind: Kind
    /// The sink's node, of one that is left the node that wrote it.
    package var sink: String
    /// `schema.table`
    package var table: String
    /// What changes, or stands in the way, a sentence each.
    package var reasons: [String] = []
    /// For a refusal, the ways out.
    package var choices: [String] = []
    /// How a new one is made, at the start.
    package var creation: String?
    /// What is to be executed before the topology starts.
    package var statements: [String] = []
    /// Rows that are there, as far as known without reading them all.
    package var rows: Int64 = 0
    /// Bytes that the table takes with its indexes.
    package var bytes: Int64 = 0
}

/// What a start would do to the tables, found by doing it, in a transaction that is rolled back.
package struct TableRehearsal: Sendable {
    package var fates: [TableFate] = []
    /// What of the topology's definition has changed since it was registered last, a sentence each.
    package var changes: [String] = []

    /// Nothing to do.
    package init() {}

    /// Whether the topology would start, once `statements` of all tables have been executed.
    package var isPossible: Bool { !fates.contains { $0.kind == .refused } }
    /// Whether it would start only when what is missing is accepted.
    package var hasGaps: Bool { fates.contains { $0.kind == .partial } }
}

extension SchemaSetup {
    /// Does what `run` does but for registering, mends what can be mended without losing anything, and takes all back.
    /// - Throws: `SinkError`, `PostgresError`.
    func rehearse(_ connection: inout Connection) throws -> TableRehearsal {
        defer { try? connection.execute("ROLLBACK") }
        try connection.begin(.setup) { $0.query("SELECT pg_advisory_xact_lock($1)", [.int64(Self.lockKey)]) }
        try BookkeepingSchema.prepare(functions, &connection)
        let places = try sinks.map { try TablePlace.find($0.table, &connection) }
        try refuseOverlaps(places, &connection)
        let tables = zip(sinks, places).map { sink, place in
            SummaryTable(place: place, name: sink.table, plan: sink.plan)
        }
        var rehearsal = TableRehearsal()
        if let current = try registration.current(&connection) {
            rehearsal.changes = definition(tables).changes(since: TableDefinition(current.definition)).map(\.text)
        }
        // Counting is done before anything is locked.
        var sizes = try places.map { try size(of: $0, &connection) }
        let records = try TableRecord.all(&connection)
        let left = try left(of: records, keeping: places, &connection)
        for admission in try admissions(places, tables, records, &connection) {
            rehearsal.fates.append(try fate(admission, sizes.removeFirst(), &connection))
        }
        rehearsal.fates += left
        // What the rows of a table mean that nobody writes has not changed.
        rehearsal.changes.removeAll { change in
            change.hasSuffix(" is gone")
                && left.contains { change.hasPrefix("\($0.table) ") || change.hasPrefix("table \($0.table) ") }
        }
        return rehearsal
    }

    /// Tables that are there, that the topology has written, and that its file no longer does.
    private func left(
        of records: [TableRecord], keeping places: [TablePlace], _ connection: inout Connection
    ) throws -> [TableFate] {
        try self.left(of: records, keeping: places).compactMap { record in
            let found = try connection.query(
                """
                SELECT c.oid::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname::text = $1 AND c.relname::text = $2 AND c.relkind IN ('r', 'p')
                """, [.text(record.schema), .text(record.name)])
            guard found.rowCount == 1 else { return nil }
            let place = TablePlace(schema: record.schema, name: record.name, oid: try found.int64(0, 0))
            var fate = TableFate(kind: .left, sink: record.sink, table: place.shown)
            (fate.rows, fate.bytes) = try size(of: place, &connection)
            return fate
        }
    }

    private func size(of place: TablePlace, _ connection: inout Connection) throws -> (rows: Int64, bytes: Int64) {
        guard let oid = place.oid else { return (0, 0) }
        let size = try connection.query(
            """
            WITH stored AS (
                SELECT greatest(sum(k.relpages), 0) AS pages, greatest(sum(greatest(k.reltuples, 0)), 0)::bigint AS rows,
                    sum(pg_total_relation_size(k.oid))::bigint AS bytes
                FROM pg_class k WHERE k.oid::bigint = $1
                    OR k.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent::bigint = $1)
            )
            SELECT CASE WHEN pages < 20000 THEN (SELECT count(*) FROM \(place.quoted)) ELSE rows END, bytes FROM stored
            """, [.int64(oid)])
        return (try size.int64(0, 0) ?? 0, try size.int64(0, 1) ?? 0)
    }

    private func fate(
        _ planned: TableAdmission, _ size: (rows: Int64, bytes: Int64), _ connection: inout Connection
    ) throws -> TableFate {
        var fate = TableFate(kind: .keep, sink: planned.sink.name, table: planned.place.shown)
        (fate.rows, fate.bytes) = size
        if planned.place.oid == nil {
            fate.kind = .new
            fate.creation = planned.table.createStatement(
                planned.place.quoted, isPartitioned: planned.sink.keep != nil)
        }
        var admission = planned
        try admission.run(&connection)
        var open = admission.problems
        // What mends a table may bring to light what else there is to mend. What would write all rows is not executed; it is
        // taken to do what it is for.
        var (mended, trusted) = (Set<String>(), Set<String>())
        while open.allSatisfy({ $0.isAcceptable || !$0.remedy.isEmpty }) {
            let next = open.filter { !$0.remedy.isEmpty && mended.insert($0.text).inserted }
            if next.isEmpty { break }
            fate.kind = .alter
            for problem in next {
                fate.reasons.append(problem.text)
                fate.statements += problem.remedy.map(\.sql)
                if problem.remedy.contains(where: \.rewrites) { trusted.insert(problem.text) }
                for step in problem.remedy where !step.rewrites { try connection.execute(step.sql) }
            }
            admission = planned
            admission.place = try planned.place.found(&connection)
            try admission.run(&connection)
            open = admission.problems.filter { !trusted.contains($0.text) }
        }
        fate.reasons += (open.map(\.text) + admission.warnings).filter { !fate.reasons.contains($0) }
        let partitions =
            planned.place.oid == nil ? nil : try TablePartitions(of: planned.place, planned.sink, &connection)
        if let old = try partitions?.old(&connection) {
            fate.reasons.append(
                "keep: once it runs, \(old.rows) row\(old.rows == 1 ? " is" : "s are") dropped, those of windows that began "
                    + "before \(old.end)")
        }
        guard !open.isEmpty else { return fate }
        if open.allSatisfy(\.isAcceptable) {
            if fate.kind != .new || open.contains(where: \.isMendedByReading) { fate.kind = .partial }
        } else {
            fate.kind = .refused
            fate.choices = open.flatMap(\.choices)
        }
        return fate
    }
}

extension PostgresTarget {
    /// What a start of this topology would do to its tables; changes nothing.
    /// - Parameter context: ends the wait for a database that does not answer, and for locks.
    /// - Throws: `SinkError`, `WaitCancelled`.
    package func rehearse(_ context: CommitContext) throws -> TableRehearsal {
        let setup = SchemaSetup(
            registration: registration, sinks: sinks, functions: SketchFunctions.script, acceptsGaps: false)
        return try commits.run(context) { connection, _ in try setup.rehearse(&connection) }
    }

    /// Executes statements of a rehearsal, all or none.
    package func execute(_ statements: [String], _ context: CommitContext) throws {
        guard !statements.isEmpty else { return }
        try commits.run(context) { connection, _ in
            try connection.begin(.setup)
            for statement in statements { try connection.execute(statement) }
            try connection.commit()
        }
    }
}
