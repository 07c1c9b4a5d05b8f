extension QuantileTable {
    /// Adds every group of another table to one of this table's groups.
    ///
    /// - Parameters:
    ///   - other: a table of the same kind; left as it is.
    ///   - groupMap: for each group of `other` the index of the group here that takes its values; several
    ///     may share one.
    /// - Complexity: O(values) for groups of up to 32 values, O(buckets) for the others.
    public mutating func merge(_ other: borrowing QuantileTable, groupMap: UnsafePointer<UInt32>) {
        precondition(kind == other.kind, "tables of different kinds have no common union")
        switch kind {
        case .integer: unsafe merge(other, groupMap, kind.integerRule)
        case .decimal(let scale): unsafe merge(other, groupMap, kind.decimalRule(scale: scale))
        case .double: unsafe merge(other, groupMap, kind.doubleRule)
        }
    }

    private mutating func merge<Rule: QuantileRule>(
        _ other: borrowing QuantileTable, _ groupMap: UnsafePointer<UInt32>, _ rule: Rule
    ) {
        for group in 0..<other.count {
            let target = unsafe Int(groupMap[group])
            precondition(target < count, "a group index is below the table's count")
            let slot = unsafe slots + target
            let source = unsafe other.slots[group]
            if source.isExact {
                other.forEachExact(source) { raw in unsafe insert(raw, into: slot, rule) }
            } else {
                unsafe mergeHistogram(other, source, into: slot, rule)
            }
        }
    }

    private mutating func mergeHistogram<Rule: QuantileRule>(
        _ other: borrowing QuantileTable, _ source: QuantileSlot, into slot: UnsafeMutablePointer<QuantileSlot>,
        _ rule: Rule
    ) {
        if unsafe slot.pointee.isExact { unsafe spill(slot, rule) }
        unsafe slot.pointee.low = min(slot.pointee.low, source.low)
        unsafe slot.pointee.high = max(slot.pointee.high, source.high)
        let coarser = other.halvings(source)
        if source.isWindow, unsafe slot.pointee.isWindow {
            // Taking the source's range at once saves growing bucket by bucket; if it is too wide, buckets decide.
            if let keys = other.occupied(source) { _ = unsafe fitWindow(slot, to: keys) }
        } else if coarser > 0 {
            if unsafe slot.pointee.isWindow { unsafe windowToPairs(slot) }
            let here = unsafe halvings(slot.pointee)
            if coarser > here { unsafe coarsenPairs(slot, by: coarser - here) }
        }
        let theirs = unsafe other.arena.address(source.handle)
        let mine = unsafe arena.address(slot.pointee.handle)
        var total = unsafe QuantileBody.total(mine)
        unsafe total.add(QuantileBody.total(theirs))
        unsafe QuantileBody.setTotal(total, of: mine)
        unsafe addBucket(
            QuantileKey.zero, theirs.load(fromByteOffset: QuantileBody.zeros, as: UInt64.self), to: slot)
        // Any key at scale 6 that falls into the source's bucket does: the target's grid is at least as coarse.
        other.forEachBucket(source) { key, count in
            unsafe addBucket(QuantileKey.refined(key, by: coarser), count, to: slot)
        }
    }

    /// Adds the values of a group to a sketch of the same kind.
    ///
    /// - Throws: `SketchError.Code.outOfRange` beyond 2^63 - 1 values, as a stored count can make it; the sketch is
    ///   unchanged.
    public func load(group: Int, into sketch: inout ExponentialHistogram) throws(SketchError) {
        precondition(kind == sketch.kind, "sketches of different kinds have no common union")
        precondition(group >= 0 && group < count, "a group index is below the table's count")
        let slot = unsafe slots[group]
        if slot.isExact {
            try sketch.requireUnion(kind: kind, count: Int(slot.form))
            forEachExact(slot) { sketch.insert(raw: $0) }
            return
        }
        let body = unsafe arena.address(slot.handle)
        let zeros = unsafe body.load(fromByteOffset: QuantileBody.zeros, as: UInt64.self)
        try unsafe sketch.absorb(
            low: slot.low, high: slot.high, total: QuantileBody.total(body), halvings: halvings(slot)
        ) { list in
            unsafe list.write(Int(slot.length) + 1) { target, _ in
                var written = 0
                var zerosLeft = zeros
                func put(_ key: Int32, _ count: UInt64) {
                    unsafe target[written] = Bucket(key: key, count: count)
                    written += 1
                }
                forEachBucket(slot) { key, count in
                    if key > 0 && zerosLeft > 0 {
                        put(QuantileKey.zero, zerosLeft)
                        zerosLeft = 0
                    }
                    put(key, count)
                }
                if zerosLeft > 0 { put(QuantileKey.zero, zerosLeft) }
                return written
            }
        }
    }

    /// Appends a group's stored bytes; see `ExponentialHistogram.encode(into:)`.
    ///
    /// To encode and ask for percentiles, or to do many groups, `load` into one reused sketch is cheaper.
    public func encode(group: Int, into bytes: inout [UInt8]) {
        sketch(ofGroup: group).encode(into: &bytes)
    }

    /// A group's value at a quantile; see `ExponentialHistogram.quantile(_:)`.
    public func quantile(group: Int, _ q: Double) -> Double? {
        sketch(ofGroup: group).quantile(q)
    }

    private func sketch(ofGroup group: Int) -> ExponentialHistogram {
        var sketch = ExponentialHistogram(kind: kind)
        do { try load(group: group, into: &sketch) } catch { preconditionFailure("an empty sketch takes any group") }
        return sketch
    }
}

extension QuantileKey {
    /// A key at scale 6 out of a bucket on a coarser grid: its outermost one.
    static func refined(_ key: Int32, by halvings: Int) -> Int32 {
        if halvings == 0 || key == zero { return key }
        return key > 0 ? (key - bias) << Int32(halvings) + bias : -((-key - bias) << Int32(halvings) + bias)
    }
}
