import Declaration
import Postgres
import Summaries

/// Whether the table's rows mean what the file says, and whether its columns are those of its metrics.
extension TableAdmission {
    mutating func compareDefinitions(_ own: TableRecord) {
        let isPrevious = own.topology.isEmpty
        let now = isPrevious ? TableDefinition(previous: sink.plan.previousDefinition) : sink.definition
        if isPrevious, own.definition == sink.plan.previousDefinition { return }
        let before = isPrevious ? TableDefinition(previous: own.definition) : TableDefinition(own.definition)
        let heads: Set<String> = ["window", "by", "grouping sets", "sets"]
        var events: [String] = []
        var hard: [String] = []
        let known = Set(before.lines.map(\.key))
        for change in now.changes(since: before) {
            if !known.contains(change.key), change.addsHarmlessField { continue }
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
                ? ["a new field with `on_type_error: null`, and not `required`, changes nothing for a table"]
                : []
            problems.append(
                TableProblem(
                    text: "its rows were made of other events than this file's: " + events.joined(separator: "; "),
                    choices: [back] + neutral + [another], isAcceptable: true))
        }
    }

    /// The metrics that `own` knows as they are here.
    func unchangedMetrics(_ own: TableRecord) -> Set<String> {
        let isPrevious = own.topology.isEmpty
        let now = isPrevious ? TableDefinition(previous: sink.plan.previousDefinition) : sink.definition
        let before = isPrevious ? TableDefinition(previous: own.definition) : TableDefinition(own.definition)
        let changed = Set(now.changes(since: before).compactMap(\.metric))
        return Set(table.metrics.map(\.name)).subtracting(changed)
    }

    /// The metrics that `own` knows, as they are here or otherwise.
    private func metricsBefore(_ own: TableRecord) -> Set<String> {
        let before = own.topology.isEmpty ? TableDefinition(previous: own.definition) : TableDefinition(own.definition)
        return Set(before.metricNames)
    }

    // MARK: - Columns

    /// Columns that this version of Millrace keeps beside those of an earlier one are added; nobody has to.
    mutating func addColumns(
        _ found: TableColumns, _ own: TableRecord?, _ connection: inout Connection
    ) throws {
        guard let own, problems.isEmpty else { return }
        let unchanged = unchangedMetrics(own)
        for metric in table.metrics where unchanged.contains(metric.name) {
            for column in metric.columns where column.isAddedLater {
                guard found[column.name] == nil, own.columns[column.name] == nil else { continue }
                try connection.execute(Self.addition([TableColumn(column)], to: place))
            }
        }
    }

    static func addition(_ columns: [TableColumn], to place: TablePlace) -> String {
        let additions = columns.map { column in
            var column = column
            // Rows that are there have no value.
            column.isNullable = true
            return "ADD COLUMN " + column.definition
        }
        return "ALTER TABLE \(place.quoted) \(additions.joined(separator: ", "));"
    }

    mutating func checkShape(
        _ found: TableColumns, _ own: TableRecord?, isFresh: Bool, _ connection: inout Connection
    ) throws {
        let kept = Set(table.metrics.flatMap { $0.plain + $0.states }.map(\.name))
        let missing = table.columns.filter { found[$0.name] == nil }
        var left = own.map { columnsLeftBehind(found, $0, kept) } ?? []
        // Without rows there are no old ones that a column would stand still in: it may be null from now on, and no more.
        if isFresh { left = left.filter { found[$0]?.isMandatory ?? false } }
        let mismatches = table.mismatches(found, except: own == nil ? [] : kept, leaving: Set(left))
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
        if !isFresh { try checkNewColumns(found, own, &connection) }
        if !left.isEmpty { problems.append(try leaves(left, found, &connection)) }
    }

    /// Metrics that came later: their columns are there because somebody has followed what `needs` says.
    mutating func checkNewColumns(
        _ found: TableColumns, _ own: TableRecord, _ connection: inout Connection
    ) throws {
        let before = metricsBefore(own)
        let isSameTable = own.place == database && own.oid == place.oid
        for metric in table.metrics {
            let columns = metric.plain + metric.states
            guard columns.allSatisfy({ found[$0.name] != nil }) else { continue }
            // One that means something else now is refused as it is, whatever its columns hold.
            let isNew = !before.contains(metric.name)
            let again = columns.filter { column in
                guard isSameTable, let number = own.columns[column.name] else { return false }
                return number != found[column.name]?.number
            }
            if !isNew { try checkReturned(metric, found, own, &connection) }
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

    /// Columns that the last definition did not write and that are there from before it: in rows that were written meanwhile
    /// they stand still, though what they are read from is right.
    private mutating func checkReturned(
        _ metric: TableMetric, _ found: TableColumns, _ own: TableRecord, _ connection: inout Connection
    ) throws {
        for column in metric.columns where own.columns[column.name] == nil {
            guard let reading = column.reading, own.columns[reading.state] != nil,
                let number = found[column.name]?.number, own.columnsKnown.map({ number <= $0 }) ?? false
            else { continue }
            let isOld = try connection.query(
                """
                SELECT EXISTS (SELECT 1 FROM \(place.quoted)
                    WHERE \(SQLName.quote(column.name)) IS DISTINCT FROM \(Self.call(reading)))
                """)
            guard try isOld.bool(0, 0) == true else { continue }
            partial.append("metric \(metric.name)")
            let update = "UPDATE \(place.quoted) SET \(SQLName.quote(column.name)) = \(Self.call(reading));"
            problems.append(
                TableProblem(
                    text:
                        "its column \(column.name) was not written for a while, so rows of that time have null or old values "
                        + "in it",
                    choices: ["make it anew from what the rows hold: \(update)"],
                    remedy: [TableRemedy(sql: update, rewrites: true)], isAcceptable: true))
        }
    }

    /// How a column is read from the state beside it, in SQL.
    private static func call(_ reading: ResultColumn.Reading) -> String {
        "millrace.\(reading.function)(\(([SQLName.quote(reading.state)] + reading.arguments).joined(separator: ", ")))"
    }

    func needs(_ columns: [TableColumn]) -> TableProblem {
        let names = columns.map(\.name).joined(separator: ", ")
        var steps = [TableRemedy(sql: Self.addition(columns, to: place))]
        for metric in table.metrics {
            for column in metric.columns where columns.contains(TableColumn(column)) {
                guard let reading = column.reading, !columns.contains(where: { $0.name == reading.state }) else {
                    continue
                }
                let update = "UPDATE \(place.quoted) SET \(SQLName.quote(column.name)) = \(Self.call(reading));"
                steps.append(TableRemedy(sql: update, rewrites: true))
            }
        }
        return TableProblem(
            text: "it has no column \(names)",
            choices: [
                "add what is missing, and start again: " + steps.map(\.sql).joined(separator: " ")
                    + " A metric added this way counts from then on: older rows have null in it, or a part",
                "or, to have it from the beginning, give it a table and a topology of its own (another `table:` and "
                    + "another `topology:` name, `start: earliest`), which reads again what the sources still have",
            ],
            remedy: steps)
    }

    /// Columns that this topology has written and writes no longer.
    private func columnsLeftBehind(_ found: TableColumns, _ own: TableRecord, _ kept: Set<String>) -> [String] {
        let isSameTable = own.place == database && own.oid == place.oid
        return own.columns.filter { column in
            guard !kept.contains(column.key), let there = found[column.key] else { return false }
            return !isSameTable || there.number == column.value
        }
        .keys.sorted()
    }

    private func leaves(
        _ left: [String], _ found: TableColumns, _ connection: inout Connection
    ) throws -> TableProblem {
        // What Postgres computes from it has to go first.
        let computed = try place.generated(from: left, &connection).filter { !left.contains($0) }
        let drops = (computed + left).map { "DROP COLUMN " + SQLName.quote($0) }.joined(separator: ", ")
        let ends = computed.isEmpty ? "" : " (with \(computed.joined(separator: ", ")), computed from it)"
        var problem = TableProblem(
            text:
                "this file no longer computes its column \(left.joined(separator: ", ")), which would stand still in "
                + "old rows and be null in new ones",
            choices: [
                "put the metric back",
                "or remove the column\(ends): ALTER TABLE \(place.quoted) \(drops);",
            ],
            isAcceptable: true)
        let mandatory = left.filter { found[$0]?.isMandatory ?? false }
        if !mandatory.isEmpty {
            let changes = mandatory.map { "ALTER COLUMN \(SQLName.quote($0)) DROP NOT NULL" }.joined(separator: ", ")
            let statement = "ALTER TABLE \(place.quoted) \(changes);"
            problem.remedy = [TableRemedy(sql: statement)]
            problem.choices.append("or keep it for the old rows: \(statement) and go on with --from-now")
            problem.isAcceptable = false
        }
        return problem
    }
}
