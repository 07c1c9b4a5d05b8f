import Declaration
import Summaries

extension TablePlan: QueryableSink {
    func tables(of input: QueryRelation, in query: QueryText) -> [TableQuery] {
        tables.map { table in
            let plan = table.window.map { summary.only(window: $0) } ?? summary
            return plan.tableQuery(table.name, of: input, in: query)
        }
    }
}
