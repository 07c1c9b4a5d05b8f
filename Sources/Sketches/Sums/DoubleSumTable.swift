/// The exact sums of doubles of many groups, addressed by dense group indices.
///
/// Holds what one `DoubleSum` per group would, in 24 bytes a group: most sums fit 128 bits between their lowest and their
/// highest bit. The 128 bits are laid around the first value, 24 to 39 bits below it and at least 35 above; a group whose
/// values need more gets a body with the limbs it needs, at most 272 bytes. Which form a group has leaves no trace in
/// results.
///
/// ```
///  slot, 24 bytes     | low 8 | high 8 | anchor 4 | handle 4 |
///    inline             128 bits in two's complement, their lowest weighing 2^anchor
///    wide               low: first limb, number of limbs and size class of the body behind handle
/// ```
/// Not thread-safe; one worker owns it.
@safe public struct DoubleSumTable: ~Copyable {
    /// Number of groups; indices are 0 ..< count.
    public private(set) var count = 0

    var slots: UnsafeMutablePointer<DoubleSumSlot>
    private var slotCapacity = 64
    var arena = QuantileArena()

    /// Creates a table without groups.
    public init() { unsafe slots = TableMemory.allocate(DoubleSumSlot.self, slotCapacity) }

    deinit { unsafe TableMemory.deallocate(slots, count: slotCapacity) }

    private var slotBytes: Int { slotCapacity * MemoryLayout<DoubleSumSlot>.stride }

    /// Bytes reserved for slots and bodies.
    public var memoryBytes: Int { slotBytes + arena.memoryBytes }

    /// Adds empty groups until there are `count`; never removes any.
    public mutating func grow(to count: Int) {
        if count <= self.count { return }
        if count > slotCapacity {
            let capacity = max(count, slotCapacity + slotCapacity / 2)
            let wider = unsafe TableMemory.resize(
                slots, from: slotBytes, to: capacity * MemoryLayout<DoubleSumSlot>.stride)
            unsafe slots = wider.bindMemory(to: DoubleSumSlot.self, capacity: capacity)
            slotCapacity = capacity
        }
        unsafe (slots + self.count).initialize(repeating: DoubleSumSlot(), count: count - self.count)
        self.count = count
    }

    /// Adds a batch of finite doubles.
    ///
    /// For k in 0 ..< count the row is `rows[k]`, or k without `rows`; rows that are not valid are skipped, the value of
    /// the others goes into group `groups[k]`. NaN or infinity in a valid row is a bug of the caller.
    ///
    /// - Parameters:
    ///   - valid: one byte per row, 0 for null; nil if no row is null.
    ///   - groups: `count` indices below the table's `count`.
    public mutating func add(
        _ values: UnsafePointer<Double>, valid: UnsafePointer<UInt8>?, rows: UnsafePointer<UInt32>?,
        groups: UnsafePointer<UInt32>, count: Int
    ) {
        for k in 0..<count {
            let row = if let rows = unsafe rows { unsafe Int(rows[k]) } else { k }
            if let valid = unsafe valid, unsafe valid[row] == 0 { continue }
            let group = unsafe Int(groups[k])
            precondition(group < self.count, "a group index is below the table's count")
            unsafe add(values[row], to: slots + group)
        }
    }

    /// One value into one group; all inline while it falls into the 128 bits.
    @inline(__always)
    private mutating func add(_ value: Double, to slot: UnsafeMutablePointer<DoubleSumSlot>) {
        let parts = DoubleParts(value)
        let shift = unsafe UInt32(bitPattern: Int32(truncatingIfNeeded: parts.exponent) &- slot.pointee.anchor)
        guard shift <= DoubleSumSlot.shiftMax else {
            unsafe addOutside(value, to: slot)
            return
        }
        let addend = parts.words(shiftedBy: Int(shift))
        let (sum, overflow) = unsafe slot.pointee.bits.addingReportingOverflow(addend)
        if overflow {
            unsafe addWide(addend, exponent: Int(slot.pointee.anchor), to: slot)
        } else {
            unsafe slot.pointee.bits = sum
        }
    }

    /// The first value of a group, zeros, and values that the 128 bits of a group do not reach.
    @inline(never)
    private mutating func addOutside(_ value: Double, to slot: UnsafeMutablePointer<DoubleSumSlot>) {
        precondition(value.isFinite, "a sum takes finite doubles; reject NaN and infinity before it")
        let parts = DoubleParts(value)
        if parts.mantissa == 0 {
            if unsafe slot.pointee.isEmpty { unsafe slot.pointee.anchor = DoubleSumSlot.zero }
            return
        }
        if unsafe slot.pointee.isWide {
            unsafe addWide(parts.words(shiftedBy: 0), exponent: parts.exponent, to: slot)
            return
        }
        unsafe add(parts.words(shiftedBy: 0), exponent: parts.exponent, toInline: slot)
    }

    /// Adds a number of at most 128 bits to a group that is not wide: inline if both fit there.
    private mutating func add(
        _ value: Int128, exponent: Int, toInline slot: UnsafeMutablePointer<DoubleSumSlot>
    ) {
        let held = unsafe slot.pointee
        if !held.isInline || held.bits == 0 {
            let zeros = value == 0 ? 0 : value.trailingZeroBitCount
            let lowest = exponent + zeros
            let width = 128 - (value < 0 ? ~value : value).leadingZeroBitCount - zeros
            let anchor = DoubleSumSlot.anchor(below: lowest + width - 53)
            if value == 0 {
                if held.isEmpty { unsafe slot.pointee.anchor = DoubleSumSlot.zero }
            } else if anchor <= lowest, lowest - anchor + width < DoubleSumSlot.bitsMax {
                unsafe slot.pointee.anchor = Int32(anchor)
                unsafe slot.pointee.bits = (value >> Int128(zeros)) << Int128(lowest - anchor)
            } else {
                unsafe addWide(value, exponent: exponent, to: slot)
            }
            return
        }
        let anchor = Int(held.anchor)
        if exponent >= anchor, let addend = Self.shifted(value, by: exponent - anchor) {
            let (sum, overflow) = held.bits.addingReportingOverflow(addend)
            if !overflow {
                unsafe slot.pointee.bits = sum
                return
            }
        } else if exponent < anchor {
            let lower = DoubleSumSlot.rounded(exponent)
            if let raised = Self.shifted(held.bits, by: anchor - lower),
                let addend = Self.shifted(value, by: exponent - lower)
            {
                let (sum, overflow) = raised.addingReportingOverflow(addend)
                if !overflow {
                    unsafe slot.pointee.anchor = Int32(lower)
                    unsafe slot.pointee.bits = sum
                    return
                }
            }
        }
        unsafe addWide(value, exponent: exponent, to: slot)
    }

    /// The value shifted left, nil when bits would be lost.
    private static func shifted(_ value: Int128, by shift: Int) -> Int128? {
        guard shift < 127 else { return value == 0 ? 0 : nil }
        let result = value << Int128(shift)
        return result >> Int128(shift) == value ? result : nil
    }
}

// MARK: - Merging

extension DoubleSumTable {
    /// Adds every group of another table to one of this table's groups.
    ///
    /// - Parameters:
    ///   - other: left as it is.
    ///   - groupMap: for each group of `other` the index of the group here that takes its values; several may share one.
    public mutating func merge(_ other: borrowing DoubleSumTable, groupMap: UnsafePointer<UInt32>) {
        for group in 0..<other.count {
            let target = unsafe Int(groupMap[group])
            precondition(target < count, "a group index is below the table's count")
            let source = unsafe other.slots[group]
            if source.isEmpty { continue }
            unsafe merge(other, source, into: slots + target)
        }
    }

    private mutating func merge(
        _ other: borrowing DoubleSumTable, _ source: DoubleSumSlot, into slot: UnsafeMutablePointer<DoubleSumSlot>
    ) {
        if source.isWide {
            let body = unsafe other.arena.address(source.handle).assumingMemoryBound(to: UInt64.self)
            unsafe addWide(
                body, source.limbCount, exponent: SumLimbs.lowestExponent + 64 * source.firstLimb, to: slot)
        } else if !source.isInline {
            if unsafe slot.pointee.isEmpty { unsafe slot.pointee.anchor = DoubleSumSlot.zero }
        } else if unsafe slot.pointee.isWide {
            unsafe addWide(source.bits, exponent: Int(source.anchor), to: slot)
        } else if unsafe !slot.pointee.isInline {
            unsafe slot.pointee = source
        } else {
            unsafe add(source.bits, exponent: Int(source.anchor), toInline: slot)
        }
    }

    /// Adds the values of a group to a sum.
    ///
    /// - Throws: `SketchError.Code.outOfRange` when the total leaves the range that 2^63 doubles have, as only a stored
    ///   sum that nobody computed can make it; the sum is of no use then.
    public func load(group: Int, into sum: inout DoubleSum) throws(SketchError) {
        precondition(group >= 0 && group < count, "a group index is below the table's count")
        let slot = unsafe slots[group]
        var fits = true
        if slot.isWide {
            let body = unsafe arena.address(slot.handle).assumingMemoryBound(to: UInt64.self)
            fits = unsafe sum.add(
                body, slot.limbCount, exponent: SumLimbs.lowestExponent + 64 * slot.firstLimb)
        } else if slot.isInline {
            fits = sum.add(slot.bits, exponent: Int(slot.anchor))
        } else if !slot.isEmpty {
            sum.addZero()
        }
        guard fits else { throw DoubleSum.beyondRange }
    }

    /// Whether a group has seen no value.
    public func isEmpty(group: Int) -> Bool { unsafe slots[group].isEmpty }
}
