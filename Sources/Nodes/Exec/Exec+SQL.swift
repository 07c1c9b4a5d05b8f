import Dataflow
import Declaration
import JSON

extension ExecPlan: QueryableStage {
    func query(_ input: QueryRelation, as node: String, in query: inout QueryText) -> QueryRelation {
        query.gap("node \(node): there is no SQL for what \(name) answers; its fields are null")
        var output = input
        let names = Set(fields.map(\.name))
        var columns = input.ownColumns
        columns += input.fields.filter { !names.contains($0.name) }.map(\.column)
        for field in fields {
            let type = ColumnType(field.declaration.type)
            let collation = type == .text ? " COLLATE \"C\"" : ""
            let column = QueryRelation.Field(field.name, type)
            columns.append("cast(NULL AS \(SQLWord.type(type)))\(collation) AS \(column.column)")
            output.fields.removeAll { $0.name == field.name }
            output.fields.append(column)
        }
        return output.renamed(
            query.define(node, as: "SELECT\n    " + QueryText.list(columns) + "\nFROM \(input.name)"))
    }
}
