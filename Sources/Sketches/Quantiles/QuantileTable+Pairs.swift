extension QuantileTable {
    /// Where the keys and counters of a pairs body lie, and how many it has room for.
    @unsafe struct Pairs {
        let keys: UnsafeMutablePointer<Int32>
        let counters: UnsafeMutableRawPointer
        let capacity: Int
    }

    static func pairs(_ slot: QuantileSlot, _ body: UnsafeMutableRawPointer) -> Pairs {
        let room = QuantileArena.bytes(of: slot.sizeClass) - QuantileBody.headerBytes
        // An even capacity keeps 8-byte counters aligned behind the keys.
        let capacity = room / (4 + 1 << Int(slot.width)) & ~1
        let keys = unsafe (body + QuantileBody.headerBytes).assumingMemoryBound(to: Int32.self)
        return unsafe Pairs(keys: keys, counters: UnsafeMutableRawPointer(keys + capacity), capacity: capacity)
    }

    /// Gives a slot an empty pairs body with a zero header.
    mutating func startPairs(_ slot: UnsafeMutablePointer<QuantileSlot>, capacity: Int, width: UInt8) {
        let bytes = QuantileBody.headerBytes + (capacity + 1) * (4 + 1 << Int(width))
        let sizeClass = QuantileArena.sizeClass(for: bytes)
        let handle = arena.allocate(sizeClass)
        unsafe arena.address(handle).initializeMemory(as: UInt8.self, repeating: 0, count: QuantileBody.headerBytes)
        unsafe slot.pointee.handle = handle
        unsafe slot.pointee.sizeClass = sizeClass
        unsafe slot.pointee.length = 0
        unsafe slot.pointee.form = QuantileSlot.pairs | width
    }

    /// Adds a pair above all others; there must be room.
    func appendPair(_ key: Int32, _ count: UInt64, _ slot: UnsafeMutablePointer<QuantileSlot>) {
        let position = unsafe Int(slot.pointee.length)
        let pairs = unsafe Self.pairs(slot.pointee, arena.address(slot.pointee.handle))
        unsafe pairs.keys[position] = key
        unsafe QuantileBody.setCounter(pairs.counters, position, width: slot.pointee.width, to: count)
        unsafe slot.pointee.length += 1
    }

    /// Adds values to the bucket of a key at scale 6.
    mutating func addToPairs(_ key: Int32, _ count: UInt64, _ slot: UnsafeMutablePointer<QuantileSlot>) {
        var pairs = unsafe Self.pairs(slot.pointee, arena.address(slot.pointee.handle))
        let key = unsafe QuantileKey.coarsened(key, by: halvings(slot.pointee))
        let position = unsafe Self.position(of: key, pairs, unsafe Int(slot.pointee.length))
        if unsafe position < slot.pointee.length, unsafe pairs.keys[position] == key {
            let sum = unsafe QuantileBody.counter(pairs.counters, position, width: slot.pointee.width) + count
            let width = QuantileBody.width(for: sum)
            if unsafe width > slot.pointee.width {
                unsafe resizePairs(slot, capacity: Int(slot.pointee.length), width: width)
                unsafe pairs = Self.pairs(slot.pointee, arena.address(slot.pointee.handle))
            }
            unsafe QuantileBody.setCounter(pairs.counters, position, width: slot.pointee.width, to: sum)
            return
        }
        let width = unsafe max(slot.pointee.width, QuantileBody.width(for: count))
        if unsafe slot.pointee.length == pairs.capacity || width > slot.pointee.width {
            if unsafe pairsToWindow(slot, with: key) {
                unsafe addBucket(key, count, to: slot)
                return
            }
            unsafe resizePairs(slot, capacity: Int(slot.pointee.length) * 5 / 4 + 2, width: width)
            unsafe pairs = Self.pairs(slot.pointee, arena.address(slot.pointee.handle))
        }
        unsafe insertPair(key, count, at: position, pairs, slot)
        if unsafe slot.pointee.length > ExponentialScale.bucketsMax { unsafe coarsenPairs(slot, by: 1) }
    }

    private func insertPair(
        _ key: Int32, _ count: UInt64, at position: Int, _ pairs: Pairs, _ slot: UnsafeMutablePointer<QuantileSlot>
    ) {
        let width = unsafe slot.pointee.width
        let after = unsafe Int(slot.pointee.length) - position
        unsafe (pairs.keys + position + 1).update(from: pairs.keys + position, count: after)
        let counter = unsafe pairs.counters + position << Int(width)
        unsafe (counter + 1 << Int(width)).copyMemory(from: counter, byteCount: after << Int(width))
        unsafe pairs.keys[position] = key
        unsafe QuantileBody.setCounter(pairs.counters, position, width: width, to: count)
        unsafe slot.pointee.length += 1
    }

    /// Halves the grid until the cap holds and at least `halvings` times.
    mutating func coarsenPairs(_ slot: UnsafeMutablePointer<QuantileSlot>, by halvings: Int) {
        var merged = BucketList()
        unsafe forEachBucket(slot.pointee) { key, count in merged.append(key, count) }
        var done = halvings
        merged.coarsen(by: halvings)
        while merged.signedCount > ExponentialScale.bucketsMax {
            merged.coarsen(by: 1)
            done += 1
        }
        let old = unsafe slot.pointee
        let total = self.halvings(old)
        let width = max(
            old.width, QuantileBody.width(for: unsafe merged.read { unsafe $0.reduce(0) { max($0, $1.count) } }))
        let header = unsafe arena.address(old.handle)
        unsafe startPairs(slot, capacity: ExponentialScale.bucketsMax, width: width)
        let body = unsafe arena.address(slot.pointee.handle)
        unsafe body.copyMemory(from: header, byteCount: QuantileBody.base)
        unsafe body.storeBytes(of: Int32(total + done), toByteOffset: QuantileBody.base, as: Int32.self)
        for position in 0..<merged.count { unsafe appendPair(merged[position].key, merged[position].count, slot) }
        arena.release(old.handle, old.sizeClass)
    }

    private mutating func resizePairs(_ slot: UnsafeMutablePointer<QuantileSlot>, capacity: Int, width: UInt8) {
        let old = unsafe slot.pointee
        unsafe startPairs(slot, capacity: capacity, width: width)
        let body = unsafe arena.address(slot.pointee.handle)
        unsafe body.copyMemory(from: arena.address(old.handle), byteCount: QuantileBody.headerBytes)
        forEachBucket(old) { key, count in unsafe appendPair(key, count, slot) }
        arena.release(old.handle, old.sizeClass)
    }

    /// Goes over to a window if that is allowed and worth it, the coming key included.
    private mutating func pairsToWindow(_ slot: UnsafeMutablePointer<QuantileSlot>, with key: Int32) -> Bool {
        let old = unsafe slot.pointee
        let pairs = unsafe Self.pairs(old, arena.address(old.handle))
        guard halvings(old) == 0, old.length > 0 else { return false }
        let first = unsafe min(key, pairs.keys[0])
        let last = unsafe max(key, pairs.keys[Int(old.length) - 1])
        guard first > 0,
            Self.windowSuits(span: Int(last - first) + 1, pairs: Int(old.length) + 1, width: old.width)
        else { return false }
        unsafe startWindow(slot, first...last, width: old.width, growing: .both)
        let body = unsafe arena.address(slot.pointee.handle)
        unsafe body.copyMemory(from: arena.address(old.handle), byteCount: QuantileBody.base)
        let base = unsafe Self.base(body)
        forEachBucket(old) { key, count in
            let counters = unsafe body + QuantileBody.headerBytes
            unsafe QuantileBody.setCounter(counters, Int(key - base), width: old.width, to: count)
        }
        arena.release(old.handle, old.sizeClass)
        return true
    }

    /// How often a histogram's grid was halved; windows never are.
    func halvings(_ slot: QuantileSlot) -> Int {
        slot.isWindow ? 0 : unsafe Int(Self.base(arena.address(slot.handle)))
    }

    /// The first position whose key is not below `key`; without branches that depend on the data.
    private static func position(of key: Int32, _ pairs: Pairs, _ length: Int) -> Int {
        var position = 0
        var rest = length
        while rest > 0 {
            let half = rest >> 1
            let goesUp = unsafe pairs.keys[position + half] < key
            position += goesUp ? half + 1 : 0
            rest = goesUp ? rest - half - 1 : half
        }
        return position
    }
}
