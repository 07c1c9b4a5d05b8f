package import Dataflow

/// The `parse_json` node: documents to records, in typed columns. What is no good becomes a dead letter with its reason.
package struct ParseJSON: Operator {
    let plan: ParsePlan
    private let hashedColumns: [Int]
    private let watch: FieldWatch?

    /// Creates the node.
    /// - Parameters:
    ///   - hashedColumns: columns whose hashes are needed behind it: computed here, once, for all who need them.
    ///   - watch: is told which fields the records have.
    package init(_ plan: ParsePlan, hashedColumns: [Int] = [], watch: FieldWatch? = nil) {
        self.plan = plan
        self.hashedColumns = hashedColumns
        self.watch = watch
    }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker { ParseWorker(plan, hashedColumns, watch) }
}
