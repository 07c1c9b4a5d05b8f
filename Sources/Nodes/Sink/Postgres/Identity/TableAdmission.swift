import Dataflow
import Declaration
import Postgres

/// Why a table cannot be written as things stand, and what can be done about it.
struct TableProblem {
    /// What stands in the way, without the table's name.
    var text: String
    /// Ways out of this one problem; none loses what is there.
    var choices: [String] = []
    /// What mends it and loses nothing.
    var remedy: [TableRemedy] = []
    /// Whether `--from-now` says that it is meant.
    var isAcceptable = false
    /// Whether reading again, by another topology or by this one, would mend it.
    var isMendedByReading = false
}

/// A statement that mends a table.
struct TableRemedy {
    var sql: String
    /// Whether it reads or writes all rows, and so may take long.
    var rewrites = false
}

/// One table at the start of a topology: may it write the table, and does the table hold what the positions say?
struct TableAdmission {
    let topology: String
    let sink: TableSink
    let table: SummaryTable
    /// Names the database that oids are of.
    let database: String
    let ledger: TopologyLedger
    /// All of `millrace.tables`.
    let records: [TableRecord]
    /// Whether what is missing is accepted.
    let acceptsGaps: Bool

    var place: TablePlace
    var problems: [TableProblem] = []
    /// What a person should know although it stops nothing.
    var warnings: [String] = []
    /// Whether `millrace.tables` says that the topology has written rows.
    var hasRows = false
    /// What counts from here only, as `millrace.tables` remembers it.
    var partial: [String] = []

    init(
        topology: String, sink: TableSink, table: SummaryTable, place: TablePlace, database: String,
        ledger: TopologyLedger, records: [TableRecord], acceptsGaps: Bool
    ) {
        self.topology = topology
        self.sink = sink
        self.table = table
        self.place = place
        self.database = database
        self.ledger = ledger
        self.records = records
        self.acceptsGaps = acceptsGaps
    }

    /// Looks at everything; makes the table if it may, and remembers what was found.
    mutating func run(_ connection: inout Connection) throws {
        let own = try ownRecord(&connection)
        checkKeepers()
        guard problems.isEmpty else { return }
        let wasThere = place.oid != nil
        let isEmpty = try !place.hasRows(&connection)
        // A topic that fed it before and does not now is none of the files that may feed it now.
        let former = (own?.feed ?? []).subtracting(sink.feed.topics)
        let entries = ledger.entries(of: sink.feed.topics, elsewhere: sink.feed.elsewhere.union(former))
        // Nothing read and nothing there: whatever the table was before, it begins now.
        let isFresh = entries.read == 0 && isEmpty
        if let own, !isFresh { compareDefinitions(own) }
        var columns = try wasThere ? TableColumns(of: place, &connection) : nil
        if let found = columns {
            try addColumns(found, own, &connection)
            let found = try TableColumns(of: place, &connection)
            columns = found
            try checkShape(found, own, isFresh: isFresh, &connection)
            try checkGenerated(found, &connection)
            try checkPartitions(isEmpty: isEmpty, &connection)
        }
        if !isFresh { try checkHistory(own, entries, isEmpty: isEmpty, &connection) }
        guard problems.allSatisfy({ $0.isAcceptable && acceptsGaps }) else { return }
        warnings += problems.map { "table \(place.shown): \($0.text); accepted, it counts from here" }
        problems = []
        if !wasThere {
            try connection.execute(table.createStatement(place.quoted, isPartitioned: sink.keep != nil))
            place = try place.found(&connection)
            columns = try TableColumns(of: place, &connection)
        }
        hasRows = isEmpty ? false : own.map { $0.hasRows || $0.topology.isEmpty } ?? true
        try save(own, columns, isFresh: isFresh, &connection)
    }

    /// Says in the database what the table holds, and makes the view of bounds beside it.
    mutating func describe(_ connection: inout Connection) throws {
        try TableComments(table, sink, topology: topology, at: place).write(&connection)
        if let problem = try BoundsView(of: table, at: place)?.update(&connection) { warnings.append(problem) }
    }

    // MARK: - Whose it is

    /// The row about this table and topology: by name; by oid when somebody renamed the table; or one of the version
    /// before, which knew no topologies and kept names as they were written.
    mutating func ownRecord(_ connection: inout Connection) throws -> TableRecord? {
        let named = records.first { $0.topology == topology && ($0.schema, $0.name) == (place.schema, place.name) }
        if let named { return named }
        if let oid = place.oid {
            let renamed = records.first { $0.topology == topology && $0.place == database && $0.oid == oid }
            if let renamed {
                warnings.append(
                    "table \(place.shown): it was \(renamed.shown) at the last start; it goes on under its new name")
                return renamed
            }
        }
        guard place.oid != nil else { return nil }
        return records.first { $0.topology.isEmpty && isThis($0) }
    }

    /// Whether a row of the version before is about this table.
    func isThis(_ record: TableRecord) -> Bool {
        record.schema.isEmpty && (record.name == place.name || record.name == place.shown)
    }

    mutating func checkKeepers() {
        let others = records.filter { other in
            guard !other.topology.isEmpty, other.topology != topology else { return false }
            let isSameTable = other.place == database && place.oid != nil && other.oid == place.oid
            return isSameTable || (other.schema, other.name) == (place.schema, place.name)
        }
        for other in others {
            guard sink.isShared, other.isShared else {
                let sides =
                    sink.isShared
                    ? "its sink there does not say `shared: true`"
                    : other.isShared ? "this sink does not say it" : "neither sink says it"
                problems.append(
                    TableProblem(
                        text:
                            "topology \(other.topology) keeps it (its sink \(other.sink)); every event that both read "
                            + "would count twice",
                        choices: [
                            "if the topology was renamed: millrace rename where it is deployed, else stop it and take "
                                + "what it has along: "
                                + renaming(other.topology),
                            "if both are to write the table, say `shared: true` in both sinks (\(sides)) and start "
                                + "\(other.topology) first",
                            "if this is something else, give it a table of its own",
                        ]))
                continue
            }
            let rows = TableDefinition(rows: sink.plan.definitionLines, events: [])
            let keys = Set(rows.lines.map(\.key))
            let theirs = TableDefinition(other.definition).lines.filter { line in
                keys.contains(line.key) || line.key.hasPrefix("metric ") || line.key == "grouping sets"
            }
            let changes = rows.changes(since: TableDefinition(theirs))
            guard !changes.isEmpty else { continue }
            problems.append(
                TableProblem(
                    text: "topology \(other.topology) shares it and summarizes otherwise: "
                        + changes.map(\.text).joined(separator: "; "),
                    choices: ["use the same window, keys and metrics in both, or a table of its own"]))
        }
    }

    func renaming(_ old: String) -> String {
        let (from, to) = (SQLName.literal(old), SQLName.literal(topology))
        let updates = ["partitions", "dead_letters", "tables", "topologies"].map {
            "UPDATE millrace.\($0) SET topology = \(to) WHERE topology = \(from);"
        }
        return "BEGIN; " + updates.joined(separator: " ")
            + " DELETE FROM millrace.instances WHERE topology = \(from); COMMIT;"
    }

    // MARK: - Remembering

    private func save(
        _ own: TableRecord?, _ columns: TableColumns?, isFresh: Bool, _ connection: inout Connection
    ) throws {
        var record = TableRecord(
            schema: place.schema, name: place.name, topology: topology, definition: sink.definition.text)
        record.sink = sink.name
        record.isShared = sink.isShared
        record.feed = sink.feed.topics
        record.formerFeed = formerFeed(own)
        record.nodes = sink.nodesInFront
        for metric in table.metrics {
            for column in metric.plain + metric.states {
                record.columns[column.name] = columns?[column.name]?.number
            }
        }
        record.columnsKnown = columns?.highest
        record.hasRows = hasRows
        record.place = database
        record.oid = place.oid
        record.storage = place.storage
        try record.save(replacing: own, &connection)
        if isFresh { return try record.clearCompleteFrom(&connection) }
        let before = ledger.entries(of: sink.feed.topics, elsewhere: sink.feed.elsewhere).read
        try record.saveCompleteFrom(partial, eventsBefore: before, &connection)
    }
}
