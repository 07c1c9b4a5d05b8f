package import Dataflow
package import Expressions

/// The `filter` node: passes on the records for which an expression is true. Null is not true.
package struct Filter: Operator {
    let expression: TypedExpression

    /// Creates the node.
    package init(_ expression: TypedExpression) { self.expression = expression }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker { FilterWorker(expression.makeEvaluator()) }
}

/// One permit of a `filter` node.
final class FilterWorker: OperatorWorker {
    private let evaluator: ExpressionEvaluator

    init(_ evaluator: ExpressionEvaluator) { self.evaluator = evaluator }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        output(evaluator.select(in: batch, rows))
    }
}
