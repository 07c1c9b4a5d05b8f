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

    /// Up to 32 values: two in the slot, the others in a chain of blocks.
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
        if QuantileList.startsBlock(at: held) { unsafe addListBlock(slot) }
        let body = unsafe arena.address(slot.pointee.handle)
        unsafe body.storeBytes(of: inner, toByteOffset: Int(slot.pointee.length) * 8, as: Int64.self)
        unsafe slot.pointee.length += 1
    }

    /// Puts a new block before the older ones of a list; nothing is copied and nothing freed.
    private mutating func addListBlock(_ slot: UnsafeMutablePointer<QuantileSlot>) {
        let isFirst = unsafe slot.pointee.form == 3
        let sizeClass = unsafe QuantileList.sizeClass(ofBlockAt: slot.pointee.form - 1)
        let handle = arena.allocate(sizeClass)
        if !isFirst { unsafe arena.address(handle).storeBytes(of: slot.pointee.handle, as: UInt32.self) }
        unsafe slot.pointee.handle = handle
        unsafe slot.pointee.sizeClass = sizeClass
        unsafe slot.pointee.length = isFirst ? 0 : 1
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
    func forEachExact(_ slot: QuantileSlot, _ visit: (Int64) -> Void) {
        if slot.form > 0 { visit(slot.low) }
        if slot.form > 1 { visit(slot.high) }
        unsafe forEachListBlock(slot) { body, words in
            for word in words { unsafe visit(body.load(fromByteOffset: word * 8, as: Int64.self)) }
        }
    }

    /// Gives the blocks of a list back.
    private mutating func releaseList(_ slot: QuantileSlot) {
        var blocks: [(handle: UInt32, sizeClass: UInt8)] = []
        unsafe forEachListBlock(slot, handles: { blocks.append(($0, $1)) }, { _, _ in })
        for block in blocks { arena.release(block.handle, block.sizeClass) }
    }

    /// Walks the blocks of a list from the newest to the oldest, with the words of each that hold values.
    private func forEachListBlock(
        _ slot: QuantileSlot, handles: (UInt32, UInt8) -> Void = { _, _ in },
        _ visit: (UnsafeMutableRawPointer, Range<Int>) -> Void
    ) {
        var newest = slot.form
        var handle = slot.handle
        while newest > 2 {
            let first = QuantileList.firstOfBlock(with: newest - 1)
            let body = unsafe arena.address(handle)
            let linkWords = first == 2 ? 0 : 1
            handles(handle, QuantileList.sizeClass(ofBlockAt: first))
            unsafe visit(body, linkWords..<(linkWords + Int(newest - first)))
            if linkWords == 1 { handle = unsafe body.load(as: UInt32.self) }
            newest = first
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
        unsafe releaseList(slot.pointee)
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

/// How the values after the second are laid out in a chain of growing blocks.
///
/// ```
///  n           3-4    5-7       8-10      11-15     16-20     21-27     28-32
///  block, B    16     32        32        48        48        64        48
///              2 val  link+3    link+3    link+5    link+5    link+7    link+5
/// ```
/// A chain leaves no outgrown bodies behind: when all groups grow alike, nobody would take those.
enum QuantileList {
    /// The block starts as bits: numbers of values a group holds before the value that opens a block.
    private static let starts: UInt64 = 1 << 2 | 1 << 4 | 1 << 7 | 1 << 10 | 1 << 15 | 1 << 20 | 1 << 27

    @inline(__always)
    static func startsBlock(at held: UInt8) -> Bool { starts >> UInt64(held) & 1 == 1 }

    /// The position (2 ... 31) of the first value in the block that holds the value at a position.
    static func firstOfBlock(with position: UInt8) -> UInt8 {
        let below = starts & (UInt64(2) << UInt64(position) - 1)
        return UInt8(63 - below.leadingZeroBitCount)
    }

    static func sizeClass(ofBlockAt first: UInt8) -> UInt8 {
        switch first {
        case 2: 0
        case 4, 7: 1
        case 20: 3
        default: 2
        }
    }
}
