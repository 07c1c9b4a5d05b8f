package import Dataflow

/// The `parse_json` node: documents to records, in typed columns. What is no good becomes a dead letter with its reason.
package struct ParseJSON: Operator {
    let plan: ParsePlan
    private let node: String
    private let clockReach: Int64?
    private let hashedColumns: [Int]
    private let watch: FieldWatch?

    /// Creates the node.
    /// - Parameters:
    ///   - node: its name, for dead letters.
    ///   - clockReach: how far ahead a record may be and still move its partition's clock; nil to keep none.
    ///   - hashedColumns: columns whose hashes are needed behind it: computed here, once, for all who need them.
    ///   - watch: is told which fields the records have.
    package init(
        _ plan: ParsePlan, node: String = "parse_json", clockReach: Int64? = nil, hashedColumns: [Int] = [],
        watch: FieldWatch? = nil
    ) {
        self.plan = plan
        self.node = node
        self.clockReach = clockReach
        self.hashedColumns = hashedColumns
        self.watch = watch
    }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker {
        ParseWorker(plan, node, hashedColumns, watch, clockReach: clockReach)
    }
}
