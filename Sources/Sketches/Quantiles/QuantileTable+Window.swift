extension QuantileTable {
    /// Where a new window gets its spare room.
    enum Growth { case downward, upward, both }

    /// Whether a window is worth its memory: up to twice that of the pairs, for an update without a search.
    static func windowSuits(span: Int, pairs: Int, width: UInt8) -> Bool {
        span <= QuantileBody.windowMax && span << Int(width) <= 2 * pairs * (4 + 1 << Int(width)) + 16
    }

    /// Adds values to a bucket of a histogram, given by its key at scale 6, in whatever form fits.
    @inline(never)
    mutating func addBucket(_ key: Int32, _ count: UInt64, to slot: UnsafeMutablePointer<QuantileSlot>) {
        if key == QuantileKey.zero {
            let zeros = unsafe arena.address(slot.pointee.handle) + QuantileBody.zeros
            unsafe zeros.storeBytes(of: zeros.load(as: UInt64.self) + count, as: UInt64.self)
            return
        }
        if unsafe slot.pointee.isWindow, unsafe !fitWindow(slot, to: key...key) { unsafe windowToPairs(slot) }
        if unsafe slot.pointee.isWindow {
            unsafe addToWindow(key, count, slot)
        } else {
            unsafe addToPairs(key, count, slot)
        }
    }

    private mutating func addToWindow(_ key: Int32, _ count: UInt64, _ slot: UnsafeMutablePointer<QuantileSlot>) {
        var body = unsafe arena.address(slot.pointee.handle)
        var offset = unsafe Int(key - Self.base(body))
        let sum =
            unsafe QuantileBody.counter(
                body + QuantileBody.headerBytes, offset, width: slot.pointee.width) + count
        let width = QuantileBody.width(for: sum)
        if unsafe width > slot.pointee.width {
            let range = unsafe occupied(slot.pointee) ?? key...key
            unsafe startWindow(
                slot, min(key, range.lowerBound)...max(key, range.upperBound), width: width, growing: .both)
            unsafe body = arena.address(slot.pointee.handle)
            unsafe offset = Int(key - Self.base(body))
        }
        unsafe QuantileBody.setCounter(
            body + QuantileBody.headerBytes, offset, width: slot.pointee.width, to: sum)
    }

    /// Makes the window cover more keys; false if a window cannot.
    mutating func fitWindow(_ slot: UnsafeMutablePointer<QuantileSlot>, to keys: ClosedRange<Int32>) -> Bool {
        let base = unsafe Self.base(arena.address(slot.pointee.handle))
        let end = unsafe base + Int32(slot.pointee.length)
        if keys.lowerBound >= base && keys.upperBound < end { return true }
        if keys.lowerBound < 0 { return false }
        let range = unsafe occupied(slot.pointee) ?? keys
        let first = min(keys.lowerBound, range.lowerBound)
        let last = max(keys.upperBound, range.upperBound)
        if Int(last - first) >= QuantileBody.windowMax { return false }
        let growth: Growth = keys.lowerBound >= base ? .upward : keys.upperBound < end ? .downward : .both
        unsafe startWindow(slot, first...last, width: slot.pointee.width, growing: growth)
        return true
    }

    /// Gives a slot a new window that covers the keys, with spare room, and moves an old window's contents over.
    mutating func startWindow(
        _ slot: UnsafeMutablePointer<QuantileSlot>, _ keys: ClosedRange<Int32>, width: UInt8, growing: Growth
    ) {
        let span = Int(keys.upperBound - keys.lowerBound) + 1
        let wanted = min(span + span / 8, QuantileBody.windowMax)
        let sizeClass = QuantileArena.sizeClass(for: QuantileBody.headerBytes + wanted << Int(width))
        let room = (QuantileArena.bytes(of: sizeClass) - QuantileBody.headerBytes) >> Int(width)
        let length = min(room, QuantileBody.windowMax)
        let spare = length - span
        let below =
            switch growing {
            case .downward: spare - spare / 4
            case .upward: spare / 4
            case .both: spare / 2
            }
        let base = keys.lowerBound - Int32(below)
        let handle = arena.allocate(sizeClass)
        let body = unsafe arena.address(handle)
        unsafe body.initializeMemory(as: UInt8.self, repeating: 0, count: QuantileArena.bytes(of: sizeClass))
        if unsafe slot.pointee.isWindow {
            let old = unsafe arena.address(slot.pointee.handle)
            unsafe body.copyMemory(from: old, byteCount: QuantileBody.base)
            unsafe forEachBucket(slot.pointee) { key, count in
                let counters = unsafe body + QuantileBody.headerBytes
                unsafe QuantileBody.setCounter(counters, Int(key - base), width: width, to: count)
            }
            unsafe arena.release(slot.pointee.handle, slot.pointee.sizeClass)
        }
        unsafe body.storeBytes(of: base, toByteOffset: QuantileBody.base, as: Int32.self)
        unsafe slot.pointee.handle = handle
        unsafe slot.pointee.sizeClass = sizeClass
        unsafe slot.pointee.length = UInt16(length)
        unsafe slot.pointee.form = QuantileSlot.window | width
    }

    /// Replaces a window by pairs with the same contents.
    mutating func windowToPairs(_ slot: UnsafeMutablePointer<QuantileSlot>) {
        let window = unsafe slot.pointee
        let old = unsafe arena.address(window.handle)
        var held = 0
        forEachBucket(window) { _, _ in held += 1 }
        unsafe startPairs(slot, capacity: held + 1, width: window.width)
        let body = unsafe arena.address(slot.pointee.handle)
        unsafe body.copyMemory(from: old, byteCount: QuantileBody.base)
        forEachBucket(window) { key, count in unsafe appendPair(key, count, slot) }
        arena.release(window.handle, window.sizeClass)
    }

    /// The range of non-empty buckets of a window.
    func occupied(_ slot: QuantileSlot) -> ClosedRange<Int32>? {
        var first: Int32?
        var last: Int32 = 0
        forEachBucket(slot) { key, _ in
            first = first ?? key
            last = key
        }
        return first.map { $0...last }
    }

    static func base(_ body: UnsafeMutableRawPointer) -> Int32 {
        unsafe body.load(fromByteOffset: QuantileBody.base, as: Int32.self)
    }

    /// Calls the closure with the non-empty signed buckets of a histogram in ascending order, keys on its own grid.
    @inline(__always)
    func forEachBucket(_ slot: QuantileSlot, _ visit: (Int32, UInt64) -> Void) {
        let body = unsafe arena.address(slot.handle)
        if slot.isWindow {
            let base = unsafe Self.base(body)
            for offset in 0..<Int(slot.length) {
                let count = unsafe QuantileBody.counter(body + QuantileBody.headerBytes, offset, width: slot.width)
                if count > 0 { visit(base + Int32(offset), count) }
            }
        } else {
            let pairs = unsafe Self.pairs(slot, body)
            for position in 0..<Int(slot.length) {
                unsafe visit(
                    pairs.keys[position], QuantileBody.counter(pairs.counters, position, width: slot.width))
            }
        }
    }
}
