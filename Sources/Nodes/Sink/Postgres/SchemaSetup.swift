import Dataflow
import Declaration
import Postgres
import Summaries

/// What a topology needs in its database before it runs: schema `millrace`, its tables, and the certainty that they are
/// its own, mean what its file says and hold what its positions say.
///
/// Everything happens in one transaction, behind one advisory lock; a refused start leaves nothing behind.
struct SchemaSetup {
    /// Any number of instances may start at once: they take turns.
    static let lockKey: Int64 = 0x6d69_6c6c_7261_6365

    let registration: Registration
    let sinks: [TableSink]
    let functions: String
    /// Whether tables that lack something are accepted as they are (`--from-now`).
    let acceptsGaps: Bool
    /// Whether a definition that is not registered is made the one that may run.
    var mayRegister = true

    /// How a setup ends.
    enum Outcome {
        case ready(Prepared)
        /// Instances of another definition were alive not long ago.
        case waiting([Registration.Sighting])
    }

    /// What a start has found and made.
    struct Prepared {
        /// For each sink, where its table is.
        var places: [TablePlace]
        /// For each sink, whether `millrace.tables` says that it has written rows.
        var hasRows: [Bool]
        /// The definition that is registered.
        var definition: TableDefinition
        /// For each sink, the partitions of its table, nil for one whose rows are kept for good.
        var partitions: [TablePartitions?]
        /// For each sink, before what moment rows of its table were dropped, in microseconds since 1970; nil for none.
        var droppedBefore: [Int64?]
        /// What a person should know.
        var warnings: [String]
    }

    private var topology: String { registration.topology }

    /// Sets everything up.
    /// - Parameter known: instances of another definition that were seen in an earlier try; one that was seen again since
    ///   is alive.
    /// - Throws: `SinkError` when a person has to decide, `PostgresError` when the database refuses.
    func run(_ known: [Registration.Sighting], _ connection: inout Connection) throws -> Outcome {
        try connection.begin(.setup) { $0.query("SELECT pg_advisory_xact_lock($1)", [.int64(Self.lockKey)]) }
        try BookkeepingSchema.prepare(functions, &connection)
        let places = try sinks.map { try TablePlace.find($0.table, &connection) }
        try refuseOverlaps(places, &connection)
        let tables = zip(sinks, places).map { sink, place in
            SummaryTable(place: place, name: sink.table, plan: sink.plan)
        }
        let definition = definition(tables)
        let current = try registration.current(&connection)
        let isNew = current?.digest != definition.digest
        if isNew, !mayRegister { throw registration.unregistered(definition, current) }
        if isNew {
            let others = try registration.others(than: definition.digest, &connection)
            if let alive = others.first(where: { other in
                known.contains { $0.instance == other.instance && $0.seenAt < other.seenAt }
            }) {
                throw registration.refusal(of: definition, current, alive: alive)
            }
            guard others.isEmpty else {
                try connection.execute("ROLLBACK")
                return .waiting(others)
            }
            try registration.register(definition, &connection)
        }
        let prepared = try admit(places, tables, definition, &connection)
        try StepBook.forgetOthers(
            than: zip(sinks, prepared.places).filter { $0.0.step != nil }.map(\.1), of: topology, &connection)
        try registration.signIn(definition.digest, &connection)
        try connection.execute("COMMIT")
        return .ready(prepared)
    }

    /// What must be the same in all instances of the topology: the tables with their columns, and what their rows mean.
    func definition(_ tables: [SummaryTable]) -> TableDefinition {
        let parts = zip(sinks, tables).sorted {
            ($0.1.place.schema, $0.1.place.name) < ($1.1.place.schema, $1.1.place.name)
        }
        return TableDefinition(
            parts.flatMap { sink, table in
                let columns = table.plain.map(\.name).sorted().joined(separator: ", ")
                let generated = sink.plan.generated.sorted { $0.name < $1.name }.map {
                    DefinitionLine("\(table.place.shown) column \($0.name)", $0.text)
                }
                return [DefinitionLine("table \(table.place.shown)", columns)] + generated
                    + sink.definition.lines.map { DefinitionLine("\(table.place.shown) \($0.key)", $0.value) }
            })
    }

    // MARK: - Two names of one table

    func refuseOverlaps(_ places: [TablePlace], _ connection: inout Connection) throws {
        for (index, place) in places.enumerated() {
            guard let first = places[..<index].firstIndex(where: { ($0.schema, $0.name) == (place.schema, place.name) })
            else { continue }
            throw SinkError(
                code: .tableTaken,
                description: "table \(place.shown): sinks \(sinks[first].name) (table: \(sinks[first].table)) and "
                    + "\(sinks[index].name) (table: \(sinks[index].table)) both write it, so every event would count "
                    + "twice; give one of them another table")
        }
        for (sink, place) in zip(sinks, places) {
            let relatives = try place.relatives(&connection)
            for (other, theirs) in zip(sinks, places) where theirs.oid != nil && theirs.oid != place.oid {
                guard let name = theirs.oid.flatMap({ relatives.above[$0] }) else { continue }
                throw SinkError(
                    code: .tableTaken,
                    description:
                        "table \(place.shown), which sink \(sink.name) writes, is a part of \(name), which sink "
                        + "\(other.name) writes: whoever reads \(name) would count its events twice; give one of them another "
                        + "table")
            }
            guard !relatives.below.isEmpty, try !place.isPartitioned(&connection) else { continue }
            throw SinkError(
                code: .tableMismatch,
                description: "table \(place.shown): other tables inherit from it "
                    + "(\(relatives.below.values.sorted().prefix(3).joined(separator: ", "))), so a row may be there twice and "
                    + "no key prevents it; expected a table without children, or one that is declared PARTITION BY, such as: "
                    + "CREATE TABLE … (…) PARTITION BY RANGE (window_start);")
        }
    }

    /// Refuses a table that is a part of another topology's, or the other way round.
    private func refuseForeignOverlaps(
        _ places: [TablePlace], _ records: [TableRecord], _ database: String, _ connection: inout Connection
    ) throws {
        for place in places {
            let relatives = try place.relatives(&connection)
            for record in records where record.place == database && record.topology != topology {
                guard let name = record.oid.flatMap({ relatives.above[$0] ?? relatives.below[$0] }) else { continue }
                throw SinkError(
                    code: .tableTaken,
                    description:
                        "table \(place.shown) shares rows with \(name), which topology \(record.topology) keeps: one "
                        + "is a part of the other; give this sink a table of its own")
            }
        }
    }

    // MARK: - What the tables hold

    private func admit(
        _ places: [TablePlace], _ tables: [SummaryTable], _ definition: TableDefinition,
        _ connection: inout Connection
    ) throws -> Prepared {
        // Locked, since commits mark their tables as having rows.
        try connection.query("SELECT 1 FROM millrace.tables FOR UPDATE")
        let records = try TableRecord.all(&connection)
        var admissions = try admissions(places, tables, records, &connection)
        for index in admissions.indices { try admissions[index].run(&connection) }
        let refused = admissions.filter { !$0.problems.isEmpty }
        guard refused.isEmpty else {
            throw StartRefusal(topology: topology, refused: refused, all: admissions, records: records).error
        }
        let refusers = LetterRefusers(of: topology, records, admissions)
        if mayRegister { try refusers.renew(&connection) } else { try refusers.check() }
        let ledger = try ledger(&connection)
        try remember(left: records, ledger, keeping: admissions.map(\.place), &connection)
        for index in admissions.indices { try admissions[index].describe(&connection) }
        let partitions = try zip(admissions, sinks).map { try TablePartitions(of: $0.place, $1, &connection) }
        let dropped = try admissions.map { try TableRecord.droppedBefore($0.place, &connection) }
        return Prepared(
            places: admissions.map(\.place), hasRows: admissions.map(\.hasRows), definition: definition,
            partitions: partitions, droppedBefore: dropped, warnings: admissions.flatMap(\.warnings))
    }

    /// The tables as they come before the gate.
    func admissions(
        _ places: [TablePlace], _ tables: [SummaryTable], _ records: [TableRecord], _ connection: inout Connection
    ) throws -> [TableAdmission] {
        let database = try Self.database(&connection)
        try refuseForeignOverlaps(places, records, database, &connection)
        let ledger = try ledger(&connection)
        return zip(zip(sinks, tables), places).map { pair, place in
            TableAdmission(
                topology: topology, sink: pair.0, table: pair.1, place: place, database: database, ledger: ledger,
                records: records, acceptsGaps: acceptsGaps)
        }
    }

    /// Tables that the topology kept and keeps no longer: what it reads from now on, they lack.
    private func remember(
        left records: [TableRecord], _ ledger: TopologyLedger, keeping places: [TablePlace],
        _ connection: inout Connection
    ) throws {
        for var record in left(of: records, keeping: places) {
            record.leftRead = ledger.entries(of: record.feed, elsewhere: []).read
            record.nodes = nil
            try record.save(replacing: record, &connection)
        }
    }

    /// Those of the topology's tables that it kept until now, and does not keep any longer.
    func left(of records: [TableRecord], keeping places: [TablePlace]) -> [TableRecord] {
        records.filter { record in
            guard record.topology == topology, record.leftRead == nil else { return false }
            return !places.contains { place in
                (place.schema, place.name) == (record.schema, record.name)
                    || (place.oid == record.oid && record.oid != nil)
            }
        }
    }

    private func ledger(_ connection: inout Connection) throws -> TopologyLedger {
        let found = try connection.query(
            """
            SELECT topic, sum(read)::bigint, sum(applied)::bigint FROM millrace.partitions WHERE topology = $1
            GROUP BY topic ORDER BY topic
            """, [.text(topology)])
        return TopologyLedger(
            entries: try (0..<found.rowCount).map { row in
                TopologyLedger.Entry(
                    topic: try found.text(row, 0) ?? "", read: try found.int64(row, 1) ?? 0,
                    applied: try found.int64(row, 2) ?? 0)
            })
    }

    /// Names this database and this copy of it: a dump that was read back has other oids for everything, this table
    /// included, and a copied cluster that went its own way another system.
    private static func database(_ connection: inout Connection) throws -> String {
        try connection.query(
            """
            SELECT concat_ws('/', CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE')
                    THEN (SELECT system_identifier::text FROM pg_control_system()) END,
                (SELECT oid::text FROM pg_database WHERE datname = current_database()),
                'millrace.tables'::regclass::oid::text)
            """
        ).text(0, 0) ?? ""
    }
}
