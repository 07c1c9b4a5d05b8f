package import Dataflow
package import Declaration
import Expressions

extension Filter: NodeType {
    /// The declaration of `filter`.
    package static let spec = NodeSpec(
        name: "filter", kind: .operator,
        summary: "Passes on the records for which an expression is true; null is not true.",
        fields: [
            FieldSpec(
                "where", .expression, "The expression; docs/expressions.md has the language.", required: true,
                example: "event == 'purchase' && revenue > 0")
        ],
        shorthand: "where",
        example: """
            paying:
              from: records
              filter: "event == 'purchase' && revenue > 0"
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        if let condition = node.config["where"], let text = condition.string {
            do throws(Diagnostics) {
                let expression = try Expression.parse(text, at: condition.location)
                let typed = try expression.checkCondition(against: schema)
                problems.append(contentsOf: typed.warnings)
                let plan = FilterPlan(
                    condition: typed, clauses: expression.conditions,
                    fieldNames: expression.fieldNames)
                return CompiledNode(.stage(plan), output: .records(schema))
            } catch {
                problems.append(contentsOf: error)
            }
        }
        // What comes out is known all the same, so the nodes behind can be checked too.
        return CompiledNode(.broken, output: .records(schema))
    }
}

/// What a `filter` node does, checked.
package struct FilterPlan: StagePlan {
    /// The expression.
    var condition: TypedExpression
    /// What it says, in canonical form: all of it must be true.
    var clauses: [String]
    /// The fields that it reads.
    var fieldNames: Set<String>

    package func trace(_ meaning: inout EventMeaning) {
        meaning.usedFields.formUnion(fieldNames)
        for clause in clauses { meaning.add("only if", clause) }
    }

    package func build(in context: BuildContext) throws -> any Operator {
        Filter(
            condition, nulls: context.services[Remarks.self]?.watch { NullWatch(node: context.node, $0) },
            memory: context.memory)
    }
}
