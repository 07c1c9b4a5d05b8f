import CPrefetch

/// Adding one table to another.
extension DistinctCountTable {
    /// Groups whose words are read ahead of the merge at a time.
    private static let stride = 32

    /// Merges every group of another table: its group g into this table's group `groupMap[g]`.
    ///
    /// - Parameter groupMap: `other.count` group numbers, each below `count`, which is not checked; several groups may
    ///   go to one.
    /// - Precondition: equal parameters.
    public mutating func merge(_ other: borrowing DistinctCountTable, groupMap: UnsafePointer<UInt32>) {
        precondition(other.parameters == parameters, "only tables of equal parameters can be merged")
        // Many groups into few: each grows once, to what it may come to hold, and not step by step.
        var coming = other.count >= 2 * count ? unsafe wordsComing(from: other, groupMap) : []
        var start = 0
        while start < other.count {
            let end = min(start &+ Self.stride, other.count)
            for group in start..<end { unsafe millrace_prefetch(word(Int(groupMap[group]))) }
            for group in start..<end {
                let target = unsafe Int(groupMap[group])
                unsafe merge(other.word(group).pointee, of: other, into: word(target))
                if !coming.isEmpty, coming[target] > 0, unsafe reserve(coming[target], at: word(target)) {
                    coming[target] = 0
                }
            }
            start = end
        }
    }

    /// For each group, how many SPARSE words all groups that are merged into it hold: the most that it can need.
    private func wordsComing(from other: borrowing DistinctCountTable, _ groupMap: UnsafePointer<UInt32>) -> [Int] {
        var words = [Int](repeating: 0, count: count)
        for group in 0..<other.count {
            let word = unsafe other.word(group).pointee
            switch word == GroupWord.empty || GroupWord.isHash(word) ? GroupWord.explicit : GroupWord.kind(word) {
            case GroupWord.explicit: break
            case GroupWord.sparse: unsafe words[Int(groupMap[group])] += GroupWord.count(word)
            case GroupWord.inline: unsafe words[Int(groupMap[group])] += geometry.inlineWords
            default: unsafe words[Int(groupMap[group])] += geometry.registerCount
            }
        }
        return words
    }

    private mutating func merge(
        _ theirs: UInt64, of other: borrowing DistinctCountTable, into slot: UnsafeMutablePointer<UInt64>
    ) {
        if theirs == GroupWord.empty { return }
        if GroupWord.isHash(theirs) {
            unsafe insert(theirs, at: slot)
            return
        }
        let kind = GroupWord.kind(theirs)
        if kind == GroupWord.explicit {
            let body = unsafe other.body(theirs)
            for item in 0..<GroupWord.count(theirs) { unsafe insert(Self.hash(body, item), at: slot) }
            return
        }
        if unsafe slot.pointee == GroupWord.empty {
            unsafe slot.pointee = copyOf(theirs, of: other)
            return
        }
        unsafe leaveExplicit(slot)
        switch kind {
        case GroupWord.inline:
            for held in 0..<geometry.inlineWords {
                let entry = inlineWord(theirs, held)
                if entry != 0 { unsafe raise(entry, at: slot) }
            }
        case GroupWord.sparse:
            unsafe mergeSparse(theirs, of: other, into: slot)
        default:
            unsafe mergeDense(theirs, of: other, into: slot)
        }
    }

    /// The word of an empty group that takes over another table's group in the registers stage.
    private mutating func copyOf(_ theirs: UInt64, of other: borrowing DistinctCountTable) -> UInt64 {
        guard GroupWord.kind(theirs) != GroupWord.inline else { return theirs }
        let sizeClass = GroupWord.sizeClass(theirs)
        let handle = arena.allocate(sizeClass)
        unsafe arena.address(handle).copyMemory(
            from: other.body(theirs), byteCount: Int(arena.classes[sizeClass].byteCount))
        return theirs & ~0xffff_ffff | UInt64(handle)
    }

    private mutating func mergeSparse(
        _ theirs: UInt64, of other: borrowing DistinctCountTable, into slot: UnsafeMutablePointer<UInt64>
    ) {
        let size = other.arena.classes[GroupWord.sizeClass(theirs)]
        let body = unsafe other.body(theirs)
        let isList = size.byteCount <= SketchBodyClasses.listBytesMax
        for place in 0..<(isList ? GroupWord.count(theirs) : Int(size.slots)) {
            let entry = unsafe PackedWords.load(body, place, bits: geometry.wordBits, mask: geometry.wordMask)
            if entry != 0 { unsafe raise(entry, at: slot) }
        }
    }

    /// Eight registers at a time; only those that their sketch raises are touched one by one.
    private mutating func mergeDense(
        _ theirs: UInt64, of other: borrowing DistinctCountTable, into slot: UnsafeMutablePointer<UInt64>
    ) {
        let kind = unsafe GroupWord.kind(slot.pointee)
        if kind != GroupWord.nibbles, kind != GroupWord.full { unsafe growDense(slot) }
        for block in 0..<geometry.registerCount / 8 {
            let incoming = other.denseLanes(theirs, block: block)
            guard unsafe RegisterLanes.anyGreater(incoming, than: denseLanes(slot.pointee, block: block)) else {
                continue
            }
            for lane in 0..<8 {
                let value = (incoming &>> UInt64(lane &* 8)) & 0xff
                if value != 0 { unsafe raise(UInt64(block &* 8 &+ lane), to: value, at: slot) }
            }
        }
        if GroupWord.kind(theirs) == GroupWord.nibbles {
            let body = unsafe other.body(theirs)
            let exceptions = unsafe other.exceptionCount(body)
            for item in 0..<exceptions {
                unsafe raise(other.exception(item, of: body), at: slot)
            }
        }
    }

    /// Gives a group of inline or sparse words a dense body.
    private mutating func growDense(_ slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        unsafe makeDense(slot, from: word)
        guard GroupWord.kind(word) == GroupWord.inline else { return }
        for held in 0..<geometry.inlineWords {
            let entry = inlineWord(word, held)
            if entry != 0 { unsafe raise(entry, at: slot) }
        }
    }

    /// Registers 8 * block... of a dense group, one per byte; an exception shows as its base + 15, never more than
    /// its value.
    @inline(__always)
    func denseLanes(_ word: UInt64, block: Int) -> UInt64 {
        let body = unsafe body(word)
        if GroupWord.kind(word) == GroupWord.nibbles {
            let nibbles = unsafe body.loadUnaligned(
                fromByteOffset: SketchGeometry.nibbleHeader &+ block &* 4, as: UInt32.self)
            return RegisterLanes.spread(nibbles: UInt32(littleEndian: nibbles))
                &+ GroupWord.base(word) &* RegisterLanes.ones
        }
        let width = Int(truncatingIfNeeded: geometry.width)
        let raw = unsafe body.loadUnaligned(fromByteOffset: block &* width, as: UInt64.self)
        return RegisterLanes.unpack(
            UInt64(bigEndian: raw) &>> (64 &- 8 &* geometry.width), width: geometry.width)
    }
}
