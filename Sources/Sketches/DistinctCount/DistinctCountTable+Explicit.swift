/// The exact stage: the hashes themselves.
extension DistinctCountTable {
    /// Adds a hash to a group that is empty or in the exact stage.
    mutating func insertExplicit(_ hash: UInt64, at slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        if word == hash, GroupWord.isHash(word) { return }
        if word == GroupWord.empty {
            unsafe slot.pointee = GroupWord.isHash(hash) ? hash : singleBody(hash)
        } else if !GroupWord.isHash(word) {
            unsafe insertIntoBody(hash, at: slot)
        } else if geometry.explicitLimit == 1 {
            unsafe slot.pointee = GroupWord.inlineEmpty
            unsafe insert(word, at: slot)
            unsafe insert(hash, at: slot)
        } else {
            let sizeClass = explicitClass(holding: 2, from: 0)
            let handle = arena.allocate(sizeClass)
            let body = unsafe arena.address(handle)
            let inOrder = Int64(bitPattern: word) < Int64(bitPattern: hash)
            unsafe body.storeBytes(of: inOrder ? word : hash, as: UInt64.self)
            unsafe body.storeBytes(of: inOrder ? hash : word, toByteOffset: 8, as: UInt64.self)
            unsafe slot.pointee = GroupWord.body(GroupWord.explicit, count: 2, sizeClass: sizeClass, handle: handle)
        }
    }

    /// Moves an exact group to the registers stage; does nothing in other stages, an empty group included.
    mutating func leaveExplicit(_ slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        if GroupWord.isHash(word) {
            unsafe slot.pointee = GroupWord.inlineEmpty
            unsafe insert(word, at: slot)
        } else if GroupWord.kind(word) == GroupWord.explicit {
            unsafe slot.pointee = GroupWord.inlineEmpty
            let body = unsafe body(word)
            for item in 0..<GroupWord.count(word) { unsafe insert(Self.hash(body, item), at: slot) }
            arena.free(GroupWord.handle(word))
        }
    }

    @inline(__always)
    static func hash(_ body: UnsafeMutableRawPointer, _ item: Int) -> UInt64 {
        unsafe body.loadUnaligned(fromByteOffset: item &* 8, as: UInt64.self)
    }

    /// The smallest class at or above `from` with room for so many hashes.
    private func explicitClass(holding hashes: Int, from: Int) -> Int {
        var sizeClass = from
        while Int(arena.classes[sizeClass].byteCount) < hashes * 8 { sizeClass += 1 }
        return sizeClass
    }

    /// A group whose only hash cannot stand in its word because the four highest bits are zero.
    private mutating func singleBody(_ hash: UInt64) -> UInt64 {
        let handle = arena.allocate(0)
        unsafe arena.address(handle).storeBytes(of: hash, as: UInt64.self)
        return GroupWord.body(GroupWord.explicit, count: 1, sizeClass: 0, handle: handle)
    }

    private mutating func insertIntoBody(_ hash: UInt64, at slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        let held = GroupWord.count(word)
        var body = unsafe body(word)
        if held <= Self.scannedMax, unsafe Self.contains(hash, in: body, count: held) { return }
        let position = unsafe Self.position(of: hash, in: body, count: held)
        if position < held, unsafe Self.hash(body, position) == hash { return }
        guard held < geometry.explicitLimit else {
            unsafe leaveExplicit(slot)
            unsafe insert(hash, at: slot)
            return
        }
        let sizeClass = GroupWord.sizeClass(word)
        if Int(arena.classes[sizeClass].byteCount) < (held &+ 1) &* 8 {
            let wider = explicitClass(holding: held + 1, from: sizeClass + 1)
            let handle = arena.allocate(wider)
            let moved = unsafe arena.address(handle)
            unsafe moved.copyMemory(from: body, byteCount: held * 8)
            arena.free(GroupWord.handle(word))
            unsafe body = moved
            unsafe slot.pointee = GroupWord.body(
                GroupWord.explicit, count: held + 1, sizeClass: wider, handle: handle)
        } else {
            unsafe slot.pointee = word &+ GroupWord.oneMore
        }
        let place = unsafe body + position &* 8
        unsafe (place + 8).copyMemory(from: place, byteCount: (held &- position) &* 8)
        unsafe place.storeBytes(of: hash, as: UInt64.self)
    }

    /// Bodies up to this many hashes are searched from end to end.
    private static let scannedMax = 16

    /// Whether a hash is in a body, by the smallest difference: a loop that could leave at a match would be left at a
    /// place no branch predictor knows (5 hashes: 10 ns an update, not 17).
    @inline(__always)
    private static func contains(_ hash: UInt64, in body: UnsafeMutableRawPointer, count: Int) -> Bool {
        var smallest = UInt64.max
        for item in 0..<count { smallest = unsafe min(smallest, Self.hash(body, item) ^ hash) }
        return smallest == 0
    }

    /// How many hashes of a body are smaller, as signed integers.
    private static func position(of hash: UInt64, in body: UnsafeMutableRawPointer, count: Int) -> Int {
        let signed = Int64(bitPattern: hash)
        var low = 0
        var high = count
        while low < high {
            let middle = (low &+ high) &>> 1
            if unsafe Int64(bitPattern: Self.hash(body, middle)) < signed {
                low = middle &+ 1
            } else {
                high = middle
            }
        }
        return low
    }
}
