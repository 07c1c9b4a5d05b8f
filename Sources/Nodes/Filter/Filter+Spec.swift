import Dataflow
package import Declaration

extension Filter {
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
}
