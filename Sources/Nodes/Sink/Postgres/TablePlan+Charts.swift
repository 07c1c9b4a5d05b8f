import Declaration
import Summaries

extension TablePlan: Chartable {
    var charts: [TableCharts] {
        tables.map { table in
            let plan = table.window.map { summary.only(window: $0) } ?? summary
            guard let name = try? TableName(table.name) else {
                preconditionFailure("table \(table.name) was compiled, and its name is none")
            }
            return plan.charts(of: name.quoted, titled: table.name)
        }
    }
}
