/// Registers as packed SPARSE words in a body.
extension DistinctCountTable {
    /// Where linear probing for a register starts.
    @inline(__always)
    static func home(_ index: UInt64, size: SketchBodyClasses.Size, geometry: SketchGeometry) -> Int {
        let spread = (index &* UInt64(size.spread)) & geometry.indexMask
        return Int(truncatingIfNeeded: (spread &* UInt64(truncatingIfNeeded: size.slots)) &>> geometry.log2m)
    }

    /// Raises a register of a sparse body.
    mutating func raiseSparse(_ index: UInt64, to value: UInt64, at slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        let size = arena.classes[GroupWord.sizeClass(word)]
        let body = unsafe body(word)
        let held = GroupWord.count(word)
        let entry = UInt32(truncatingIfNeeded: index &<< geometry.width | value)
        let (bits, mask) = (geometry.wordBits, geometry.wordMask)
        let place =
            size.byteCount <= SketchBodyClasses.listBytesMax
            ? unsafe listPlace(of: entry, in: body, held: held) : unsafe tablePlace(of: entry, in: body, size: size)
        // Past the end of a list there may be anything.
        let found =
            place < held || size.byteCount > SketchBodyClasses.listBytesMax
            ? unsafe PackedWords.load(body, place, bits: bits, mask: mask) : 0
        if found != 0 {
            if entry > found { unsafe PackedWords.store(entry, body, place, bits: bits, mask: mask) }
            return
        }
        if held < Int(size.limit) {
            unsafe PackedWords.store(entry, body, place, bits: bits, mask: mask)
            unsafe slot.pointee = word &+ GroupWord.oneMore
        } else {
            unsafe widenSparse(slot)
            unsafe raise(index, to: value, at: slot)
        }
    }

    /// Where a list holds the register of `entry`, or its end.
    @inline(__always)
    private func listPlace(of entry: UInt32, in body: UnsafeMutableRawPointer, held: Int) -> Int {
        var place = 0
        while place < held {
            let lane = unsafe PackedWords.firstMatch(entry, body, place, geometry: geometry)
            place &+= lane
            if lane < geometry.laneCount { break }
        }
        return min(place, held)
    }

    /// Where an open-addressing body holds the register of `entry`, or the empty slot for it.
    @inline(__always)
    private func tablePlace(
        of entry: UInt32, in body: UnsafeMutableRawPointer, size: SketchBodyClasses.Size
    ) -> Int {
        let slots = Int(size.slots)
        var place = Self.home(UInt64(entry) &>> geometry.width, size: size, geometry: geometry)
        while true {
            // Across the end the lanes would belong to another body: there, one slot at a time.
            while place &+ geometry.laneCount <= slots {
                let lane = unsafe PackedWords.firstMatch(entry, body, place, geometry: geometry)
                place &+= lane
                if lane < geometry.laneCount { return place }
            }
            while place < slots {
                let found = unsafe PackedWords.load(body, place, bits: geometry.wordBits, mask: geometry.wordMask)
                if found == 0 || (found ^ entry) &>> UInt32(truncatingIfNeeded: geometry.width) == 0 { return place }
                place &+= 1
            }
            place = 0
        }
    }

    /// Makes room for `words` SPARSE words in all, in a group with a sparse body.
    /// - Returns: whether the group is past its small beginnings, so that it need not be asked again.
    mutating func reserve(_ words: Int, at slot: UnsafeMutablePointer<UInt64>) -> Bool {
        let word = unsafe slot.pointee
        if word == GroupWord.empty || GroupWord.isHash(word) { return false }
        let kind = GroupWord.kind(word)
        guard kind == GroupWord.sparse else { return kind == GroupWord.nibbles || kind == GroupWord.full }
        if Int(arena.classes[GroupWord.sizeClass(word)].limit) < words { unsafe widenSparse(slot, toHold: words) }
        return true
    }

    /// Moves a sparse body to a wider one, with room for at least `words` words and one more than it holds, or to nibbles
    /// when those are no larger.
    @inline(never)
    private mutating func widenSparse(_ slot: UnsafeMutablePointer<UInt64>, toHold words: Int = 0) {
        let word = unsafe slot.pointee
        let below = max(GroupWord.count(word), words - 1)
        let old = arena.classes[GroupWord.sizeClass(word)]
        let oldBody = unsafe body(word)
        var sizeClass = GroupWord.sizeClass(word) + 1
        while sizeClass < arena.classes.sparse.upperBound, Int(arena.classes[sizeClass].limit) <= below {
            sizeClass += 1
        }
        guard sizeClass < arena.classes.sparse.upperBound else {
            unsafe makeDense(slot, from: word)
            return
        }
        let size = arena.classes[sizeClass]
        let handle = arena.allocate(sizeClass)
        let body = unsafe arena.address(handle)
        if size.byteCount <= SketchBodyClasses.listBytesMax {
            unsafe body.copyMemory(from: oldBody, byteCount: Int(old.byteCount))
        } else {
            unsafe body.initializeMemory(as: UInt8.self, repeating: 0, count: Int(size.byteCount))
            forEachSparseWord(word) { entry in
                unsafe Self.place(entry, in: body, size: size, geometry: geometry)
            }
        }
        unsafe slot.pointee = GroupWord.body(
            GroupWord.sparse, count: GroupWord.count(word), sizeClass: sizeClass, handle: handle)
        arena.free(GroupWord.handle(word))
    }

    /// Puts a word whose register is not yet there into an open-addressing body with room.
    @inline(__always)
    private static func place(
        _ entry: UInt32, in body: UnsafeMutableRawPointer, size: SketchBodyClasses.Size, geometry: SketchGeometry
    ) {
        let (bits, mask) = (geometry.wordBits, geometry.wordMask)
        var slot = home(UInt64(entry) &>> geometry.width, size: size, geometry: geometry)
        while unsafe PackedWords.load(body, slot, bits: bits, mask: mask) != 0 {
            slot &+= 1
            if slot == Int(size.slots) { slot = 0 }
        }
        unsafe PackedWords.store(entry, body, slot, bits: bits, mask: mask)
    }

    /// Calls `visit` with every word of a sparse group, in no particular order.
    @inline(__always)
    func forEachSparseWord(_ word: UInt64, _ visit: (UInt32) -> Void) {
        let size = arena.classes[GroupWord.sizeClass(word)]
        let body = unsafe body(word)
        let isList = size.byteCount <= SketchBodyClasses.listBytesMax
        for slot in 0..<(isList ? GroupWord.count(word) : Int(size.slots)) {
            let entry = unsafe PackedWords.load(body, slot, bits: geometry.wordBits, mask: geometry.wordMask)
            if entry != 0 { visit(entry) }
        }
    }
}
