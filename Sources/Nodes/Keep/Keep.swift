import Dataflow
package import Declaration

/// The `keep` node: hands on records with the named fields only.
package enum Keep: NodeType {
    /// The declaration of `keep`.
    package static let spec = NodeSpec(
        name: "keep", kind: .operator,
        summary: "Hands on records with the named fields only; the event time stays, named or not.",
        fields: [
            FieldSpec("fields", .list(.fieldName), "The fields to keep.", required: true, example: "[user, country]")
        ],
        shorthand: "fields",
        example: """
            shaped:
              from: records
              keep: [user, country, revenue]
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        var schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        guard let names = node.config["fields"]?.fieldNames(of: schema, &problems) else {
            return CompiledNode(.broken, output: .records(schema.opened()))
        }
        schema.leaveOut(named: node.name) { !names.contains($0) }
        return CompiledNode(.stage(ShapePlan(fields: Set(schema.fields.map(\.name)))), output: .records(schema))
    }
}
