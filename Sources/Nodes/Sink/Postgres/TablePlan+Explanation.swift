import Declaration
import Summaries

extension TablePlan: Explainable {
    var explanation: [String] {
        let step = self.step.map { "; then \($0.name) is run" } ?? ""
        return tables.map { table in
            let rows = table.window.map { "the rows of window \(summary.windows[$0].name)" } ?? "all rows"
            let life = table.keep.map { "; rows are dropped \(Tumbling.text($0)) after their window" } ?? ""
            return "merges \(rows) into table \(table.name), in the transaction that moves the positions\(life)\(step)"
        }
    }
}
