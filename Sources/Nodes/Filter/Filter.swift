package import Dataflow
package import Expressions

/// The `filter` node: passes on the records for which an expression is true. Null is not true.
package struct Filter: Operator {
    let expression: TypedExpression
    let nulls: NullWatch?
    let memory: MemoryAccountant?

    /// Creates the node.
    /// - Parameters:
    ///   - nulls: counts the nulls that the expression makes.
    ///   - memory: what it draws its memory from.
    package init(_ expression: TypedExpression, nulls: NullWatch? = nil, memory: MemoryAccountant? = nil) {
        self.expression = expression
        self.memory = memory
        self.nulls = nulls
    }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker { FilterWorker(self) }
}

/// One permit of a `filter` node.
final class FilterWorker: OperatorWorker {
    private let node: Filter
    private let evaluator: ExpressionEvaluator

    init(_ node: Filter) {
        self.node = node
        evaluator = node.expression.makeEvaluator(drawingFrom: node.memory)
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        let passed = evaluator.select(in: batch, rows)
        node.nulls?.note(evaluator, of: node.expression, as: .filter)
        output(passed)
    }
}
