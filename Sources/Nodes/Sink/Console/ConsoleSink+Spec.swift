import Dataflow
package import Declaration
import Summaries

extension ConsoleSink: NodeType {
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

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        guard let plan = input.groups(SummaryPlan.self, for: node, madeBy: Summarize.spec.name, &problems) else {
            return CompiledNode(.broken)
        }
        return CompiledNode(
            .sink(ConsolePlan(plan: plan, rowsMax: Int(node.config.defaulted("max_rows").integer ?? 0))))
    }
}

/// What a `console` node prints.
struct ConsolePlan: SinkPlan {
    /// The summary in front of it.
    var plan: SummaryPlan
    /// The most rows at once.
    var rowsMax: Int

    var isStored: Bool { false }

    func build(in context: BuildContext) throws -> RunningSink {
        guard let input = context.input, let writer = context.services[ConsoleWriter.self] else {
            preconditionFailure("a console sink needs a node in front of it and somewhere to write")
        }
        return .observer(
            ConsoleSink(
                node: input.number, plan: plan, rowsMax: rowsMax, memory: context.memory, write: writer.write))
    }
}

/// Where `console` sinks write, some whole lines a call.
package struct ConsoleWriter: Sendable {
    let write: @Sendable ([UInt8]) -> Void

    /// Writes through `write`.
    package init(_ write: @escaping @Sendable ([UInt8]) -> Void) { self.write = write }
}
