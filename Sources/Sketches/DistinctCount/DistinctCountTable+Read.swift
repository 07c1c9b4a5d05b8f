/// Reading groups: none of these changes the table.
extension DistinctCountTable {
    /// Merges a group's sketch into an accumulator of the same parameters.
    public func load(group: Int, into sketch: inout HyperLogLog) {
        precondition(group >= 0 && group < count, "group number out of range")
        precondition(sketch.parameters == parameters, "a group can be loaded only into a sketch of equal parameters")
        let word = unsafe word(group).pointee
        if word == GroupWord.empty { return }
        if GroupWord.isHash(word) {
            sketch.insert(word)
            return
        }
        if GroupWord.kind(word) == GroupWord.explicit {
            let body = unsafe body(word)
            for item in 0..<GroupWord.count(word) { unsafe sketch.insert(Self.hash(body, item)) }
            return
        }
        sketch.enterRegisters()
        switch GroupWord.kind(word) {
        case GroupWord.inline:
            for held in 0..<geometry.inlineWords { sketch.raise(inlineWord(word, held), width: geometry.width) }
        case GroupWord.sparse:
            forEachSparseWord(word) { sketch.raise($0, width: geometry.width) }
        default:
            for block in 0..<geometry.registerCount / 8 {
                sketch.raise(block: block, to: denseLanes(word, block: block))
            }
            if GroupWord.kind(word) == GroupWord.nibbles {
                unsafe forEachException(body(word)) { index, value in
                    sketch.raise(Int(index), to: UInt8(truncatingIfNeeded: value))
                }
            }
        }
    }

    /// Appends a group's stored form, the same bytes `HyperLogLog.encode` gives for the same set of hashes.
    ///
    /// Uses an accumulator of its own each time; to encode many groups, reuse one with `load`.
    public func encode(group: Int, into bytes: inout [UInt8]) {
        var sketch = HyperLogLog(parameters: parameters)
        load(group: group, into: &sketch)
        sketch.encode(into: &bytes)
    }

    /// About how many distinct hashes the group has seen, bit for bit what `HyperLogLog.estimate` gives.
    public func estimate(group: Int) -> Double {
        precondition(group >= 0 && group < count, "group number out of range")
        let word = unsafe word(group).pointee
        if word == GroupWord.empty { return 0 }
        if GroupWord.isHash(word) { return 1 }
        if GroupWord.kind(word) == GroupWord.explicit { return Double(GroupWord.count(word)) }
        return unsafe withUnsafeTemporaryAllocation(
            of: UInt32.self, capacity: HyperLogLogEstimator.histogramSlots
        ) { histogram in
            guard let counts = histogram.baseAddress else { return 0 }
            unsafe counts.initialize(repeating: 0, count: histogram.count)
            unsafe countRegisters(word, into: counts)
            return unsafe HyperLogLogEstimator.estimate(histogram: counts, parameters: parameters)
        }
    }

    /// Fills a zeroed histogram with the register values of a group in the registers stage.
    private func countRegisters(_ word: UInt64, into counts: UnsafeMutablePointer<UInt32>) {
        unsafe counts[0] = UInt32(truncatingIfNeeded: geometry.registerCount)
        let mask = UInt32(truncatingIfNeeded: geometry.valueMask)
        switch GroupWord.kind(word) {
        case GroupWord.inline:
            for held in 0..<geometry.inlineWords {
                let entry = inlineWord(word, held)
                if entry != 0 { unsafe Self.move(1, to: Int(entry & mask), in: counts) }
            }
        case GroupWord.sparse:
            forEachSparseWord(word) { unsafe Self.move(1, to: Int($0 & mask), in: counts) }
        case GroupWord.nibbles:
            unsafe countNibbles(word, into: counts)
        default:
            unsafe counts[0] = 0
            for block in 0..<geometry.registerCount / 8 {
                var lanes = denseLanes(word, block: block)
                for _ in 0..<8 {
                    unsafe counts[Int(truncatingIfNeeded: lanes & 0xff)] &+= 1
                    lanes &>>= 8
                }
            }
        }
    }

    /// Counts pairs of nibbles as bytes first: half the increments, and the second pass is short.
    private func countNibbles(_ word: UInt64, into counts: UnsafeMutablePointer<UInt32>) {
        let body = unsafe body(word)
        let base = Int(truncatingIfNeeded: GroupWord.base(word))
        unsafe counts[0] = 0
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 512) { pairs in
            unsafe pairs.initialize(repeating: 0)
            guard let even = pairs.baseAddress else { return }
            let odd = unsafe even + 256
            var offset = 0
            while offset < geometry.registerCount &>> 1 {
                var eight = unsafe body.loadUnaligned(
                    fromByteOffset: SketchGeometry.nibbleHeader &+ offset, as: UInt64.self)
                for _ in 0..<4 {
                    unsafe even[Int(truncatingIfNeeded: eight & 0xff)] &+= 1
                    unsafe odd[Int(truncatingIfNeeded: (eight &>> 8) & 0xff)] &+= 1
                    eight &>>= 16
                }
                offset &+= 8
            }
            for pair in 0..<256 {
                let times = unsafe even[pair] &+ odd[pair]
                unsafe counts[base &+ pair & 15] &+= times
                unsafe counts[base &+ pair &>> 4] &+= times
            }
        }
        unsafe forEachException(body) { _, value in
            unsafe counts[base &+ 15] &-= 1
            unsafe counts[Int(truncatingIfNeeded: value)] &+= 1
        }
    }

    /// Registers first counted as zero turn out to hold a value.
    @inline(__always)
    private static func move(_ registers: UInt32, to value: Int, in counts: UnsafeMutablePointer<UInt32>) {
        unsafe counts[0] &-= registers
        unsafe counts[value] &+= registers
    }
}

extension HyperLogLog {
    /// Raises the register that a SPARSE word names; 0 names none.
    @inline(__always)
    fileprivate mutating func raise(_ word: UInt32, width: UInt64) {
        let value = word & ((1 as UInt32) &<< UInt32(truncatingIfNeeded: width) &- 1)
        if value != 0 { raise(Int(UInt64(word) &>> width), to: UInt8(truncatingIfNeeded: value)) }
    }

    /// Raises registers 8 * block... to the lanes, where those are larger; in the registers stage.
    fileprivate mutating func raise(block: Int, to lanes: UInt64) {
        unsafe registers.withUnsafeMutableBytes { registers in
            let mine = unsafe registers.loadUnaligned(fromByteOffset: block &* 8, as: UInt64.self)
            let both = RegisterLanes.maximum(UInt64(littleEndian: mine), lanes)
            unsafe registers.storeBytes(of: both.littleEndian, toByteOffset: block &* 8, as: UInt64.self)
        }
        occupied[block &>> 3] |= RegisterLanes.occupied(lanes) &<< UInt64(truncatingIfNeeded: (block & 7) &* 8)
    }
}
