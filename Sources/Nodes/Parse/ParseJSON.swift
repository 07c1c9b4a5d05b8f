package import Dataflow

/// The `parse_json` node: documents to records, in typed columns. What is no good becomes a dead letter with its reason.
package struct ParseJSON: Operator {
    let plan: ParsePlan
    private let node: String
    private let hashedColumns: [Int]
    private let watch: FieldWatch?

    /// Creates the node.
    /// - Parameters:
    ///   - node: its name, for dead letters.
    ///   - hashedColumns: columns whose hashes are needed behind it: computed here, once, for all who need them.
    ///   - watch: is told which fields the records have.
    package init(
        _ plan: ParsePlan, node: String = "parse_json", hashedColumns: [Int] = [], watch: FieldWatch? = nil
    ) {
        self.plan = plan
        self.node = node
        self.hashedColumns = hashedColumns
        self.watch = watch
    }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker {
        ParseWorker(plan, node, hashedColumns, watch)
    }
}
