import Dataflow

extension ExpressionEvaluator {
    /// The values of whole numbers, decimals' units or timestamps.
    func integers(_ plan: IntegerPlan, _ rows: RowSelection, _ frame: Frame) -> Vector<Int64> {
        switch plan {
        case .constant(let value): return .constant(value)
        case .column(let column): return .column(Cells(frame[column]), scratch: nil)
        case .arithmetic(let operation, let left, let right, let site):
            let a = integers(left, rows, frame)
            let b = integers(right, rows, frame)
            defer {
                give(a)
                give(b)
            }
            return column { count(Self.compute(operation, a, b, rows, into: $0), at: site) }
        case .negate(let operand, let site):
            return map(integers(operand, rows, frame), rows, site) { ($0 &* -1, $0 == .min ? 0 : 1) }
        case .rescale(let operand, let factor, let site):
            return rescaled(integers(operand, rows, frame), rows, by: factor, at: site)
        case .coalesce(let operands):
            return coalesce(operands, rows) {
                integers($0.plan, $1, frame)
            } fitting: { operand, vector, rows in
                operand.factor == 1 ? vector : rescaled(vector, rows, by: operand.factor, at: operand.site)
            }
        case .choose(let plan):
            return choose(plan, rows, frame) { plan, rows in
                guard case .integer(let plan) = plan else { preconditionFailure(Self.mixture) }
                return integers(plan, rows, frame)
            }
        case .call(let plan): return call(plan, rows, frame)
        case .bound(let number):
            guard case .integers(let vector) = boundOperand(number) else { preconditionFailure(Self.mixture) }
            return vector
        }
    }

    /// The units of more digits after the point; the vector is given back.
    private func rescaled(
        _ vector: Vector<Int64>, _ rows: RowSelection, by factor: Int64, at site: Int
    ) -> Vector<Int64> {
        map(vector, rows, site) {
            let (product, overflow) = $0.multipliedReportingOverflow(by: factor)
            return (product, overflow ? 0 : 1)
        }
    }

    /// The values of doubles.
    func doubles(_ plan: DoublePlan, _ rows: RowSelection, _ frame: Frame) -> Vector<Double> {
        switch plan {
        case .constant(let value): return .constant(value)
        case .column(let column): return .column(Cells(frame[column]), scratch: nil)
        case .arithmetic(let operation, let left, let right, let site):
            let a = doubles(left, rows, frame)
            let b = doubles(right, rows, frame)
            defer {
                give(a)
                give(b)
            }
            return column { count(Self.compute(operation, a, b, rows, into: $0), at: site) }
        case .negate(let operand): return map(doubles(operand, rows, frame), rows, nil) { (-$0, 1) }
        case .fromInteger(let operand, let divisor):
            return map(integers(operand, rows, frame), rows, nil) {
                (DecimalComparison.double($0, divisor: divisor), 1)
            }
        case .coalesce(let operands): return coalesce(operands, rows) { doubles($0, $1, frame) }
        case .choose(let plan):
            return choose(plan, rows, frame) { plan, rows in
                guard case .double(let plan) = plan else { preconditionFailure(Self.mixture) }
                return doubles(plan, rows, frame)
            }
        case .call(let plan): return call(plan, rows, frame)
        case .bound(let number):
            guard case .doubles(let vector) = boundOperand(number) else { preconditionFailure(Self.mixture) }
            return vector
        }
    }

    static let mixture = "A plan has parts of different representations."

    /// A new column filled by `fill`.
    @inline(__always)
    func column<Value>(_ fill: (Cells<Value>) -> Void) -> Vector<Value> {
        let scratch = pool.takeColumn()
        let cells = Cells<Value>(scratch)
        fill(cells)
        return .column(cells, scratch: scratch)
    }

    /// A new column from a vector, which is given back.
    @inline(__always)
    func map<A, R>(
        _ vector: Vector<A>, _ rows: RowSelection, _ site: Int?, _ operation: (A) -> (R, UInt8)
    ) -> Vector<R> {
        defer { give(vector) }
        return column {
            let failures = transform(vector, rows, into: $0, operation)
            if let site { count(failures, at: site) }
        }
    }

    private static func compute(
        _ operation: Arithmetic, _ a: Vector<Int64>, _ b: Vector<Int64>, _ rows: RowSelection, into result: Cells<Int64>
    ) -> Int {
        switch operation {
        case .add:
            combine(a, b, rows, into: result) {
                let (value, overflow) = $0.addingReportingOverflow($1)
                return (value, overflow ? 0 : 1)
            }
        case .subtract:
            combine(a, b, rows, into: result) {
                let (value, overflow) = $0.subtractingReportingOverflow($1)
                return (value, overflow ? 0 : 1)
            }
        case .multiply:
            combine(a, b, rows, into: result) {
                let (value, overflow) = $0.multipliedReportingOverflow(by: $1)
                return (value, overflow ? 0 : 1)
            }
        case .divide:
            combine(a, b, rows, into: result) {
                let (value, overflow) = $0.dividedReportingOverflow(by: $1)
                return (value, overflow ? 0 : 1)
            }
        case .remainder:
            combine(a, b, rows, into: result) {
                let (value, overflow) = $0.remainderReportingOverflow(dividingBy: $1)
                return (value, overflow && $1 == 0 ? 0 : 1)
            }
        }
    }

    private static func compute(
        _ operation: Arithmetic, _ a: Vector<Double>, _ b: Vector<Double>, _ rows: RowSelection,
        into result: Cells<Double>
    ) -> Int {
        switch operation {
        case .add: combine(a, b, rows, into: result) { finite($0 + $1) }
        case .subtract: combine(a, b, rows, into: result) { finite($0 - $1) }
        case .multiply: combine(a, b, rows, into: result) { finite($0 * $1) }
        case .divide: combine(a, b, rows, into: result) { finite($0 / $1) }
        case .remainder: combine(a, b, rows, into: result) { finite($0.truncatingRemainder(dividingBy: $1)) }
        }
    }

    @inline(__always)
    private static func finite(_ value: Double) -> (Double, UInt8) { (value, value.isFinite ? 1 : 0) }
}
