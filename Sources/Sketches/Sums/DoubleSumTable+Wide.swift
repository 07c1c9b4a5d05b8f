extension DoubleSumTable {
    /// Adds a number of 128 bits whose lowest weighs 2^`exponent` to a group, in a body.
    @inline(never)
    mutating func addWide(_ value: Int128, exponent: Int, to slot: UnsafeMutablePointer<DoubleSumSlot>) {
        unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2) { words in
            guard let first = words.baseAddress else { return }
            unsafe first[0] = UInt64(truncatingIfNeeded: value)
            unsafe first[1] = UInt64(truncatingIfNeeded: value >> 64)
            unsafe addWide(first, 2, exponent: exponent, to: slot)
        }
    }

    /// Adds a number in two's complement whose lowest bit weighs 2^`exponent` to a group, in a body.
    mutating func addWide(
        _ words: UnsafePointer<UInt64>, _ count: Int, exponent: Int, to slot: UnsafeMutablePointer<DoubleSumSlot>
    ) {
        let position = exponent - SumLimbs.lowestExponent
        // One limb for what the shift pushes out, and one that only carries reach.
        let more = position & 63 == 0 ? 1 : 2
        let needed = position >> 6..<min(position >> 6 + count + more, SumLimbs.count)
        unsafe reserve(needed, in: slot)
        let first = unsafe slot.pointee.firstLimb
        let body = unsafe arena.address(slot.pointee.handle).assumingMemoryBound(to: UInt64.self)
        let offset = needed.lowerBound - first
        let fits = unsafe SumLimbs.add(
            words, count, shiftedBy: position & 63, to: body + offset, count: slot.pointee.limbCount - offset)
        precondition(fits, "fewer than 2^63 doubles stay in range")
    }

    /// Makes sure that a group has a body with these limbs, and with room in the highest for more carries.
    private mutating func reserve(_ limbs: Range<Int>, in slot: UnsafeMutablePointer<DoubleSumSlot>) {
        guard unsafe slot.pointee.isWide else {
            let held = unsafe slot.pointee
            guard held.isInline else { return unsafe startBody(limbs, in: slot) }
            let position = Int(held.anchor) - SumLimbs.lowestExponent
            let own = position >> 6..<min(position >> 6 + 4, SumLimbs.count)
            unsafe startBody(
                min(own.lowerBound, limbs.lowerBound)..<max(own.upperBound, limbs.upperBound), in: slot)
            unsafe addWide(held.bits, exponent: Int(held.anchor), to: slot)
            return
        }
        let held = unsafe slot.pointee
        let body = unsafe arena.address(held.handle).assumingMemoryBound(to: UInt64.self)
        let top = unsafe Int64(bitPattern: body[held.limbCount - 1])
        let end = held.firstLimb + held.limbCount
        let isRoomy = top > -(1 << 62) && top < 1 << 62 || end == SumLimbs.count
        if limbs.lowerBound >= held.firstLimb, limbs.upperBound <= end, isRoomy { return }
        let wanted = min(limbs.lowerBound, held.firstLimb)..<max(limbs.upperBound, isRoomy ? end : end + 1)
        unsafe startBody(wanted, in: slot)
        let wider = unsafe arena.address(slot.pointee.handle).assumingMemoryBound(to: UInt64.self)
        unsafe SumLimbs.add(
            body, held.limbCount, shiftedBy: 0, to: wider + (held.firstLimb - wanted.lowerBound),
            count: wanted.upperBound - held.firstLimb)
        arena.release(held.handle, held.sizeClass)
    }

    private mutating func startBody(_ limbs: Range<Int>, in slot: UnsafeMutablePointer<DoubleSumSlot>) {
        let sizeClass = QuantileArena.sizeClass(for: 8 * limbs.count)
        let handle = arena.allocate(sizeClass)
        let body = unsafe arena.address(handle).assumingMemoryBound(to: UInt64.self)
        unsafe body.initialize(repeating: 0, count: limbs.count)
        unsafe slot.pointee.setBody(handle, sizeClass: sizeClass, limbs: limbs)
    }
}
