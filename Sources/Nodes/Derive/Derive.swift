package import Dataflow
import Expressions
import Summaries

/// The `derive` node: fills columns of the batch with the values of expressions.
package struct Derive: Operator {
    /// The node's name.
    let name: String
    let fields: [DerivedField]
    let hashedColumns: Set<Int>
    let nulls: NullWatch?
    let memory: MemoryAccountant

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker { DeriveWorker(self) }
}

/// One permit of a `derive` node.
final class DeriveWorker: OperatorWorker {
    private let node: Derive
    private let evaluators: [ExpressionEvaluator]

    init(_ node: Derive) {
        self.node = node
        evaluators = node.fields.map { $0.expression.makeEvaluator(drawingFrom: node.memory) }
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        var full: Int?
        for (index, field) in node.fields.enumerated() {
            let first = fill(field, with: evaluators[index], batch, rows)
            full = [full, first].compactMap(\.self).min()
            if node.hashedColumns.contains(field.column) { batch.fillHashes(ofColumn: field.column) }
            node.nulls?.note(evaluators[index], of: field.expression, as: .field(field.name))
        }
        guard let full else { return output(rows) }
        refuse(from: full, batch, rows, output)
    }

    /// - Returns: the first row whose text finds no room.
    private func fill(
        _ field: DerivedField, with evaluator: ExpressionEvaluator, _ batch: Batch, _ rows: RowSelection
    ) -> Int? {
        unsafe batch.columns.withUnsafeBufferPointer { columns in
            let values = unsafe evaluator.evaluate(columns: columns, selection: rows)
            return unsafe withUnsafePointer(to: values.text) { text in
                let column = unsafe Column(
                    type: values.type, values: UnsafeMutableRawPointer(mutating: values.values),
                    valid: UnsafeMutablePointer(mutating: values.valid), base: text)
                return batch.fillColumn(field.column, from: column, rows)
            }
        }
    }

    /// A batch holds so much derived text and no more: the records behind that are dead letters, not half a record.
    private func refuse(from first: Int, _ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        let fault = RecordFault(
            "derived_too_long",
            "the derived texts of the records read with it are too long, expected at most 256 MiB in all")
        let kept = batch.refuse(rows, by: node.name) { rows[$0] >= first ? fault : nil }
        unsafe kept.withUnsafeBufferPointer { unsafe output(RowSelection(rows: $0.baseAddress, count: $0.count)) }
    }
}
