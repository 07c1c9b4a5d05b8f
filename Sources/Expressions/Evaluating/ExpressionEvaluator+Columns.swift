package import Dataflow

/// The values of an expression for the rows of a batch, valid until the evaluator is used again.
@safe package struct EvaluatedColumn {
    /// The type of the values.
    package let type: ColumnType
    /// The values by row number, in the layout of their type. Where a row is null, or was not selected, anything.
    package let values: UnsafeRawPointer
    /// 1 where the value is there, 0 where it is null, by row number; for the selected rows.
    package let valid: UnsafePointer<UInt8>
    /// What the slices of texts count from.
    package let text: UnsafeRawPointer
}

extension ExpressionEvaluator {
    /// The values of the expression for the selected rows.
    ///
    /// `columns` are only read, and must live as long as the answer is used: a field's own column may be the answer.
    /// Does not allocate per row.
    ///
    /// - Complexity: O(rows · operators).
    @unsafe
    package func evaluate(
        columns: UnsafeBufferPointer<Column>, selection: RowSelection
    ) -> EvaluatedColumn {
        guard let type else { preconditionFailure("An expression of this type makes no column.") }
        giveBackResults()
        pool.prepare(rows: max(1, selection.rowsEnd))
        let frame = unsafe Frame(columns: columns)
        let nothing = unsafe UnsafeRawPointer(constantBytes)
        switch plan {
        case .integer(let plan)?:
            let vector = integers(plan, selection, frame)
            return unsafe answer(vector, type, selection, { .integers($0) }, nothing)
        case .double(let plan)?:
            let vector = doubles(plan, selection, frame)
            return unsafe answer(vector, type, selection, { .doubles($0) }, nothing)
        case .boolean(let plan)?:
            let vector = truths(plan, selection, frame)
            return unsafe answer(vector, type, selection, { .truths($0) }, nothing)
        case .text(let plan)?:
            switch texts(plan, selection, frame) {
            case .constant(let text):
                let slice = TextSlice(offset: 0, length: UInt32(text.count))
                let vector = Vector<TextSlice>.constant(slice)
                return unsafe answer(vector, type, selection, nil, text.start)
            case .column(let column):
                evaluated = .texts(.column(column))
                return unsafe EvaluatedColumn(
                    type: type, values: UnsafeRawPointer(column.cells.values), valid: UnsafePointer(column.cells.valid),
                    text: column.base)
            }
        case nil:
            let scratch = pool.takeColumn()
            evaluated = .scratch(scratch)
            let cells = Cells<UInt8>(scratch)
            selection.forEach { cells.setNull($0) }
            return unsafe EvaluatedColumn(
                type: type, values: UnsafeRawPointer(cells.values), valid: UnsafePointer(cells.valid), text: nothing)
        }
    }

    private func answer<Value>(
        _ vector: Vector<Value>, _ type: ColumnType, _ rows: RowSelection, _ hold: ((Vector<Value>) -> Held)?,
        _ text: UnsafeRawPointer
    ) -> EvaluatedColumn {
        let cells: Cells<Value>
        switch vector {
        case .column(let own, _):
            cells = own
            evaluated = hold?(vector)
        case .constant(let value):
            let scratch = pool.takeColumn()
            evaluated = .scratch(scratch)
            cells = Cells(scratch)
            rows.forEach { cells.set($0, value, validity: 1) }
        }
        return unsafe EvaluatedColumn(
            type: type, values: UnsafeRawPointer(cells.values), valid: UnsafePointer(cells.valid), text: text)
    }
}
