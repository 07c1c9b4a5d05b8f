import Dataflow
import Declaration
import Postgres
import Summaries

/// What a table and its columns hold, as comments in the database, where every tool shows them.
///
/// The words are those of the metrics, the windows and the nodes that fields come from. A comment that somebody else wrote
/// stays as it is; ours are known by how they end.
struct TableComments {
    private let place: TablePlace
    private let texts: [(column: String?, text: String)]

    /// How comments of Millrace end.
    private static let mark = "Millrace: "

    /// - Parameter topology: the name of the topology; a table that several share names none.
    init(_ table: SummaryTable, _ sink: TableSink, topology: String, at place: TablePlace) {
        self.place = place
        let end = sink.isShared ? "a table that topologies share" : "topology \(topology), node \(sink.name)"
        texts = Self.texts(table, sink).map { ($0.column, "\($0.text) (\(Self.mark)\(end))") }
    }

    /// What is to be said, the table first.
    static func texts(_ table: SummaryTable, _ sink: TableSink) -> [(column: String?, text: String)] {
        let plan = sink.plan
        var texts: [(column: String?, text: String)] = [(nil, Self.text(of: plan))]
        let sizes = plan.windows.map(\.name).joined(separator: ", ")
        if table.hasWindowSize { texts.append(("window_size", "the window that the row is of, one of \(sizes)")) }
        if table.hasWindow {
            let windows = plan.windows.map { window in
                table.hasWindowSize ? "\(window.name): \(window.function.comment)" : window.function.comment
            }
            texts.append(("window_start", windows.joined(separator: "; ")))
        }
        if let sets = plan.groupingSets {
            let names = sets.map(\.name).joined(separator: " | ")
            texts.append(
                ("grouping_set", "the fields that the row is grouped by, one of \(names); ask for one at a time"))
        }
        for key in plan.keys { texts.append((key.name, Self.text(of: key, plan, sink.events))) }
        for metric in table.metrics {
            texts += zip(metric.columns, metric.comments).map { ($0.name, $1) }
        }
        for column in plan.generated {
            texts.append((column.name, "\(column.text), computed by Postgres; null where a divisor is 0"))
        }
        let windows = table.hasWindowSize ? "window_size and window_start " : table.hasWindow ? "window_start " : ""
        texts.append(
            ("group_key", "the row's key as bytes; \(windows.isEmpty ? "" : "with \(windows)")the primary key"))
        return texts
    }

    private static func text(of plan: SummaryPlan) -> String {
        let keys = plan.keys.isEmpty ? "" : " by \(plan.keys.map(\.name).joined(separator: ", "))"
        let windows =
            plan.windows.isEmpty
            ? ", of all time" : ", in windows of \(plan.windows.map(\.name).joined(separator: ", "))"
        return "summary \(plan.node)\(keys)\(windows); late records are merged into their rows"
    }

    private static func text(of key: SummaryPlan.Key, _ plan: SummaryPlan, _ events: [DefinitionLine]) -> String {
        let origin = events.first { $0.key == "field \(key.name)" }.map { ": \($0.value)" } ?? ""
        let absent =
            plan.groupingSets == nil
            ? "null where the record has none" : "null where the record has none, or outside of the row's grouping set"
        return "field \(key.name)\(origin); \(absent)"
    }

    /// Writes those that differ, as far as this role may: only the table's owner says what it holds.
    func write(_ connection: inout Connection) throws {
        let found = try connection.query(
            """
            SELECT ''::text, obj_description(c.oid, 'pg_class') FROM pg_class c
            WHERE c.oid::bigint = $1 AND pg_has_role(c.relowner, 'USAGE')
            UNION ALL
            SELECT a.attname::text, col_description(a.attrelid, a.attnum) FROM pg_attribute a
            JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.oid::bigint = $1 AND pg_has_role(c.relowner, 'USAGE') AND a.attnum > 0 AND NOT a.attisdropped
            """, [.int64(place.oid ?? 0)])
        var known: [String: String?] = [:]
        for row in 0..<found.rowCount { known[try found.text(row, 0) ?? ""] = .some(try found.text(row, 1)) }
        for (column, text) in texts {
            guard let stored = known[column ?? ""], stored != text else { continue }
            if let stored, !stored.contains("(" + Self.mark) { continue }
            let object = column.map { "COLUMN \(place.quoted).\(SQLName.quote($0))" } ?? "TABLE \(place.quoted)"
            try connection.execute("COMMENT ON \(object) IS \(SQLName.literal(text))")
        }
    }
}
