import Dataflow
import Declaration
import Expressions

extension DerivePlan: QueryableStage {
    func query(_ input: QueryRelation, as node: String, in query: inout QueryText) -> QueryRelation {
        var records = input
        var rest = fields[...]
        // What reads a field of the same node comes in a SELECT of its own.
        while !rest.isEmpty {
            var made: Set<String> = []
            let together = rest.prefix { field in
                let isReady = field.reads.isDisjoint(with: made) && !made.contains(field.name)
                made.insert(field.name)
                return isReady
            }
            records = select(together, of: records, node, &query)
            rest = rest.dropFirst(together.count)
        }
        return records
    }

    private func select(
        _ made: ArraySlice<DerivedField>, of input: QueryRelation, _ node: String, _ query: inout QueryText
    ) -> QueryRelation {
        var output = input
        let names = Set(made.map(\.name))
        var columns = input.ownColumns
        columns += input.fields.filter { !names.contains($0.name) }.map(\.column)
        for field in made {
            let type = field.expression.resultType
            let column = QueryRelation.Field(field.name, type)
            columns.append("\(value(of: field, input, node, &query)) AS \(column.column)")
            output.fields.removeAll { $0.name == field.name }
            output.fields.append(column)
        }
        return output.renamed(
            query.define(node, as: "SELECT\n    " + QueryText.list(columns) + "\nFROM \(input.name)"))
    }

    private func value(
        of field: DerivedField, _ input: QueryRelation, _ node: String, _ query: inout QueryText
    ) -> String {
        let type = field.expression.resultType
        // By bytes, as all texts are compared.
        let collation = type == .text ? " COLLATE \"C\"" : ""
        do throws(SQLGap) {
            let sql = try field.expression.sql(over: input)
            for remark in sql.remarks { query.gap("node \(node), field \(field.name): \(remark)") }
            return "cast(\(sql.text) AS \(SQLWord.type(type)))" + collation
        } catch {
            query.gap("node \(node), field \(field.name): there is no SQL for \(error.what); it is null")
            return "cast(NULL AS \(SQLWord.type(type)))" + collation
        }
    }
}
