import CPrefetch

/// Adding hashes.
extension DistinctCountTable {
    /// Hashes taken through the look-ahead pass at a time.
    private static let stride = 32
    /// Below this size the table is in the processor's second-level cache and looking ahead only costs.
    private static let lookAheadBytes = 1 << 19

    /// Adds one hash to a group.
    public mutating func insert(hash: UInt64, group: Int) {
        precondition(group >= 0 && group < count, "group number out of range; grow the table first")
        unsafe insert(hash, at: word(group))
    }

    /// Adds a batch: for every k below `count`, with row = `rows[k]` (or k), the hash of that row goes to group
    /// `groups[k]` unless `valid[row]` is 0.
    ///
    /// - Parameters:
    ///   - hashes: by row.
    ///   - valid: by row, 0 for a null; nil when there are none.
    ///   - rows: the rows to take, in any order; nil for the first `count`.
    ///   - groups: by k; every number below the table's `count`, which is not checked.
    ///   - count: how many.
    public mutating func insert(
        hashes: UnsafePointer<UInt64>, valid: UnsafePointer<UInt8>?, rows: UnsafePointer<UInt32>?,
        groups: UnsafePointer<UInt32>, count: Int
    ) {
        let looksAhead = memoryBytes > Self.lookAheadBytes
        var start = 0
        while start < count {
            let end = min(start &+ Self.stride, count)
            if looksAhead { unsafe lookAhead(hashes: hashes, rows: rows, groups: groups, range: start..<end) }
            for k in start..<end {
                let row = unsafe rows.map { unsafe Int($0[k]) } ?? k
                if let valid = unsafe valid, unsafe valid[row] == 0 { continue }
                unsafe insert(hashes[row], at: word(Int(groups[k])))
            }
            start = end
        }
    }

    /// Asks for the words of a stretch, then for the places in their bodies, so that cache misses overlap instead of
    /// following one another through mispredicted branches: 108 ns instead of 250 for random updates of 500,000 keys.
    private func lookAhead(
        hashes: UnsafePointer<UInt64>, rows: UnsafePointer<UInt32>?, groups: UnsafePointer<UInt32>, range: Range<Int>
    ) {
        for k in range { unsafe millrace_prefetch(word(Int(groups[k]))) }
        for k in range {
            let word = unsafe word(Int(groups[k])).pointee
            let kind = GroupWord.kind(word)
            guard kind &- GroupWord.explicit <= GroupWord.full &- GroupWord.explicit else { continue }
            let row = unsafe rows.map { unsafe Int($0[k]) } ?? k
            let offset = unsafe probeOffset(of: hashes[row] & geometry.indexMask, word: word, kind: kind)
            unsafe millrace_prefetch(body(word) + offset)
        }
    }

    /// The byte of a body that an update of the register will read first.
    @inline(__always)
    private func probeOffset(of index: UInt64, word: UInt64, kind: UInt64) -> Int {
        switch kind {
        case GroupWord.sparse:
            let size = arena.classes[GroupWord.sizeClass(word)]
            return size.byteCount <= SketchBodyClasses.listBytesMax
                ? 0 : (Self.home(index, size: size, geometry: geometry) &* geometry.wordBits) &>> 3
        case GroupWord.nibbles:
            return SketchGeometry.nibbleHeader &+ Int(truncatingIfNeeded: index &>> 1)
        case GroupWord.full:
            return Int(truncatingIfNeeded: index &* geometry.width &>> 3)
        default:
            return 0
        }
    }

    /// Adds a hash to the group whose word this is.
    @inline(__always)
    mutating func insert(_ hash: UInt64, at slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        if geometry.explicitLimit > 0 {
            let kind = GroupWord.kind(word)
            if kind > GroupWord.full || kind == GroupWord.explicit || word == GroupWord.empty {
                unsafe insertExplicit(hash, at: slot)
                return
            }
        }
        let (index, value) = geometry.register(of: hash)
        if value == 0 {
            if word == GroupWord.empty { unsafe slot.pointee = GroupWord.inlineEmpty }
            return
        }
        unsafe raise(index, to: value, at: slot)
    }

    /// Raises a register of a group that is empty or in the registers stage.
    @inline(__always)
    mutating func raise(_ index: UInt64, to value: UInt64, at slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        switch GroupWord.kind(word) {
        case GroupWord.nibbles:
            // Most updates of a dense sketch end here, without touching its body.
            if value > GroupWord.base(word) { unsafe raiseNibble(index, to: value, at: slot) }
        case GroupWord.sparse:
            unsafe raiseSparse(index, to: value, at: slot)
        case GroupWord.full:
            unsafe raiseFull(index, to: value, in: body(word))
        default:
            unsafe raiseInline(index, to: value, at: slot)
        }
    }

    private mutating func raiseInline(_ index: UInt64, to value: UInt64, at slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        let bits = UInt64(truncatingIfNeeded: geometry.wordBits)
        let mask = UInt64(geometry.wordMask)
        let entry = index &<< geometry.width | value
        var shift: UInt64 = 0
        for _ in 0..<geometry.inlineWords {
            let held = (word &>> shift) & mask
            if held == 0 {
                unsafe slot.pointee = word | GroupWord.inlineEmpty | entry &<< shift
                return
            }
            if held &>> geometry.width == index {
                if entry > held { unsafe slot.pointee = word & ~(mask &<< shift) | entry &<< shift }
                return
            }
            shift &+= bits
        }
        unsafe spillInline(adding: entry, at: slot)
    }

    /// Moves inline words into the first body.
    @inline(never)
    private mutating func spillInline(adding entry: UInt64, at slot: UnsafeMutablePointer<UInt64>) {
        let word = unsafe slot.pointee
        if arena.classes.sparse.isEmpty {
            unsafe makeDense(slot, from: GroupWord.empty)
            for held in 0..<geometry.inlineWords { unsafe raise(inlineWord(word, held), at: slot) }
            unsafe raise(UInt32(truncatingIfNeeded: entry), at: slot)
            return
        }
        let sizeClass = arena.classes.sparse.lowerBound
        let handle = arena.allocate(sizeClass)
        let body = unsafe arena.address(handle)
        let (bits, mask) = (geometry.wordBits, geometry.wordMask)
        // A list: the first class always is one, since inline words are few.
        for held in 0..<geometry.inlineWords {
            unsafe PackedWords.store(inlineWord(word, held), body, held, bits: bits, mask: mask)
        }
        unsafe PackedWords.store(
            UInt32(truncatingIfNeeded: entry), body, geometry.inlineWords, bits: bits, mask: mask)
        unsafe slot.pointee = GroupWord.body(
            GroupWord.sparse, count: geometry.inlineWords + 1, sizeClass: sizeClass, handle: handle)
    }

    /// SPARSE word number `held` of an inline group; 0 when there are fewer.
    @inline(__always)
    func inlineWord(_ word: UInt64, _ held: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: word &>> UInt64(truncatingIfNeeded: held &* geometry.wordBits)) & geometry.wordMask
    }

    /// Raises the register that a SPARSE word names.
    @inline(__always)
    mutating func raise(_ word: UInt32, at slot: UnsafeMutablePointer<UInt64>) {
        let wide = UInt64(word)
        unsafe raise(wide &>> geometry.width, to: wide & geometry.valueMask, at: slot)
    }
}
