import Declaration
import Summaries

extension TablePlan: Chartable {
    var charts: [TableCharts] {
        tables.map { table in
            let plan = table.window.map { summary.only(window: $0) } ?? summary
            let parts = table.name.split(separator: ".", omittingEmptySubsequences: false)
            return plan.charts(
                of: parts.map { SQLWord.name(String($0)) }.joined(separator: "."), titled: table.name)
        }
    }
}
