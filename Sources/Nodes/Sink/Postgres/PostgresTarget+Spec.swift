import Dataflow
package import Declaration
import Summaries

extension PostgresTarget: NodeType {
    /// The declaration of `postgres`.
    package static let spec = NodeSpec(
        name: "postgres", kind: .sink,
        summary: "Keeps a summary in a Postgres table, exactly once; makes the table or checks it.",
        fields: [
            FieldSpec(
                "url", .secret,
                "Where the database is: a `postgresql://` URL or libpq's `key=value` words. All `postgres` sinks of a "
                    + "topology share one database.",
                required: true, example: "\"${DATABASE_URL}\""),
            FieldSpec(
                "table", .string,
                "`table` or `schema.table`, taken literally, capitals included; without a schema the search path decides. "
                    + "Each part has at most 63 bytes. The rows of several windows are told apart by the column "
                    + "`window_size`.",
                example: "kpi_minute"),
            FieldSpec(
                "tables", .map(.string),
                "Instead of `table`: a table for each of the `windows:` of the summary.",
                example: "{ 1m: kpi_minute, 1h: kpi_hour }"),
            FieldSpec(
                "keep", .perName(.duration(.seconds(3_600)...(.seconds(36_525 * 86_400)))),
                "How long a row is kept after its window has ended, by the database's clock: one length, or one for each of the "
                    + "windows that have a table. The table is then partitioned by time, and old partitions are dropped. "
                    + "Without it, rows are kept for good.",
                example: "{ 1m: 30d, 1h: 400d }"),
            FieldSpec(
                "shared", .boolean,
                "Whether other topologies write the table too; all of them must say so, and use the same window, keys and "
                    + "metrics.", default: "false"),
            FieldSpec(
                "after_commit", .object(StepPlan.fields),
                "A program of yours that is run after each commit that changes rows of the table, at least once, one at a time; when "
                    + "several commits came while it ran, it is run once for all of them. Commits do not wait for it. Exit code 0 "
                    + "says that it is done; otherwise it is run again, with the same `MILLRACE_KEY` in its environment."
            ),
        ],
        example: """
            kpi_minute:
              from: kpi
              postgres: { url: "${DATABASE_URL}", table: kpi_minute }

            kpi_notified:
              from: kpi
              postgres:
                url: "${DATABASE_URL}"
                table: kpi_notified
                after_commit: { command: [python3, notify.py], timeout: 30s }
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let summary = input.groups(SummaryPlan.self, for: node, madeBy: Summarize.spec.name, &problems)
        if let summary {
            TablePlan.warnOfLongKeys(summary, at: summary.keysPlace ?? node.location, &problems)
            TablePlan.checkWidth(summary, at: node.location, &problems)
        }
        var resources: [any Resource] = []
        let url = node.config["url"]
        if let text = url?.string { DatabaseAddress.check(text, at: url?.location ?? node.location, &problems) }
        resources.append(DatabaseAddress(url: url?.string, location: url?.location ?? node.location))
        var tables = TablePlan.tables(of: node, summary, &resources, &problems)
        if let summary { TablePlan.keep(of: node, summary, &tables, &problems) }
        let step = StepPlan.read(node, &problems)
        guard let summary, !tables.isEmpty else { return CompiledNode(.broken, resources: resources) }
        // Without an address there is a table all the same, for whoever puts something else in its place.
        let plan = TablePlan(
            url: node.config["url"]?.string ?? "", tables: tables,
            isShared: node.config.defaulted("shared").boolean ?? false, summary: summary, step: step)
        return CompiledNode(.sink(plan), resources: resources)
    }
}

extension PostgresTarget {
    package static func setBeside(_ config: inout ConfigValue, naming name: (String) -> String) {
        // Nobody is told of tables that nobody reads yet.
        config.replace("after_commit") { $0.content = .null }
        config.replace("table") { $0.mapText(name) }
        config.replace("tables") { tables in
            guard case .map(var entries) = tables.content else { return }
            for index in entries.indices { entries[index].value.mapText(name) }
            tables.content = .map(entries)
        }
    }
}
