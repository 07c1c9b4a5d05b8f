package import Dataflow

extension ExpressionEvaluator {
    /// The selected rows of a batch for which the expression is true; valid until the next call.
    package func select(in batch: Batch, _ rows: RowSelection) -> RowSelection {
        unsafe batch.columns.withUnsafeBufferPointer { columns in
            unsafe select(columns: columns, selection: rows)
        }
    }
}
