extension QuantileTable {
    /// Inserts a batch of integers or scaled decimals.
    ///
    /// For k in 0 ..< count the row is `rows[k]`, or k without `rows`; rows that are not valid are skipped, the value
    /// of the others goes into group `groups[k]`.
    ///
    /// - Parameters:
    ///   - integers: one value per row; scaled by 10^scale for decimals.
    ///   - valid: one byte per row, 0 for null; nil if no row is null.
    ///   - rows: `count` row numbers; nil for the first `count` rows.
    ///   - groups: `count` indices below the table's `count`.
    ///   - count: length of `rows` and `groups`.
    /// - Complexity: amortised O(1) per value, allocation included.
    public mutating func insert(
        integers: UnsafePointer<Int64>, valid: UnsafePointer<UInt8>?, rows: UnsafePointer<UInt32>?,
        groups: UnsafePointer<UInt32>, count: Int
    ) {
        switch kind {
        case .integer: unsafe insert(integers, kind.integerRule, valid, rows, groups, count)
        case .decimal(let scale): unsafe insert(integers, kind.decimalRule(scale: scale), valid, rows, groups, count)
        case .double: preconditionFailure("scaled integers go into a table of integers or decimals only")
        }
    }

    /// Inserts a batch of finite doubles; the parameters are those of `insert(integers:valid:rows:groups:count:)`.
    ///
    /// NaN or infinity in a valid row is a bug of the caller: the parser rejects them.
    public mutating func insert(
        doubles: UnsafePointer<Double>, valid: UnsafePointer<UInt8>?, rows: UnsafePointer<UInt32>?,
        groups: UnsafePointer<UInt32>, count: Int
    ) {
        precondition(kind == .double, "doubles go into a table of doubles only")
        unsafe insert(doubles, kind.doubleRule, valid, rows, groups, count)
    }

    private mutating func insert<Rule: QuantileRule>(
        _ values: UnsafePointer<Rule.Input>, _ rule: Rule, _ valid: UnsafePointer<UInt8>?,
        _ rows: UnsafePointer<UInt32>?, _ groups: UnsafePointer<UInt32>, _ count: Int
    ) {
        for k in 0..<count {
            let row = if let rows = unsafe rows { unsafe Int(rows[k]) } else { k }
            if let valid = unsafe valid, unsafe valid[row] == 0 { continue }
            let group = unsafe Int(groups[k])
            precondition(group < self.count, "a group index is below the table's count")
            unsafe insert(rule.raw(values[row]), into: slots + group, rule)
        }
    }

    /// One value into one group; the window case, which hot groups have, is all inline.
    @inline(__always)
    mutating func insert<Rule: QuantileRule>(
        _ raw: Int64, into slot: UnsafeMutablePointer<QuantileSlot>, _ rule: Rule
    ) {
        guard unsafe slot.pointee.isWindow else {
            unsafe insertOutsideWindows(raw, into: slot, rule)
            return
        }
        if unsafe raw < slot.pointee.low { unsafe slot.pointee.low = raw }
        if unsafe raw > slot.pointee.high { unsafe slot.pointee.high = raw }
        let body = unsafe arena.address(slot.pointee.handle)
        unsafe QuantileBody.add(rule.units(raw), wide: Rule.sumsAreWide, to: body)
        let key = rule.key(raw)
        let offset = unsafe UInt32(bitPattern: key &- body.load(fromByteOffset: QuantileBody.base, as: Int32.self))
        if unsafe offset < UInt32(slot.pointee.length),
            unsafe QuantileBody.increment(
                body + QuantileBody.headerBytes, Int(offset), width: slot.pointee.width)
        {
            return
        }
        unsafe addBucket(key, 1, to: slot)
    }

    /// Up to 32 values: two in the slot, the others in a list that grows with the size classes.
    @inline(never)
    private mutating func insertOutsideWindows<Rule: QuantileRule>(
        _ raw: Int64, into slot: UnsafeMutablePointer<QuantileSlot>, _ rule: Rule
    ) {
        let held = unsafe slot.pointee.form
        guard held < QuantileSlot.exactMax else {
            unsafe insertIntoHistogram(raw, slot, rule)
            return
        }
        unsafe slot.pointee.form = held + 1
        if held < 2 {
            unsafe slot.pointee.low = min(raw, slot.pointee.low)
            unsafe slot.pointee.high = max(raw, slot.pointee.high)
            return
        }
        var inner = raw
        if unsafe raw < slot.pointee.low {
            unsafe swap(&inner, &slot.pointee.low)
        } else if unsafe raw > slot.pointee.high {
            unsafe swap(&inner, &slot.pointee.high)
        }
        let position = Int(held) - 2
        if unsafe position == slot.pointee.length { unsafe growList(slot) }
        unsafe arena.address(slot.pointee.handle).storeBytes(of: inner, toByteOffset: position * 8, as: Int64.self)
    }

    private mutating func growList(_ slot: UnsafeMutablePointer<QuantileSlot>) {
        let filled = unsafe Int(slot.pointee.length) * 8
        let sizeClass = unsafe filled == 0 ? 0 : slot.pointee.sizeClass + 1
        let handle = arena.allocate(sizeClass)
        if filled > 0 {
            unsafe arena.address(handle).copyMemory(from: arena.address(slot.pointee.handle), byteCount: filled)
            unsafe arena.release(slot.pointee.handle, slot.pointee.sizeClass)
        }
        unsafe slot.pointee.handle = handle
        unsafe slot.pointee.sizeClass = sizeClass
        unsafe slot.pointee.length = UInt16(QuantileSlabs.bytes(of: sizeClass) / 8)
    }

    /// The 33rd value of a group, or any value of a group of pairs.
    private mutating func insertIntoHistogram<Rule: QuantileRule>(
        _ raw: Int64, _ slot: UnsafeMutablePointer<QuantileSlot>, _ rule: Rule
    ) {
        if unsafe slot.pointee.isExact { unsafe spill(slot, rule) }
        unsafe slot.pointee.low = min(raw, slot.pointee.low)
        unsafe slot.pointee.high = max(raw, slot.pointee.high)
        unsafe QuantileBody.add(rule.units(raw), wide: Rule.sumsAreWide, to: arena.address(slot.pointee.handle))
        unsafe addBucket(rule.key(raw), 1, to: slot)
    }

    /// Calls the closure with each value of a group that still has them, unsorted.
    borrowing func forEachExact(_ slot: QuantileSlot, _ body: (Int64) -> Void) {
        let held = Int(slot.form)
        if held > 0 { body(slot.low) }
        if held > 1 { body(slot.high) }
        for position in 0..<max(0, held - 2) {
            unsafe body(arena.address(slot.handle).load(fromByteOffset: position * 8, as: Int64.self))
        }
    }

    /// Turns a list of values, also an empty one, into the histogram form that suits them.
    mutating func spill<Rule: QuantileRule>(_ slot: UnsafeMutablePointer<QuantileSlot>, _ rule: Rule) {
        var total = WideSum()
        var keys: [Int32] = []
        unsafe forEachExact(slot.pointee) { raw in
            total.add(rule.units(raw))
            keys.append(rule.key(raw))
        }
        keys.sort()
        if unsafe slot.pointee.length > 0 { unsafe arena.release(slot.pointee.handle, slot.pointee.sizeClass) }
        let signed = keys.filter { $0 != QuantileKey.zero }
        let first = signed.first ?? QuantileKey.bias
        let last = signed.last ?? QuantileKey.bias
        if first > 0, Self.windowSuits(span: Int(last - first) + 1, pairs: signed.count, width: 0) {
            unsafe startWindow(slot, first...last, width: 0, growing: .both)
        } else {
            unsafe startPairs(slot, capacity: signed.count + 1, width: 0)
        }
        unsafe QuantileBody.setTotal(total, of: arena.address(slot.pointee.handle))
        for key in keys { unsafe addBucket(key, 1, to: slot) }
    }
}
