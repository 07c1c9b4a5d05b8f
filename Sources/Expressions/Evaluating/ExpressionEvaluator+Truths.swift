import Dataflow

/// Conditions as values, 1 true and 0 false, for the few operators and results that need them.
extension ExpressionEvaluator {
    func truths(_ plan: BooleanPlan, _ rows: RowSelection, _ frame: Frame) -> Vector<UInt8> {
        switch plan {
        case .null: return column { result in rows.forEach { result.set($0, 0, validity: 0) } }
        case .constant(let value): return .constant(value ? 1 : 0)
        case .column(let column): return .column(Cells(frame[column]), scratch: nil)
        case .not(let operand): return map(truths(operand, rows, frame), rows, nil) { (1 &- $0, 1) }
        case .and(let operands): return join(operands, deciding: 0, rows, frame)
        case .or(let operands): return join(operands, deciding: 1, rows, frame)
        case .compareIntegers, .compareScaled, .compareDoubles, .compareTexts, .compareBooleans:
            return compared(plan, rows, frame)
        case .inIntegers(let operand, let set):
            return map(integers(operand, rows, frame), rows, nil) { (set.contains($0) ? 1 : 0, 1) }
        case .inDoubles(let operand, let set):
            return map(doubles(operand, rows, frame), rows, nil) { (set.contains($0) ? 1 : 0, 1) }
        case .inTexts(let operand, let set):
            let texts = texts(operand, rows, frame)
            defer { give(texts) }
            return test(texts, rows) { unsafe set.contains($0.bytes) }
        case .isNull(let operand): return absence(operand, rows, frame)
        case .coalesce(let operands): return coalesce(operands, rows) { truths($0, $1, frame) }
        case .choose(let plan):
            return choose(plan, rows, frame) { plan, rows in
                guard case .boolean(let plan) = plan else { preconditionFailure(Self.mixture) }
                return truths(plan, rows, frame)
            }
        case .call(let plan): return call(plan, rows, frame)
        case .bound(let number):
            guard case .truths(let vector) = boundOperand(number) else { preconditionFailure(Self.mixture) }
            return vector
        case .binding(let operands, let condition):
            return bind(operands, rows, frame) { truths(condition, rows, frame) }
        }
    }

    private func compared(_ plan: BooleanPlan, _ rows: RowSelection, _ frame: Frame) -> Vector<UInt8> {
        switch plan {
        case .compareIntegers(let comparison, let left, let right):
            return compare(comparison, integers(left, rows, frame), integers(right, rows, frame), rows)
        case .compareDoubles(let comparison, let left, let right):
            return compare(comparison, doubles(left, rows, frame), doubles(right, rows, frame), rows)
        case .compareScaled(let comparison, let left, let leftFactor, let right, let rightFactor):
            let (left, right) = (integers(left, rows, frame), integers(right, rows, frame))
            return merge(left, right, rows) {
                comparison.holds(Int128($0) * Int128(leftFactor), Int128($1) * Int128(rightFactor))
            }
        case .compareBooleans(let isEqual, let left, let right):
            return merge(truths(left, rows, frame), truths(right, rows, frame), rows) { ($0 == $1) == isEqual }
        case .compareTexts(let comparison, let left, let right):
            return compareTexts(comparison, texts(left, rows, frame), texts(right, rows, frame), rows)
        default: preconditionFailure("A condition that is not a comparison was taken for one.")
        }
    }

    private func compare<Value: Comparable & BitwiseCopyable>(
        _ comparison: Comparison, _ a: Vector<Value>, _ b: Vector<Value>, _ rows: RowSelection
    ) -> Vector<UInt8> {
        switch comparison {
        case .equal: merge(a, b, rows) { $0 == $1 }
        case .notEqual: merge(a, b, rows) { $0 != $1 }
        case .less: merge(a, b, rows) { $0 < $1 }
        case .lessOrEqual: merge(a, b, rows) { $0 <= $1 }
        case .greater: merge(a, b, rows) { $0 > $1 }
        case .greaterOrEqual: merge(a, b, rows) { $0 >= $1 }
        }
    }

    /// Truth values from two vectors, which are given back.
    @inline(__always)
    private func merge<Value>(
        _ a: Vector<Value>, _ b: Vector<Value>, _ rows: RowSelection, _ holds: (Value, Value) -> Bool
    ) -> Vector<UInt8> {
        defer {
            give(a)
            give(b)
        }
        return column { _ = combine(a, b, rows, into: $0) { (holds($0, $1) ? 1 : 0, 1) } }
    }

    @inline(__always)
    private func test(_ texts: TextVector, _ rows: RowSelection, _ holds: (TextView) -> Bool) -> Vector<UInt8> {
        column { (result: Cells<UInt8>) in
            rows.forEach { row in
                let isThere = texts.validity(row)
                result.set(row, isThere == 1 && holds(texts[row]) ? 1 : 0, validity: isThere)
            }
        }
    }

    /// Whether a value is null.
    private func absence(_ plan: ValuePlan, _ rows: RowSelection, _ frame: Frame) -> Vector<UInt8> {
        let values = held(plan, rows, frame)
        defer { give(values) }
        switch values {
        case .integers(let vector): return absence(rows) { vector.validity($0) }
        case .doubles(let vector): return absence(rows) { vector.validity($0) }
        case .truths(let vector): return absence(rows) { vector.validity($0) }
        case .texts(let vector): return absence(rows) { vector.validity($0) }
        case .scratch: preconditionFailure(Self.mixture)
        }
    }

    @inline(__always)
    private func absence(_ rows: RowSelection, _ validity: (Int) -> UInt8) -> Vector<UInt8> {
        column { result in rows.forEach { result.set($0, 1 &- validity($0), validity: 1) } }
    }

    /// `and` (a false decides) or `or` (a true decides): a row is decided by one such operand, else null by one null.
    /// Each operand sees the rows that those before have left undecided.
    private func join(
        _ operands: [BooleanPlan], deciding: UInt8, _ rows: RowSelection, _ frame: Frame
    ) -> Vector<UInt8> {
        column { (result: Cells<UInt8>) in
            rows.forEach { result.set($0, 1 &- deciding, validity: 1) }
            var left = Rows(selection: rows, list: nil)
            for operand in operands where left.selection.count > 0 {
                let vector = truths(operand, left.selection, frame)
                left.selection.forEach { row in
                    if vector.validity(row) == 0 {
                        result.setNull(row)
                    } else if vector[row] == deciding {
                        result.set(row, deciding, validity: 1)
                    }
                }
                give(vector)
                // The value of a row that a null leaves open is never the deciding one.
                narrow(&left, to: filter(left.selection) { result[$0] == deciding ? 0 : 1 })
            }
            give(left)
        }
    }
}

extension Comparison {
    /// Whether it is true of two values.
    @inline(__always)
    func holds<Value: Comparable>(_ a: Value, _ b: Value) -> Bool {
        switch self {
        case .equal: a == b
        case .notEqual: a != b
        case .less: a < b
        case .lessOrEqual: a <= b
        case .greater: a > b
        case .greaterOrEqual: a >= b
        }
    }
}
