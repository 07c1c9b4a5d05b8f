import Declaration

extension RenamePlan: QueryableStage {
    func query(_ input: QueryRelation, as node: String, in query: inout QueryText) -> QueryRelation {
        let newNames = Dictionary(oldNames.map { ($0.value, $0.key) }) { first, _ in first }
        var output = input
        output.fields = input.fields.map { QueryRelation.Field(newNames[$0.name] ?? $0.name, $0.type) }
        let columns = zip(input.fields, output.fields).map { old, new in
            old == new ? old.column : "\(old.column) AS \(new.column)"
        }
        let list = (input.ownColumns + columns).joined(separator: ", ")
        return output.renamed(query.define(node, as: "SELECT \(list)\nFROM \(input.name)"))
    }
}
