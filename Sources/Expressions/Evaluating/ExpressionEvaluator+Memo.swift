import Dataflow

/// Costly functions of one text: computed for the texts that have not been seen lately; the others' results are known.
extension ExpressionEvaluator {
    /// What the cells of a result are.
    enum ResultShape {
        case truth
        case number
        case text
    }

    /// What is remembered of a call; nil where that does not pay at present.
    func memo(of plan: CallPlan) -> ResultMemo? {
        while memos.count <= plan.site { memos.append(nil) }
        let memo = memos[plan.site] ?? ResultMemo(bytesMax: memoBytesMax)
        memos[plan.site] = memo
        return memo.begin() ? memo : nil
    }

    /// Rows of one run whose results are not known from before.
    private struct NewTexts {
        /// Those to be computed.
        let rows: ScratchPool.RowList
        var count = 0
        /// Those that have the text of one of them.
        let others: ScratchPool.RowList
        var otherCount = 0
        /// By row. For one to be computed: its entry and 1, 0 for none. For another: the row that is computed.
        let links: Cells<UInt32>
    }

    func runRemembering(
        _ plan: CallPlan, _ call: inout KernelCall, _ shape: ResultShape, _ argument: ArgumentReader, _ memo: ResultMemo
    ) {
        let links = pool.takeColumn()
        var new = NewTexts(rows: pool.takeRows(), others: pool.takeRows(), links: Cells(links))
        defer {
            pool.give(links)
            pool.give(new.rows)
            pool.give(new.others)
        }
        var nulls =
            switch shape {
            case .truth: recall(&call, argument, memo, &new, shape, as: UInt8.self)
            case .number, .text: recall(&call, argument, memo, &new, shape, as: UInt64.self)
            }
        if new.count > 0 {
            var inner = unsafe KernelCall(
                rows: RowSelection(rows: UnsafePointer(new.rows.start), count: new.count), arguments: call.arguments,
                values: call.values, valid: call.valid, writer: call.writer, zones: zones)
            plan.kernel.run(&inner)
            call.writer = inner.writer
            memo.sharesText = inner.sharesText
            switch shape {
            case .truth: nulls += remember(call, argument, memo, new, shape, as: UInt8.self)
            case .number, .text: nulls += remember(call, argument, memo, new, shape, as: UInt64.self)
            }
        }
        call.sharesText = memo.sharesText
        if plan.kernel.countsNulls { count(nulls, at: plan.site) }
    }

    /// Fills the rows whose texts are known, and lists the others.
    /// - Returns: how many are null where the text is there.
    @inline(__always)
    private func recall<Value: FixedWidthInteger & BitwiseCopyable>(
        _ call: inout KernelCall, _ argument: ArgumentReader, _ memo: ResultMemo, _ new: inout NewTexts,
        _ shape: ResultShape, as: Value.Type
    ) -> Int {
        let values = unsafe call.values.assumingMemoryBound(to: Value.self)
        let valid = unsafe call.valid
        var nulls = 0
        call.rows.forEach { row in
            guard argument.isThere(row) else {
                unsafe valid[row] = 0
                return
            }
            switch memo.look(up: TextView.load(argument, row), row: row) {
            case .null:
                unsafe valid[row] = 0
                nulls &+= 1
            case .row(let first, isNew: false):
                unsafe values[row] = values[first]
                unsafe valid[row] = 1
            case .row(let first, isNew: true):
                new.links[row] = UInt32(truncatingIfNeeded: first)
                unsafe new.others.start[new.otherCount] = UInt32(truncatingIfNeeded: row)
                new.otherCount &+= 1
            case .unknown(let entry):
                new.links[row] = entry.map { UInt32(truncatingIfNeeded: $0 + 1) } ?? 0
                unsafe new.rows.start[new.count] = UInt32(truncatingIfNeeded: row)
                new.count &+= 1
            case .value(let result, let entry):
                unsafe valid[row] = 1
                guard shape == .text else {
                    unsafe values[row] = Value(truncatingIfNeeded: result)
                    return
                }
                let slices = unsafe call.values.assumingMemoryBound(to: TextSlice.self)
                if memo.sharesText {
                    let start = argument.slice(row).offset &+ UInt32(truncatingIfNeeded: result >> 32)
                    unsafe slices[row] = TextSlice(offset: start, length: UInt32(truncatingIfNeeded: result))
                } else {
                    call.writer.begin()
                    call.writer.append(memo.text(result))
                    // It has been written before: it is not too long by itself.
                    guard let text = call.writer.end() else {
                        unsafe valid[row] = 0
                        nulls &+= 1
                        return
                    }
                    unsafe slices[row] = TextSlice(offset: UInt32(text.start), length: UInt32(text.count))
                    memo.note(entry, row: row)
                }
            }
        }
        return nulls
    }

    /// Notes the results of the rows that were computed, and gives them to the rows with the same texts.
    /// - Returns: how many are null.
    @inline(__always)
    private func remember<Value: FixedWidthInteger & BitwiseCopyable>(
        _ call: KernelCall, _ argument: ArgumentReader, _ memo: ResultMemo, _ new: NewTexts, _ shape: ResultShape,
        as: Value.Type
    ) -> Int {
        let values = unsafe call.values.assumingMemoryBound(to: Value.self)
        let slices = unsafe call.values.assumingMemoryBound(to: TextSlice.self)
        let valid = unsafe call.valid
        var nulls = 0
        for index in 0..<new.count {
            let row = unsafe Int(new.rows.start[index])
            let isThere = unsafe valid[row] == 1
            if !isThere { nulls &+= 1 }
            guard new.links[row] > 0 else { continue }
            let entry = Int(new.links[row]) - 1
            if !isThere {
                memo.closeNull(entry)
            } else if shape != .text {
                unsafe memo.close(entry, value: UInt64(truncatingIfNeeded: values[row]))
            } else if memo.sharesText {
                let slice = unsafe slices[row]
                let start = UInt64(slice.offset &- argument.slice(row).offset)
                memo.close(entry, value: start << 32 | UInt64(slice.length))
            } else {
                let slice = unsafe slices[row]
                unsafe memo.close(
                    entry, text: TextView(start: call.writer.buffer.start + Int(slice.offset), count: Int(slice.length))
                )
            }
        }
        for index in 0..<new.otherCount {
            let row = unsafe Int(new.others.start[index])
            let first = Int(new.links[row])
            unsafe valid[row] = valid[first]
            unsafe values[row] = values[first]
            if unsafe valid[first] == 0 { nulls &+= 1 }
        }
        return nulls
    }
}
