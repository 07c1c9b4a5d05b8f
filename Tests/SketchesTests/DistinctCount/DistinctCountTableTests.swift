import Sketches
import Testing

@Suite struct DistinctCountTableTests {
    /// Adversarial hashes included: the sketch is compared with a plain array of registers after every insert.
    @Test(arguments: 0..<32)
    func representationNeverShows(shift: UInt64) throws {
        var random = HashStream(seed: 100 + shift)
        for round in 0..<4 {
            let parameters = try random.parameters(log2m: 4...7)
            var reference = ReferenceHyperLogLog(parameters: parameters)
            var table = DistinctCountTable(parameters: parameters)
            table.grow(to: 3)
            for _ in 0..<150 {
                let hash = random.next() << shift ^ random.next() >> 58
                reference.insert(hash)
                table.insert(hash: hash, group: 1)
                let note: Comment = "seed \(100 + shift), round \(round), \(parameters), \(reference.hashes.count)"
                try #require(table.bytes(1) == reference.encode(), note)
                try checkEstimate(table, group: 1, note)
            }
            #expect(table.estimate(group: 0) == 0 && table.estimate(group: 2) == 0)
        }
    }

    /// Large enough for every layout: list, open addressing, nibbles with a rising base, exceptions, FULL.
    @Test(arguments: [(9, 5), (10, 4), (10, 5), (12, 5), (14, 5)], [0, 4, 12] as [UInt64])
    func largeSketchesEqualTheReference(size: (log2m: Int, width: Int), shift: UInt64) throws {
        let seed = UInt64(size.log2m * 100) + shift
        var random = HashStream(seed: seed)
        for threshold in size.log2m < 12 ? [0, 8, HyperLogLogParameters.automaticThreshold] : [8] {
            let parameters = try HyperLogLogParameters(
                log2m: size.log2m, registerWidth: size.width, explicitThreshold: threshold)
            var reference = HyperLogLog(parameters: parameters)
            var table = DistinctCountTable(parameters: parameters)
            table.grow(to: 1)
            var next = 1
            // Twelve values a register fill every register, so that the base rises.
            for inserted in 1...(size.log2m < 12 ? 24 : 12) << size.log2m {
                let hash = random.next()
                // Only the value bits are shifted; the register stays uniform.
                let mask = UInt64(1) << UInt64(size.log2m) - 1
                let shifted = (hash & ~mask) << shift | hash & mask
                reference.insert(shifted)
                table.insert(hash: shifted, group: 0)
                if inserted == next {
                    let note: Comment = "seed \(seed), \(parameters), \(inserted) inserted"
                    try #require(table.bytes(0) == reference.bytes, note)
                    try checkEstimate(table, group: 0, note)
                    next = next * 5 / 4 + 1
                }
            }
            #expect(table.bytes(0) == reference.bytes, "seed \(seed), \(parameters)")
        }
    }

    @Test func accumulatorEqualsThePlainReferenceOnLargeSketches() {
        var random = HashStream(seed: 30)
        for count in [1000, 5000, 20_000] {
            var reference = ReferenceHyperLogLog(parameters: .compact)
            var sketch = HyperLogLog(parameters: .compact)
            for _ in 0..<count {
                let hash = random.next()
                reference.insert(hash)
                sketch.insert(hash)
            }
            #expect(sketch.bytes == reference.encode(), "seed 30, \(count)")
        }
    }

    @Test func batchesFollowRowsValidityAndGroups() throws {
        var random = HashStream(seed: 31)
        for round in 0..<60 {
            let parameters = try random.parameters(log2m: 4...10)
            let groups = Int.random(in: 1...40, using: &random)
            let hashes = random.hashes(atMost: 2000) + [7]
            let valid: [UInt8]? = Bool.random(using: &random) ? hashes.map { UInt8($0 % 3) } : nil
            let rows: [UInt32]? =
                Bool.random(using: &random)
                ? (0..<Int.random(in: 0...hashes.count, using: &random)).map { _ in
                    UInt32.random(in: 0..<UInt32(hashes.count), using: &random)
                } : nil
            let count = rows?.count ?? hashes.count
            let groupOf = (0..<count).map { _ in UInt32.random(in: 0..<UInt32(groups), using: &random) }
            var table = DistinctCountTable(parameters: parameters)
            table.grow(to: groups)
            table.insert(hashes, valid: valid, rows: rows, groups: groupOf)
            var expected = Array(repeating: HyperLogLog(parameters: parameters), count: groups)
            for k in 0..<count {
                let row = rows.map { Int($0[k]) } ?? k
                if valid?[row] != 0 { expected[Int(groupOf[k])].insert(hashes[row]) }
            }
            for group in 0..<groups {
                #expect(table.bytes(group) == expected[group].bytes, "seed 31, round \(round), \(parameters)")
            }
        }
    }

    @Test func mergingTablesEqualsInsertingEverything() throws {
        var random = HashStream(seed: 32)
        for round in 0..<80 {
            let parameters = try random.parameters(log2m: 4...10)
            let groups = Int.random(in: 1...12, using: &random)
            var whole = DistinctCountTable(parameters: parameters)
            var mine = DistinctCountTable(parameters: parameters)
            var other = DistinctCountTable(parameters: parameters)
            let otherGroups = Int.random(in: 0...15, using: &random)
            let map = (0..<otherGroups).map { _ in UInt32.random(in: 0..<UInt32(groups), using: &random) }
            whole.grow(to: groups)
            mine.grow(to: groups)
            other.grow(to: otherGroups)
            for group in 0..<groups {
                for hash in random.hashes(atMost: 4000) {
                    mine.insert(hash: hash, group: group)
                    whole.insert(hash: hash, group: group)
                }
            }
            for group in 0..<otherGroups {
                for hash in random.hashes(atMost: 4000) {
                    other.insert(hash: hash, group: group)
                    whole.insert(hash: hash, group: Int(map[group]))
                }
            }
            unsafe map.withUnsafeBufferPointer { map in
                if let map = map.baseAddress { unsafe mine.merge(other, groupMap: map) }
            }
            for group in 0..<groups {
                #expect(mine.bytes(group) == whole.bytes(group), "seed 32, round \(round), \(parameters)")
            }
        }
    }

    /// Where many groups come together in few, each is made large at once; its bytes are those of a slow growth.
    @Test func mergingManyGroupsIntoFewEqualsInsertingEverything() throws {
        var random = HashStream(seed: 36)
        for round in 0..<60 {
            let parameters = try random.parameters(log2m: 4...12)
            let (groups, otherGroups) = (Int.random(in: 1...5, using: &random), Int.random(in: 10...60, using: &random))
            let hashesMax = [2, 9, 60, 600].randomElement(using: &random) ?? 1
            var whole = DistinctCountTable(parameters: parameters)
            var mine = DistinctCountTable(parameters: parameters)
            var other = DistinctCountTable(parameters: parameters)
            whole.grow(to: groups)
            mine.grow(to: groups)
            other.grow(to: otherGroups)
            let map = (0..<otherGroups).map { _ in UInt32.random(in: 0..<UInt32(groups), using: &random) }
            let shared = random.hashes(atMost: hashesMax)
            for group in 0..<otherGroups {
                for hash in random.hashes(atMost: hashesMax) + shared {
                    other.insert(hash: hash, group: group)
                    whole.insert(hash: hash, group: Int(map[group]))
                }
            }
            unsafe map.withUnsafeBufferPointer { map in
                if let map = map.baseAddress { unsafe mine.merge(other, groupMap: map) }
            }
            for group in 0..<groups {
                #expect(mine.bytes(group) == whole.bytes(group), "seed 36, round \(round), \(parameters)")
                #expect(mine.estimate(group: group) == whole.estimate(group: group), "seed 36, round \(round)")
            }
        }
    }

    @Test func loadingMergesIntoTheAccumulator() throws {
        var random = HashStream(seed: 33)
        for round in 0..<80 {
            let parameters = try random.parameters(log2m: 4...11)
            let (stored, delta) = (random.hashes(atMost: 3000), random.hashes(atMost: 3000))
            var table = DistinctCountTable(parameters: parameters)
            table.grow(to: 1)
            for hash in delta { table.insert(hash: hash, group: 0) }
            var accumulator = HyperLogLog(parameters: parameters, hashes: stored)
            table.load(group: 0, into: &accumulator)
            #expect(
                accumulator.bytes == HyperLogLog(parameters: parameters, hashes: stored + delta).bytes,
                "seed 33, round \(round), \(parameters)")
        }
    }

    /// The estimate from the table's own layout is the accumulator's, to the last bit.
    private func checkEstimate(_ table: borrowing DistinctCountTable, group: Int, _ note: Comment) throws {
        var accumulator = HyperLogLog(parameters: table.parameters)
        table.load(group: group, into: &accumulator)
        let (found, expected) = (table.estimate(group: group), accumulator.estimate())
        try #require(found == expected, note)
    }
}

extension DistinctCountTable {
    mutating func insert(_ hashes: [UInt64], valid: [UInt8]?, rows: [UInt32]?, groups: [UInt32]) {
        unsafe hashes.withUnsafeBufferPointer { hashes in
            unsafe groups.withUnsafeBufferPointer { groups in
                guard let hashes = hashes.baseAddress, let first = groups.baseAddress else { return }
                let count = groups.count
                unsafe withOptionalPointer(valid) { valid in
                    unsafe withOptionalPointer(rows) { rows in
                        unsafe insert(hashes: hashes, valid: valid, rows: rows, groups: first, count: count)
                    }
                }
            }
        }
    }
}

private func withOptionalPointer<Element>(_ elements: [Element]?, _ body: (UnsafePointer<Element>?) -> Void) {
    guard let elements else { return body(nil) }
    unsafe elements.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
}
