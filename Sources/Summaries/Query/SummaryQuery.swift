package import Declaration
import Expressions

extension SummaryPlan {
    /// A query that answers the rows of a table of this summary.
    /// - Parameters:
    ///   - table: the table's name.
    ///   - records: what is summarized.
    ///   - query: how the records are made.
    package func tableQuery(_ table: String, of records: QueryRelation, in query: QueryText) -> TableQuery {
        var writer = SummaryQueryWriter(self, query)
        let from = writer.from(records)
        var entries = writer.windowEntries + writer.keyEntries
        for metric in metrics { entries += writer.entries(of: metric, records) }
        writer.remarkOnRefusals()
        let list = entries.map { "\($0.text) AS \(SQLWord.name($0.column.name))" }
        let select = "SELECT\n    " + QueryText.list(list) + "\n" + from + writer.grouping
        return TableQuery(
            table: table, columns: entries.map(\.column), text: writer.query.statement(select), gaps: writer.query.gaps)
    }
}

/// Writes the query of a table, part by part.
struct SummaryQueryWriter {
    /// A column of the table.
    struct Entry {
        var text: String
        var column: TableQueryColumn
    }

    private let plan: SummaryPlan
    private(set) var query: QueryText

    private static let start = SQLWord.name("window.start")
    private static let size = SQLWord.name("window.size")

    init(_ plan: SummaryPlan, _ query: QueryText) {
        self.plan = plan
        self.query = query
    }

    // MARK: - Windows

    /// The FROM clause: the records, each with its windows.
    mutating func from(_ records: QueryRelation) -> String {
        var name = records.name
        if let zone = plan.zoneField {
            // Of a zone that there is not Postgres makes an error, the summary a dead letter.
            let known =
                "SELECT lower(name) FROM pg_timezone_names WHERE name !~ '^(posix|right)/|^(localtime|posixrules)$'"
            name = query.define(
                "\(plan.node).zoned",
                as: "SELECT * FROM \(name)\nWHERE lower(\(SQLWord.name(zone.name))) IN (\(known))")
        }
        guard !plan.windows.isEmpty else { return "FROM \(name)" }
        let windows = plan.windows.map { window -> String in
            guard let function = window.function as? any QueryableWindow else {
                query.gap("node \(plan.node): its windows of \(window.name) have no SQL: their beginnings are null")
                return "SELECT \(SQLWord.literal(window.name)), cast(NULL AS timestamptz)"
            }
            let starts = function.starts(around: QueryRelation.eventTimeColumn)
            return "SELECT \(SQLWord.literal(window.name)), \(starts.start)"
                + (starts.numbers.map { " FROM \($0)" } ?? "")
        }
        return """
            FROM \(name) CROSS JOIN LATERAL (
                \(windows.joined(separator: "\n    UNION ALL "))
            ) AS windows(\(Self.size), \(Self.start))
            """
    }

    /// The columns that tell the windows.
    var windowEntries: [Entry] {
        guard !plan.windows.isEmpty else { return [] }
        let size = Entry(text: Self.size, column: TableQueryColumn("window_size", .key))
        let start = Entry(text: Self.start, column: TableQueryColumn("window_start", .key))
        return plan.windows.count > 1 ? [size, start] : [start]
    }

    // MARK: - Keys

    /// The columns that tell the groups.
    var keyEntries: [Entry] {
        let keys = plan.keys.map { Entry(text: SQLWord.name($0.name), column: TableQueryColumn($0.name, .key)) }
        guard plan.groupingSets != nil else { return keys }
        return [Entry(text: setName, column: TableQueryColumn("grouping_set", .key))] + keys
    }

    /// The name of a row's grouping set.
    private var setName: String {
        guard !plan.keys.isEmpty else { return "'()'" }
        let cases = plan.sets.map { set in
            // A bit for each key, the first one's the highest, set where the key is left out.
            let bits = plan.keys.indices.reduce(0) { $0 * 2 + (set.keys.contains($1) ? 0 : 1) }
            return "WHEN \(bits) THEN \(SQLWord.literal(set.name))"
        }
        let keys = plan.keys.map { SQLWord.name($0.name) }.joined(separator: ", ")
        return "CASE grouping(\(keys)) \(cases.joined(separator: " ")) END"
    }

    /// The GROUP BY clause.
    var grouping: String {
        let windows = plan.windows.isEmpty ? [] : [Self.size, Self.start]
        let sets = plan.sets.map { set in windows + set.keys.map { SQLWord.name(plan.keys[$0].name) } }
        // Without records there are no groups; SQL has one of all of none.
        let having = sets.contains(where: \.isEmpty) ? "\nHAVING count(*) > 0" : ""
        guard plan.groupingSets != nil else {
            return (sets[0].isEmpty ? "" : "\nGROUP BY \(sets[0].joined(separator: ", "))") + having
        }
        let list = sets.map { "(\($0.joined(separator: ", ")))" }
        return "\nGROUP BY GROUPING SETS (\n    " + QueryText.list(list) + "\n)" + having
    }

    /// Says so where records may be refused by what stands in no document, or for keys that no index of Postgres holds.
    mutating func remarkOnRefusals() {
        if !plan.generated.isEmpty {
            query.gap(
                "node \(plan.node): \(plan.generated.map(\.name).joined(separator: ", ")) are computed by the table from its other "
                    + "columns; the query leaves them out")
        }
        if plan.bounds != nil {
            query.gap(
                "node \(plan.node): what is too late or too early depends on what a partition has shown before; the query has "
                    + "all records")
        }
        guard plan.longestKeys.bytes > SummaryPlan.keyBytesMax else { return }
        query.gap(
            "node \(plan.node): records whose keys take more than \(SummaryPlan.keyBytesMax) bytes are dead letters, and "
                + "rows of the query")
    }

    // MARK: - Metrics

    /// The columns of a metric that people read.
    mutating func entries(of metric: MetricPlan, _ records: QueryRelation) -> [Entry] {
        let names = metric.columns.filter(\.isShown).map(\.name)
        let missing = names.map { Entry(text: "NULL", column: TableQueryColumn($0, .exact)) }
        var condition: String?
        if let typed = metric.condition {
            do throws(SQLGap) {
                let text = try typed.sql(over: records)
                condition = text.text
                for remark in text.remarks { query.gap("node \(plan.node), metric \(metric.name): \(remark)") }
            } catch {
                query.gap("node \(plan.node), metric \(metric.name): there is no SQL for \(error.what); it is null")
                return missing
            }
        }
        guard let queryable = metric.metric as? any QueryableMetric else {
            query.gap(
                "node \(plan.node), metric \(metric.name): there is no SQL for \(metric.metric.identity.function); it is null"
            )
            return missing
        }
        let aggregates = queryable.aggregates(AggregatedRecords(where: condition))
        for remark in aggregates.compactMap(\.remarkOnPartitions) where query.hasPartitions {
            query.gap("node \(plan.node), metric \(metric.name): \(remark)")
        }
        precondition(aggregates.count == names.count, "an aggregate for each shown column")
        return zip(names, aggregates).map { Entry(text: $1.text, column: TableQueryColumn($0, $1.agreement)) }
    }
}
