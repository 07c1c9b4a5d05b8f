package import Declaration
import Expressions

extension FilterPlan: QueryableStage {
    package func query(_ input: QueryRelation, as node: String, in query: inout QueryText) -> QueryRelation {
        do throws(SQLGap) {
            let condition = try condition.sql(over: input)
            for remark in condition.remarks { query.gap("node \(node): \(remark)") }
            return input.renamed(
                query.define(node, as: "SELECT * FROM \(input.name)\nWHERE \(condition.text)"))
        } catch {
            query.gap("node \(node): there is no SQL for \(error.what); it lets all records through")
            return input
        }
    }
}
