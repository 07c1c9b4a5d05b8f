import Declaration
import Summaries

extension TablePlan {
    /// The tables that a node declares, by `table` or by `tables`.
    /// - Parameters:
    ///   - summary: what feeds it; nil when a diagnostic says why nothing is known of it.
    ///   - resources: gets their names.
    static func tables(
        of node: NodeDeclaration, _ summary: SummaryPlan?, _ resources: inout [any Resource],
        _ problems: inout Diagnostics
    ) -> [Table] {
        let (one, several) = (node.config["table"], node.config["tables"])
        switch (one, several) {
        case (nil, nil):
            problems.append(
                Diagnostic(
                    code: "table-count", at: node.location,
                    "node \(node.name) has no table, expected `table`, or `tables` with one for each window",
                    hint: "for example table: \(node.name)"))
        case (_?, let several?):
            problems.append(
                Diagnostic(
                    code: "table-count", at: several.location, "found `tables` beside `table`, expected one of them",
                    hint: "`tables` has one for each window, `table` one for all of them"))
        default: break
        }
        if let one {
            guard let name = name(one, &resources, &problems) else { return [] }
            return [Table(name: name, window: nil)]
        }
        guard let several, let entries = several.entries else { return [] }
        var tables: [Table] = []
        for entry in entries {
            let name = name(entry.value, &resources, &problems)
            guard let summary else { continue }
            guard let window = summary.window(called: entry.key) else {
                problems.append(noWindow(entry, summary))
                continue
            }
            if tables.contains(where: { $0.window == window }) {
                problems.append(
                    Diagnostic(
                        code: "table-window", at: entry.keyLocation,
                        "window \(entry.key) has a table already, expected one for each window"))
            } else if let name {
                tables.append(Table(name: name, window: window))
            }
        }
        guard let summary else { return tables }
        // A table whose window is wrong may have been meant for the one that lacks one.
        let isMatched = tables.count == entries.count
        for (position, window) in summary.windows.enumerated()
        where isMatched && !tables.contains(where: { $0.window == position }) {
            problems.append(
                Diagnostic(
                    code: "table-window", at: several.location,
                    "window \(window.name) has no table, expected one for each window",
                    hint: "add \(window.name): and a table, or take the window out of the summary"))
        }
        return tables
    }

    static func noWindow(_ entry: ConfigEntry, _ summary: SummaryPlan) -> Diagnostic {
        let names = summary.windows.map(\.name)
        guard !names.isEmpty else {
            return Diagnostic(
                code: "table-window", at: entry.keyLocation, "the summary has no windows, so one table is enough",
                hint: "write `table`")
        }
        return Diagnostic(
            code: "table-window", at: entry.keyLocation,
            "the summary has no window called \(entry.key), expected one of \(names.joined(separator: ", "))")
    }

    /// The name of a table as it is written; nil when a problem says that it is none.
    private static func name(
        _ value: ConfigValue, _ resources: inout [any Resource], _ problems: inout Diagnostics
    ) -> String? {
        if let name = value.tableName(&problems) {
            resources.append(TableAddress(name: name, location: value.location))
        }
        return value.string
    }
}
