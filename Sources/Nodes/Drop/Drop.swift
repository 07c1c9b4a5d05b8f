package import Declaration

/// The `drop` node: hands on records without the named fields.
package enum Drop: NodeType {
    /// The declaration of `drop`.
    package static let spec = NodeSpec(
        name: "drop", kind: .operator,
        summary: "Hands on records without the named fields; the event time stays, named or not.",
        fields: [
            FieldSpec("fields", .list(.fieldName), "The fields to leave out.", required: true, example: "[email, ip]")
        ],
        shorthand: "fields",
        example: """
            shaped:
              from: records
              drop: [user]
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        var schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        guard let names = node.config["fields"]?.fieldNames(of: schema, &problems) else {
            return CompiledNode(.broken, output: .records(schema))
        }
        schema.leaveOut(named: node.name) { names.contains($0) }
        return CompiledNode(.stage(ShapePlan(fields: Set(schema.fields.map(\.name)))), output: .records(schema))
    }
}
