import Declaration
import Summaries

/// How long rows are kept.
extension TablePlan {
    /// Gives tables what `keep` says, one length for all of them or one for each window.
    static func keep(
        of node: NodeDeclaration, _ summary: SummaryPlan, _ tables: inout [Table], _ problems: inout Diagnostics
    ) {
        guard let keep = node.config["keep"] else { return }
        func refuse(_ code: String, _ place: SourceLocation, _ what: String, _ hint: String) {
            problems.append(Diagnostic(code: code, at: place, what, hint: hint))
        }
        guard !summary.windows.isEmpty else {
            return refuse(
                "keep-window", keep.location,
                "rows of all time do not get old, so there is nothing that `keep` could drop",
                "give the summary a `window:`")
        }
        if node.config.defaulted("shared").boolean == true {
            return refuse(
                "keep-shared", keep.location, "a table that is `shared` keeps its rows, found `keep` beside it",
                "let one topology keep the table, or drop old rows yourself")
        }
        if let length = keep.duration {
            for index in tables.indices {
                let windows = tables[index].window.map { [summary.windows[$0]] } ?? summary.windows
                guard check(length, of: windows, at: keep.location, &problems) else { return }
                tables[index].keep = length.wholeMicroseconds
            }
            return
        }
        for entry in keep.entries ?? [] {
            guard let window = summary.window(called: entry.key) else {
                problems.append(noWindow(entry, summary))
                continue
            }
            guard let index = tables.firstIndex(where: { $0.window == window }) else {
                return refuse(
                    "keep-window", entry.keyLocation,
                    "the rows of window \(entry.key) stand in one table with those of others, which is dropped part by part "
                        + "as a whole",
                    "give each window a table with `tables`, or write one length for all, such as keep: 90d")
            }
            guard let length = entry.value.duration,
                check(length, of: [summary.windows[window]], at: entry.value.location, &problems)
            else { continue }
            tables[index].keep = length.wholeMicroseconds
        }
    }

    /// Rows must not go before their window has ended and late records have come.
    private static func check(
        _ length: Duration, of windows: [NamedWindow], at place: SourceLocation, _ problems: inout Diagnostics
    ) -> Bool {
        guard let longest = windows.max(by: { $0.function.longest < $1.function.longest }),
            length.wholeMicroseconds < longest.function.longest
        else { return true }
        problems.append(
            Diagnostic(
                code: "keep-short", at: place,
                "rows of windows of \(longest.name) would be kept for less than a window, expected at least as long",
                hint: "keep counts from the end of a row's window"))
        return false
    }
}
