import Dataflow
package import Declaration

extension ConsoleSink {
    /// The declaration of `console`.
    package static let spec = NodeSpec(
        name: "console", kind: .sink,
        summary: "Prints a summary as lines of JSON whenever it changes, for trying a topology out.",
        fields: [
            FieldSpec(
                "max_rows", .integer(1...1_000_000), "The most rows printed at once.", default: "100")
        ],
        example: """
            show:
              from: kpi
              console: { max_rows: 20 }
            """)
}
