import Dataflow

extension ExpressionEvaluator {
    /// The rows for which a condition is `wanted`, true or false; null is neither.
    ///
    /// Asking for false instead of negating keeps three-valued logic without a third value: `not a` is true where a is
    /// false, `not (a && b)` where a is false or b is false.
    func select(_ plan: BooleanPlan, _ wanted: Bool, _ rows: RowSelection, _ frame: Frame) -> Rows {
        switch plan {
        case .null: return .none
        case .constant(let value): return value == wanted ? Rows(selection: rows, list: nil) : .none
        case .not(let operand): return select(operand, !wanted, rows, frame)
        case .and(let operands): return wanted ? all(operands, true, rows, frame) : any(operands, false, rows, frame)
        case .or(let operands): return wanted ? any(operands, true, rows, frame) : all(operands, false, rows, frame)
        case .compareIntegers(let comparison, let left, let right):
            let a = integers(left, rows, frame)
            let b = integers(right, rows, frame)
            defer {
                give(a)
                give(b)
            }
            return compare(wanted ? comparison : comparison.negated, a, b, rows)
        case .compareScaled(let comparison, let left, let leftFactor, let right, let rightFactor):
            let a = integers(left, rows, frame)
            let b = integers(right, rows, frame)
            defer {
                give(a)
                give(b)
            }
            return compareScaled(
                wanted ? comparison : comparison.negated, a, Int128(leftFactor), b, Int128(rightFactor), rows)
        case .compareDoubles(let comparison, let left, let right):
            let a = doubles(left, rows, frame)
            let b = doubles(right, rows, frame)
            defer {
                give(a)
                give(b)
            }
            return compare(wanted ? comparison : comparison.negated, a, b, rows)
        case .compareTexts(let comparison, let left, let right):
            let a = texts(left, rows, frame)
            let b = texts(right, rows, frame)
            defer {
                give(a)
                give(b)
            }
            return compareTexts(wanted ? comparison : comparison.negated, a, b, rows)
        case .inIntegers, .inDoubles, .inTexts: return member(plan, wanted, rows, frame)
        case .isNull(let operand): return selectNull(operand, wanted, rows, frame)
        case .binding(let operands, let condition):
            return bind(operands, rows, frame) { select(condition, wanted, rows, frame) }
        case .column, .compareBooleans, .coalesce, .choose, .call, .bound:
            let truths = truths(plan, rows, frame)
            defer { give(truths) }
            return compare(.equal, truths, .constant(wanted ? 1 : 0), rows)
        }
    }

    /// The rows for which every operand is `wanted`: each narrows what the next one sees.
    private func all(_ operands: [BooleanPlan], _ wanted: Bool, _ rows: RowSelection, _ frame: Frame) -> Rows {
        var current = Rows(selection: rows, list: nil)
        for operand in operands where current.selection.count > 0 {
            narrow(&current, to: select(operand, wanted, current.selection, frame))
        }
        return current
    }

    /// The rows for which some operand is `wanted`: each sees what the ones before have left.
    private func any(_ operands: [BooleanPlan], _ wanted: Bool, _ rows: RowSelection, _ frame: Frame) -> Rows {
        let scratch = pool.takeColumn()
        defer { pool.give(scratch) }
        let isHit = Cells<UInt8>(scratch)
        rows.forEach { isHit[$0] = 0 }
        var left = Rows(selection: rows, list: nil)
        for operand in operands where left.selection.count > 0 {
            let hits = select(operand, wanted, left.selection, frame)
            hits.selection.forEach { isHit[$0] = 1 }
            give(hits)
            narrow(&left, to: filter(left.selection) { 1 &- isHit[$0] })
        }
        give(left)
        return filter(rows) { isHit[$0] }
    }

    /// Takes `next` for `rows`, unless it is the same list, which `rows` goes on owning.
    func narrow(_ rows: inout Rows, to next: Rows) {
        guard next.list != nil || next.selection.count == 0 else { return }
        give(rows)
        rows = next
    }

    private func selectNull(_ operand: ValuePlan, _ wanted: Bool, _ rows: RowSelection, _ frame: Frame) -> Rows {
        let flip: UInt8 = wanted ? 1 : 0
        switch operand {
        case .integer(let plan): return selectNull(integers(plan, rows, frame), flip, rows)
        case .double(let plan): return selectNull(doubles(plan, rows, frame), flip, rows)
        case .boolean(let plan): return selectNull(truths(plan, rows, frame), flip, rows)
        case .text(let plan):
            let vector = texts(plan, rows, frame)
            defer { give(vector) }
            return filter(rows) { vector.validity($0) ^ flip }
        }
    }

    private func selectNull<Value>(_ vector: Vector<Value>, _ flip: UInt8, _ rows: RowSelection) -> Rows {
        defer { give(vector) }
        switch vector {
        case .column(let cells, _): return filter(rows) { cells.validity($0) ^ flip }
        case .constant: return flip == 0 ? Rows(selection: rows, list: nil) : .none
        }
    }

    private func member(_ plan: BooleanPlan, _ wanted: Bool, _ rows: RowSelection, _ frame: Frame) -> Rows {
        let flip: UInt8 = wanted ? 0 : 1
        switch plan {
        case .inIntegers(let operand, let set):
            let vector = integers(operand, rows, frame)
            defer { give(vector) }
            return filter(vector, rows) { (set.contains($0) ? 1 : 0) ^ flip }
        case .inDoubles(let operand, let set):
            let vector = doubles(operand, rows, frame)
            defer { give(vector) }
            return filter(vector, rows) { (set.contains($0) ? 1 : 0) ^ flip }
        case .inTexts(let operand, let set):
            let vector = texts(operand, rows, frame)
            defer { give(vector) }
            return filter(rows) { row in
                guard vector.validity(row) == 1 else { return 0 }
                return (unsafe set.contains(vector[row].bytes) ? 1 : 0) ^ flip
            }
        default: preconditionFailure("A condition that is not a membership test was taken for one.")
        }
    }
}

extension ExpressionEvaluator {
    /// The rows for which `keep` answers 1. Writes every row and moves on only past those kept, so that the loop has
    /// no branch to mispredict.
    @inline(__always)
    func filter(_ rows: RowSelection, _ keep: (Int) -> UInt8) -> Rows {
        let list = pool.takeRows()
        let kept = unsafe list.start
        var count = 0
        rows.forEach { row in
            unsafe kept[count] = UInt32(truncatingIfNeeded: row)
            count &+= Int(keep(row))
        }
        if count == rows.count {
            pool.give(list)
            return Rows(selection: rows, list: nil)
        }
        return unsafe Rows(selection: RowSelection(rows: UnsafePointer(kept), count: count), list: list)
    }

    @inline(__always)
    private func filter<Value>(_ vector: Vector<Value>, _ rows: RowSelection, _ keep: (Value) -> UInt8) -> Rows {
        switch vector {
        case .column(let cells, _): return filter(rows) { cells.validity($0) & keep(cells[$0]) }
        case .constant(let value): return keep(value) == 1 ? Rows(selection: rows, list: nil) : .none
        }
    }

    @inline(__always)
    private func filter<Value>(
        _ a: Vector<Value>, _ b: Vector<Value>, _ rows: RowSelection, _ holds: (Value, Value) -> Bool
    ) -> Rows {
        switch (a, b) {
        case (.column(let a, _), .column(let b, _)):
            filter(rows) { a.validity($0) & b.validity($0) & (holds(a[$0], b[$0]) ? 1 : 0) }
        case (.column(let a, _), .constant(let b)):
            filter(rows) { a.validity($0) & (holds(a[$0], b) ? 1 : 0) }
        case (.constant(let a), .column(let b, _)):
            filter(rows) { b.validity($0) & (holds(a, b[$0]) ? 1 : 0) }
        case (.constant(let a), .constant(let b)):
            holds(a, b) ? Rows(selection: rows, list: nil) : .none
        }
    }

    @inline(__always)
    private func compare<Value: Comparable & BitwiseCopyable>(
        _ comparison: Comparison, _ a: Vector<Value>, _ b: Vector<Value>, _ rows: RowSelection
    ) -> Rows {
        switch comparison {
        case .equal: filter(a, b, rows) { $0 == $1 }
        case .notEqual: filter(a, b, rows) { $0 != $1 }
        case .less: filter(a, b, rows) { $0 < $1 }
        case .lessOrEqual: filter(a, b, rows) { $0 <= $1 }
        case .greater: filter(a, b, rows) { $0 > $1 }
        case .greaterOrEqual: filter(a, b, rows) { $0 >= $1 }
        }
    }

    private func compareScaled(
        _ comparison: Comparison, _ a: Vector<Int64>, _ aFactor: Int128, _ b: Vector<Int64>, _ bFactor: Int128,
        _ rows: RowSelection
    ) -> Rows {
        filter(a, b, rows) { a, b in
            let (left, right) = (Int128(a) * aFactor, Int128(b) * bFactor)
            return switch comparison {
            case .equal: left == right
            case .notEqual: left != right
            case .less: left < right
            case .lessOrEqual: left <= right
            case .greater: left > right
            case .greaterOrEqual: left >= right
            }
        }
    }
}
