import Dataflow

/// `coalesce` and `case`: every row takes its value from one of several plans, each of which sees only the rows that
/// need it.
extension ExpressionEvaluator {
    /// - Parameter fit: makes values of the common type of an operand's, which it gives back. A value that becomes null
    ///   there was not absent: the row stays null.
    func coalesce<Plan, Value>(
        _ operands: [Plan], _ rows: RowSelection, _ evaluate: (Plan, RowSelection) -> Vector<Value>,
        fitting fit: (Plan, Vector<Value>, RowSelection) -> Vector<Value> = { _, vector, _ in vector }
    ) -> Vector<Value> {
        column { result in
            rows.forEach { result.setNull($0) }
            var left = Rows(selection: rows, list: nil)
            for operand in operands where left.selection.count > 0 {
                let vector = evaluate(operand, left.selection)
                let rest = filter(left.selection) { 1 &- vector.validity($0) }
                let fitted = fit(operand, vector, left.selection)
                copy(fitted, left.selection, into: result)
                give(fitted)
                narrow(&left, to: rest)
            }
            give(left)
        }
    }

    func choose<Value>(
        _ plan: ChoicePlan, _ rows: RowSelection, _ frame: Frame,
        _ evaluate: (ValuePlan, RowSelection) -> Vector<Value>
    ) -> Vector<Value> {
        column { result in
            rows.forEach { result.setNull($0) }
            eachBranch(plan, rows, frame) { value, selection in
                let vector = evaluate(value, selection)
                copy(vector, selection, into: result)
                give(vector)
            }
        }
    }

    private func copy<Value>(_ vector: Vector<Value>, _ rows: RowSelection, into result: Cells<Value>) {
        switch vector {
        case .column(let cells, _): rows.forEach { result.set($0, cells[$0], validity: cells.validity($0)) }
        case .constant(let value): rows.forEach { result.set($0, value, validity: 1) }
        }
    }

    /// Calls `body` with each branch's value, unless it is null, and the rows that take it.
    private func eachBranch(
        _ plan: ChoicePlan, _ rows: RowSelection, _ frame: Frame, _ body: (ValuePlan, RowSelection) -> Void
    ) {
        guard let operand = plan.operand else { return branch(plan, rows, frame, body) }
        bind([operand], rows, frame) { branch(plan, rows, frame, body) }
    }

    private func branch(
        _ plan: ChoicePlan, _ rows: RowSelection, _ frame: Frame, _ body: (ValuePlan, RowSelection) -> Void
    ) {
        var left = Rows(selection: rows, list: nil)
        for branch in plan.branches where left.selection.count > 0 {
            let hits = select(branch.condition, true, left.selection, frame)
            if let value = branch.value, hits.selection.count > 0 { body(value, hits.selection) }
            narrow(&left, to: without(left.selection, hits.selection))
            give(hits)
        }
        if let value = plan.otherwise, left.selection.count > 0 { body(value, left.selection) }
        give(left)
    }

    /// The rows that are not among `hits`, some of the same.
    private func without(_ rows: RowSelection, _ hits: RowSelection) -> Rows {
        guard hits.count < rows.count else { return .none }
        var next = 0
        let last = hits.count - 1
        return filter(rows) { row in
            guard next <= last, hits[next] == row else { return 1 }
            next &+= 1
            return 0
        }
    }
}

/// Texts lie in different buffers: they are copied into one, unless they are all constants, which share theirs.
extension ExpressionEvaluator {
    func coalesce(_ operands: [TextPlan], at site: Int, _ rows: RowSelection, _ frame: Frame) -> TextVector {
        collect(rows) { cells, writer in
            var left = Rows(selection: rows, list: nil)
            for operand in operands where left.selection.count > 0 {
                let vector = texts(operand, left.selection, frame)
                // A text that is too long is not absent.
                let rest = filter(left.selection) { 1 &- vector.validity($0) }
                append(vector, left.selection, cells, &writer, at: site)
                narrow(&left, to: rest)
            }
            give(left)
        }
    }

    func choose(_ plan: ChoicePlan, _ rows: RowSelection, _ frame: Frame) -> TextVector {
        if isConstant(plan) { return chooseConstant(plan, rows, frame) }
        return collect(rows) { cells, writer in
            eachBranch(plan, rows, frame) { value, selection in
                guard case .text(let value) = value else { preconditionFailure(Self.mixture) }
                append(texts(value, selection, frame), selection, cells, &writer, at: plan.site)
            }
        }
    }

    private func collect(_ rows: RowSelection, _ fill: (Cells<TextSlice>, inout TextWriter) -> Void) -> TextVector {
        let scratch = pool.takeColumn()
        let cells = Cells<TextSlice>(scratch)
        rows.forEach { cells.setNull($0) }
        var writer = TextWriter(pool.takeBytes(4096))
        fill(cells, &writer)
        let bytes = pool.grown(writer)
        return unsafe .column(
            TextColumn(base: UnsafeRawPointer(bytes.start), cells: cells, scratch: scratch, bytes: bytes))
    }

    /// Appends the texts of some rows, and gives them back. Those that are too long are counted.
    private func append(
        _ vector: TextVector, _ rows: RowSelection, _ cells: Cells<TextSlice>, _ writer: inout TextWriter, at site: Int
    ) {
        defer { give(vector) }
        var lost = 0
        rows.forEach { row in
            guard vector.validity(row) == 1 else { return }
            writer.begin()
            writer.append(vector[row])
            guard let text = writer.end() else {
                lost &+= 1
                return
            }
            cells.set(row, TextSlice(offset: UInt32(text.start), length: UInt32(text.count)), validity: 1)
        }
        count(lost, at: site)
    }

    private func isConstant(_ plan: ChoicePlan) -> Bool {
        (plan.branches.map(\.value) + [plan.otherwise]).allSatisfy { value in
            switch value {
            case nil, .text(.constant)?: true
            default: false
            }
        }
    }

    func constantSlice(_ index: Int) -> TextSlice {
        let text = constantText(index)
        let offset = unsafe text.start - UnsafeRawPointer(constantBytes)
        return TextSlice(offset: UInt32(offset), length: UInt32(text.count))
    }

    private func chooseConstant(_ plan: ChoicePlan, _ rows: RowSelection, _ frame: Frame) -> TextVector {
        let scratch = pool.takeColumn()
        let cells = Cells<TextSlice>(scratch)
        rows.forEach { cells.setNull($0) }
        eachBranch(plan, rows, frame) { value, selection in
            guard case .text(.constant(let index)) = value else { preconditionFailure(Self.mixture) }
            let slice = constantSlice(index)
            selection.forEach { cells.set($0, slice, validity: 1) }
        }
        return unsafe .column(
            TextColumn(base: UnsafeRawPointer(constantBytes), cells: cells, scratch: scratch, bytes: nil))
    }
}
