import Dataflow
import Postgres

/// Why a table cannot be written as things stand, and what can be done about it.
struct TableProblem {
    /// What stands in the way, without the table's name.
    var text: String
    /// Ways out of this one problem; none loses what is there.
    var choices: [String] = []
    /// Whether `--from-now` says that it is meant.
    var isAcceptable = false
    /// Whether reading again, by another topology or by this one, would mend it.
    var isMendedByReading = false
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
    private(set) var problems: [TableProblem] = []
    /// What a person should know although it stops nothing.
    private(set) var warnings: [String] = []
    /// Whether `millrace.tables` says that the topology has written rows.
    private(set) var hasRows = false
    /// What counts from here only, as `millrace.tables` remembers it.
    private var partial: [String] = []
    private var missing: Int64 = 0

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
        let entries = ledger.entries(of: sink.feed.topics, elsewhere: sink.feed.elsewhere)
        // Nothing read and nothing there: whatever the table was before, it begins now.
        let isFresh = entries.read == 0 && isEmpty
        if let own, !isFresh { compareDefinitions(own) }
        var columns = try wasThere ? TableColumns(of: place, &connection) : nil
        if let found = columns {
            try addColumns(found, own, &connection)
            let found = try TableColumns(of: place, &connection)
            columns = found
            try checkShape(found, isFresh ? nil : own, isFresh: isFresh, &connection)
        }
        if !isFresh { try checkHistory(own, entries, isEmpty: isEmpty, &connection) }
        guard problems.allSatisfy({ $0.isAcceptable && acceptsGaps }) else { return }
        warnings += problems.map { "table \(place.shown): \($0.text); accepted, it counts from here" }
        problems = []
        if !wasThere {
            try connection.execute(table.createStatement(place.quoted))
            place = try place.found(&connection)
            columns = try TableColumns(of: place, &connection)
        }
        hasRows = isEmpty ? false : own.map { $0.hasRows || $0.topology.isEmpty } ?? true
        try save(own, columns, isFresh: isFresh, &connection)
    }

    // MARK: - Whose it is

    /// The row about this table and topology: by name; by oid when somebody renamed the table; or one of the version
    /// before, which knew no topologies and kept names as they were written.
    private mutating func ownRecord(_ connection: inout Connection) throws -> TableRecord? {
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
    private func isThis(_ record: TableRecord) -> Bool {
        record.schema.isEmpty && (record.name == place.name || record.name == place.shown)
    }

    private mutating func checkKeepers() {
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
                            "if the topology was renamed, stop it and take what it has along: "
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

    private func renaming(_ old: String) -> String {
        let (from, to) = (SQLName.literal(old), SQLName.literal(topology))
        let updates = ["partitions", "dead_letters", "tables", "topologies"].map {
            "UPDATE millrace.\($0) SET topology = \(to) WHERE topology = \(from);"
        }
        return "BEGIN; " + updates.joined(separator: " ")
            + " DELETE FROM millrace.instances WHERE topology = \(from); COMMIT;"
    }

    // MARK: - What it means

    private mutating func compareDefinitions(_ own: TableRecord) {
        let isPrevious = own.topology.isEmpty
        let now = isPrevious ? TableDefinition(previous: sink.plan.previousDefinition) : sink.definition
        if isPrevious, own.definition == sink.plan.previousDefinition { return }
        let before = isPrevious ? TableDefinition(previous: own.definition) : TableDefinition(own.definition)
        let heads: Set<String> = ["window", "by", "grouping sets", "sets"]
        var events: [String] = []
        var hard: [String] = []
        for change in now.changes(since: before) {
            if heads.contains(change.key) {
                hard.append(change.text)
            } else if change.metric != nil {
                if change.before != nil, change.after != nil { hard.append(change.text) }
            } else {
                events.append(change.text)
            }
        }
        let back = "put the file back as it was"
        let another =
            "give the new meaning a table and a topology of its own (another `table:` and another `topology:` name, "
            + "`start: earliest`): it reads again what the sources still have, and this one goes on beside it"
        if !hard.isEmpty {
            problems.append(
                TableProblem(
                    text: "its rows mean something else than this file says: "
                        + (hard + events).joined(separator: "; "),
                    choices: [back, another]))
        } else if !events.isEmpty {
            partial.append("definition")
            let neutral =
                events.contains { $0.hasPrefix("field ") && $0.hasSuffix("is new") }
                ? ["a new field that this table does not use, with `on_type_error: null`, changes nothing for it"] : []
            problems.append(
                TableProblem(
                    text: "its rows were made of other events than this file's: " + events.joined(separator: "; "),
                    choices: [back] + neutral + [another], isAcceptable: true))
        }
    }

    /// The metrics that `own` knows as they are here.
    private func unchangedMetrics(_ own: TableRecord) -> Set<String> {
        let isPrevious = own.topology.isEmpty
        let now = isPrevious ? TableDefinition(previous: sink.plan.previousDefinition) : sink.definition
        let before = isPrevious ? TableDefinition(previous: own.definition) : TableDefinition(own.definition)
        let changed = Set(now.changes(since: before).compactMap(\.metric))
        return Set(table.metrics.map(\.name)).subtracting(changed)
    }

    // MARK: - Columns

    /// Columns that this version of Millrace keeps beside those of an earlier one are added; nobody has to.
    private mutating func addColumns(
        _ found: TableColumns, _ own: TableRecord?, _ connection: inout Connection
    ) throws {
        guard let own, problems.isEmpty else { return }
        let unchanged = unchangedMetrics(own)
        for metric in table.metrics where unchanged.contains(metric.name) {
            for column in metric.states where found[column.name] == nil && own.columns[column.name] == nil {
                guard SinkLimits.addedStateSuffixes.contains(where: column.name.hasSuffix) else { continue }
                try connection.execute(Self.addition([column], to: place))
            }
        }
    }

    private static func addition(_ columns: [TableColumn], to place: TablePlace) -> String {
        let additions = columns.map { column in
            var column = column
            // Rows that are there have no value.
            column.isNullable = true
            return "ADD COLUMN " + column.definition
        }
        return "ALTER TABLE \(place.quoted) \(additions.joined(separator: ", "));"
    }

    private mutating func checkShape(
        _ found: TableColumns, _ own: TableRecord?, isFresh: Bool, _ connection: inout Connection
    ) throws {
        let kept = Set(table.metrics.flatMap { $0.plain + $0.states }.map(\.name))
        let missing = table.columns.filter { found[$0.name] == nil }
        let mismatches = table.mismatches(found, except: own == nil ? [] : kept)
        if !mismatches.isEmpty {
            problems.append(
                TableProblem(
                    text: "it exists and has another shape: " + mismatches.joined(separator: "; "),
                    choices: [
                        "change the columns to what is expected",
                        isFresh
                            ? "remove it, since it is empty and nothing was read into it: DROP TABLE \(place.quoted);"
                            : "rename it, so that Millrace can make its own: ALTER TABLE \(place.quoted) RENAME TO …;",
                    ]))
        }
        guard let own else { return }
        let additions = missing.filter { kept.contains($0.name) }
        if !additions.isEmpty { problems.append(needs(additions)) }
        try checkNewColumns(found, own, &connection)
        checkColumnsLeftBehind(found, own, kept)
    }

    /// Metrics that came later: their columns are there because somebody has followed what `needs` says.
    private mutating func checkNewColumns(
        _ found: TableColumns, _ own: TableRecord, _ connection: inout Connection
    ) throws {
        let unchanged = unchangedMetrics(own)
        let isSameTable = own.place == database && own.oid == place.oid
        for metric in table.metrics {
            let columns = metric.plain + metric.states
            guard columns.allSatisfy({ found[$0.name] != nil }) else { continue }
            let isNew = !unchanged.contains(metric.name)
            let again = columns.filter { column in
                guard isSameTable, let number = own.columns[column.name] else { return false }
                return number != found[column.name]?.number
            }
            guard isNew || !again.isEmpty else { continue }
            partial.append("metric \(metric.name)")
            for column in isNew ? columns : again {
                let number = found[column.name]?.number ?? 0
                if isSameTable, let known = own.columnsKnown, number > known { continue }
                let isUsed = try connection.query(
                    "SELECT EXISTS (SELECT 1 FROM \(place.quoted) WHERE \(column.quoted) IS NOT NULL)")
                guard try isUsed.bool(0, 0) == true else { continue }
                problems.append(
                    TableProblem(
                        text:
                            "metric \(metric.name) is new, and its column \(column.name) holds values already, which it "
                            + "would go on from",
                        choices: [
                            "make it empty: ALTER TABLE \(place.quoted) DROP COLUMN \(column.quoted); "
                                + Self.addition([column], to: place)
                        ],
                        isAcceptable: true))
            }
            warnings.append(
                "table \(place.shown): metric \(metric.name) counts from here; rows of before have null in it, or a part"
            )
        }
    }

    private func needs(_ columns: [TableColumn]) -> TableProblem {
        let names = columns.map(\.name).joined(separator: ", ")
        var steps = [Self.addition(columns, to: place)]
        for metric in table.metrics {
            guard case .percentiles(let percentiles) = metric.function,
                !metric.states.contains(where: { columns.contains($0) })
            else { continue }
            for (column, percentile) in zip(metric.plain, percentiles) where columns.contains(column) {
                let sketch = metric.states.map(\.quoted).joined()
                steps.append(
                    "UPDATE \(place.quoted) SET \(column.quoted) = millrace.percentile(\(sketch), \(percentile.percent) / 100);"
                )
            }
        }
        return TableProblem(
            text: "it has no column \(names)",
            choices: [
                "add what is missing, and start again: " + steps.joined(separator: " ")
                    + " A metric added this way counts from then on: older rows have null in it, or a part",
                "or, to have it from the beginning, give it a table and a topology of its own (another `table:` and "
                    + "another `topology:` name, `start: earliest`), which reads again what the sources still have",
            ])
    }

    private mutating func checkColumnsLeftBehind(_ found: TableColumns, _ own: TableRecord, _ kept: Set<String>) {
        let isSameTable = own.place == database && own.oid == place.oid
        let left = own.columns.filter { column in
            guard !kept.contains(column.key), let there = found[column.key] else { return false }
            return !isSameTable || there.number == column.value
        }
        .keys.sorted()
        guard !left.isEmpty else { return }
        let drops = left.map { "DROP COLUMN " + SQLName.quote($0) }.joined(separator: ", ")
        problems.append(
            TableProblem(
                text:
                    "this file no longer computes its column \(left.joined(separator: ", ")), which would stand still in "
                    + "old rows and be null in new ones",
                choices: [
                    "put the metric back",
                    "or remove the column: ALTER TABLE \(place.quoted) \(drops);",
                ],
                isAcceptable: true))
    }

    // MARK: - Whether it holds what was read

    private mutating func checkHistory(
        _ own: TableRecord?, _ entries: [TopologyLedger.Entry], isEmpty: Bool, _ connection: inout Connection
    ) throws {
        guard let own else { return checkFirstUse(entries, isEmpty: isEmpty) }
        let knowsPlace = own.place == database
        if entries.read == 0 {
            // It is not empty, or it would be fresh.
            if own.hasRows || own.topology.isEmpty { rowsWithoutPositions() }
            return
        }
        if place.oid == nil || (knowsPlace && own.oid != place.oid) {
            let elsewhere = try knowsPlace ? Self.name(of: own.oid, &connection) : nil
            return lacks(
                place.oid == nil ? "it is gone" : "it was dropped and made again since the last start", entries,
                elsewhere: elsewhere)
        }
        if isEmpty, own.hasRows {
            guard knowsPlace else { return lacks("it was restored without its rows", entries) }
            if place.storage != 0, own.storage != place.storage { return lacks("it was emptied", entries) }
            warnings.append(
                "table \(place.shown): all its rows were deleted since the last start, of \(entries.summary); what they "
                    + "counted is gone, new rows are made from here")
        }
        checkFeed(own)
    }

    /// Whether the topology has read something for the table while it did not write it.
    private mutating func checkFeed(_ own: TableRecord) {
        if let left = own.leftRead {
            let since = ledger.entries(of: own.feed, elsewhere: []).read - left
            if since < 0 { return rowsWithoutPositions() }
            if since > 0 {
                gap("topology \(topology) ran without it for a while and read \(since) events, which it lacks", since)
            }
        }
        guard !own.topology.isEmpty else { return }
        let added = sink.feed.topics.subtracting(own.feed)
        let unknown = ledger.entries(of: added, elsewhere: sink.feed.elsewhere.union(own.feed))
        guard unknown.read > 0 else { return }
        gap(
            "it is fed by another source now, of which topology \(topology) has read \(unknown.summary) already, which the "
                + "table would lack", unknown.read)
    }

    private mutating func gap(_ text: String, _ count: Int64, choices: [String] = []) {
        missing = count
        partial.append("rows")
        problems.append(TableProblem(text: text, choices: choices, isAcceptable: true, isMendedByReading: true))
    }

    private static func name(of oid: Int64?, _ connection: inout Connection) throws -> String? {
        guard let oid else { return nil }
        let found = try connection.query(
            """
            SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid::bigint = $1
            """, [.int64(oid)])
        return found.rowCount == 1 ? try found.text(0, 0) : nil
    }

    private mutating func checkFirstUse(_ entries: [TopologyLedger.Entry], isEmpty: Bool) {
        let isKnown = records.contains { !$0.topology.isEmpty && ($0.schema, $0.name) == (place.schema, place.name) }
        if !isEmpty, !isKnown {
            partial.append("rows")
            problems.append(
                TableProblem(
                    text:
                        "it holds rows that no topology of this database has written (millrace.tables does not know it), "
                        + "and new ones would be added to them",
                    choices: [
                        "rename it, so that Millrace can make its own: ALTER TABLE \(place.quoted) RENAME TO …;",
                        "or empty it: TRUNCATE \(place.quoted);",
                    ],
                    isAcceptable: true))
        }
        if entries.read > 0 { lacks(place.oid == nil ? "it is new" : "it is new to this topology", entries) }
    }

    private mutating func lacks(_ what: String, _ entries: [TopologyLedger.Entry], elsewhere: String? = nil) {
        gap(
            "\(what), and topology \(topology) has read \(entries.summary) already, which the table would lack",
            entries.read,
            choices: elsewhere.map {
                ["what was the table is called \($0) now: write `table: \($0)`, or give it its name back"]
            } ?? [])
    }

    private mutating func rowsWithoutPositions() {
        partial.append("rows")
        problems.append(
            TableProblem(
                text: "it holds rows, and the positions of topology \(topology) that belong to them are gone "
                    + "(millrace.partitions): everything read again would count twice",
                choices: ["empty it, so that it is read again from the start: TRUNCATE \(place.quoted);"],
                isAcceptable: true))
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
        try record.saveCompleteFrom(partial, missing: missing, &connection)
    }
}
