import Dataflow

/// Calls of functions: arguments are computed, then the kernel runs over the rows, or over those whose texts are new.
extension ExpressionEvaluator {
    func call<Value>(_ plan: CallPlan, _ rows: RowSelection, _ frame: Frame) -> Vector<Value> {
        column { (result: Cells<Value>) in
            let (held, readers) = arguments(plan.arguments, rows, frame)
            var call = unsafe KernelCall(
                rows: rows, arguments: readers, values: UnsafeMutableRawPointer(result.values), valid: result.valid,
                writer: TextWriter(pool.takeBytes(0)), zones: zones)
            run(plan, &call, MemoryLayout<Value>.stride == 1 ? .truth : .number)
            pool.give(call.writer)
            for part in held { give(part) }
        }
    }

    func callText(_ plan: CallPlan, _ rows: RowSelection, _ frame: Frame) -> TextVector {
        let scratch = pool.takeColumn()
        let cells = Cells<TextSlice>(scratch)
        var (held, readers) = arguments(plan.arguments, rows, frame)
        var call = unsafe KernelCall(
            rows: rows, arguments: readers, values: UnsafeMutableRawPointer(cells.values), valid: cells.valid,
            writer: TextWriter(pool.takeBytes(0)), zones: zones)
        run(plan, &call, .text)
        var bytes: ScratchPool.Bytes? = pool.grown(call.writer)
        var base = unsafe UnsafeRawPointer(call.writer.buffer.start)
        if call.sharesText {
            if let bytes { pool.give(bytes) }
            bytes = nil
            unsafe base = readers[0].text
            // The result goes on owning the bytes of the argument it is a part of.
            if case .texts(.column(let column)) = held[0] {
                bytes = column.bytes
                held[0] = .texts(
                    unsafe .column(
                        TextColumn(base: column.base, cells: column.cells, scratch: column.scratch, bytes: nil)))
            }
        }
        for part in held { give(part) }
        return unsafe .column(TextColumn(base: base, cells: cells, scratch: scratch, bytes: bytes))
    }

    /// The arguments' values, and readers over them.
    private func arguments(
        _ plans: [ValuePlan], _ rows: RowSelection, _ frame: Frame
    ) -> (held: [Held], readers: [ArgumentReader]) {
        var held: [Held] = []
        var readers: [ArgumentReader] = []
        var constants: [Held] = []
        for plan in plans {
            let values = self.held(plan, rows, frame)
            held.append(values)
            switch values {
            case .integers(let vector): readers.append(reader(vector, &constants))
            case .doubles(let vector): readers.append(reader(vector, &constants))
            case .truths(let vector): readers.append(reader(vector, &constants))
            case .texts(let vector): readers.append(reader(vector, &constants))
            case .scratch: preconditionFailure(Self.mixture)
            }
        }
        return (held + constants, readers)
    }

    /// The values of a plan of any representation.
    func held(_ plan: ValuePlan, _ rows: RowSelection, _ frame: Frame) -> Held {
        switch plan {
        case .integer(let plan): .integers(integers(plan, rows, frame))
        case .double(let plan): .doubles(doubles(plan, rows, frame))
        case .boolean(let plan): .truths(truths(plan, rows, frame))
        case .text(let plan): .texts(texts(plan, rows, frame))
        }
    }

    private func reader<Value>(_ vector: Vector<Value>, _ constants: inout [Held]) -> ArgumentReader {
        switch vector {
        case .column(let cells, _):
            return unsafe ArgumentReader(
                values: UnsafeRawPointer(cells.values), valid: UnsafePointer(cells.valid),
                text: UnsafeRawPointer(constantBytes), mask: -1)
        case .constant(let value): return unsafe constantReader(value, UnsafeRawPointer(constantBytes), &constants)
        }
    }

    private func reader(_ vector: TextVector, _ constants: inout [Held]) -> ArgumentReader {
        switch vector {
        case .column(let column):
            return unsafe ArgumentReader(
                values: UnsafeRawPointer(column.cells.values), valid: UnsafePointer(column.cells.valid),
                text: column.base, mask: -1)
        case .constant(let text):
            let slice = TextSlice(offset: 0, length: UInt32(text.count))
            return unsafe constantReader(slice, text.start, &constants)
        }
    }

    private func constantReader<Value: BitwiseCopyable>(
        _ value: Value, _ text: UnsafeRawPointer, _ constants: inout [Held]
    ) -> ArgumentReader {
        let scratch = pool.takeColumn()
        constants.append(.scratch(scratch))
        Cells<Value>(scratch).set(0, value, validity: 1)
        return unsafe ArgumentReader(
            values: UnsafeRawPointer(scratch.values), valid: UnsafePointer(scratch.valid), text: text, mask: 0)
    }

    private func run(_ plan: CallPlan, _ call: inout KernelCall, _ shape: ResultShape) {
        if plan.kernel.isCostly, let argument = soleText(plan.arguments, call.arguments), let memo = memo(of: plan) {
            runRemembering(plan, &call, shape, argument, memo)
        } else {
            plan.kernel.run(&call)
            if plan.kernel.countsNulls { count(call.failures, at: plan.site) }
        }
    }

    /// The only argument that is no constant, when it is a text.
    private func soleText(_ plans: [ValuePlan], _ readers: [ArgumentReader]) -> ArgumentReader? {
        var found: ArgumentReader?
        for (plan, reader) in zip(plans, readers) where !reader.isConstant {
            guard found == nil, case .text = plan else { return nil }
            found = reader
        }
        return found
    }
}
