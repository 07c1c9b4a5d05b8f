import Dataflow

extension ExpressionEvaluator {
    /// The texts of a plan.
    func texts(_ plan: TextPlan, _ rows: RowSelection, _ frame: Frame) -> TextVector {
        switch plan {
        case .constant(let index): return .constant(constantText(index))
        case .column(let column):
            return unsafe .column(
                TextColumn(base: frame[column].base, cells: Cells(frame[column]), scratch: nil, bytes: nil))
        case .coalesce(let operands, let site): return coalesce(operands, at: site, rows, frame)
        case .choose(let plan): return choose(plan, rows, frame)
        case .call(let plan): return callText(plan, rows, frame)
        case .bound(let number):
            guard case .texts(let vector) = boundOperand(number) else { preconditionFailure(Self.mixture) }
            return vector
        }
    }
}

extension ExpressionEvaluator {
    func compareTexts(_ comparison: Comparison, _ a: TextVector, _ b: TextVector, _ rows: RowSelection) -> Rows {
        // The commonest condition of all, field == 'text': the lengths differ for most rows, and no bytes are read.
        if case .constant(let constant) = b, case .column(let column) = a,
            comparison == .equal || comparison == .notEqual
        {
            let flip: UInt8 = comparison == .equal ? 0 : 1
            return filter(rows) { row in
                // The slice of an absent text is whatever was there: it leads anywhere.
                let isThere = column.cells.validity(row)
                let isEqual = isThere == 1 && column[row] == constant
                return isThere & ((isEqual ? 1 : 0) ^ flip)
            }
        }
        return filter(a, b, rows) { a, b in
            let order = TextView.order(a, b)
            return switch comparison {
            case .equal: order == 0
            case .notEqual: order != 0
            case .less: order < 0
            case .lessOrEqual: order <= 0
            case .greater: order > 0
            case .greaterOrEqual: order >= 0
            }
        }
    }

    /// Truth values of a comparison; the operands are given back.
    func compareTexts(
        _ comparison: Comparison, _ a: TextVector, _ b: TextVector, _ rows: RowSelection
    ) -> Vector<UInt8> {
        defer {
            give(a)
            give(b)
        }
        let isEquality = comparison == .equal || comparison == .notEqual
        return column { (result: Cells<UInt8>) in
            if isEquality, case .constant(let constant) = b, case .column(let column) = a {
                let flip: UInt8 = comparison == .equal ? 0 : 1
                rows.forEach { row in
                    let isThere = column.cells.validity(row)
                    let isEqual = isThere == 1 && column[row] == constant
                    result.set(row, (isEqual ? 1 : 0) ^ flip, validity: isThere)
                }
            } else {
                rows.forEach { row in
                    let isThere = a.validity(row) & b.validity(row)
                    let holds = isThere == 1 && comparison.holds(TextView.order(a[row], b[row]), 0)
                    result.set(row, holds ? 1 : 0, validity: isThere)
                }
            }
        }
    }

    @inline(__always)
    private func filter(
        _ a: TextVector, _ b: TextVector, _ rows: RowSelection, _ holds: (TextView, TextView) -> Bool
    ) -> Rows {
        filter(rows) { row in
            guard a.validity(row) & b.validity(row) == 1 else { return 0 }
            return holds(a[row], b[row]) ? 1 : 0
        }
    }
}
