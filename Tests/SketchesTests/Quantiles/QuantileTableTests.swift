import Foundation
import Platform
import Testing

@testable import Sketches

@Suite struct QuantileTableTests {
    @Test(arguments: QuantileSamples.kinds)
    func encodesAsOneSketchPerGroupWould(kind: QuantileValueKind) {
        for seed in UInt64(3_000)..<3_060 {
            var random = SeededRandom(seed: seed)
            let groups = Int.random(in: 1...9, using: &random)
            let multisets = (0..<groups).map { _ in QuantileSamples.values(kind, sizeMax: 1_500, &random) }
            var table = QuantileTable(valueKind: kind)
            table.grow(to: groups)
            Self.insert(multisets, into: &table, &random)
            for group in 0..<groups {
                Self.expectEqual(table, group, QuantileSamples.sketch(kind, multisets[group]), "seed \(seed)")
            }
        }
    }

    @Test(arguments: QuantileSamples.kinds)
    func mergesAsIfAllValuesHadGoneIntoOneTable(kind: QuantileValueKind) {
        for seed in UInt64(4_000)..<4_060 {
            var random = SeededRandom(seed: seed)
            let groups = Int.random(in: 1...4, using: &random)
            let parts = Int.random(in: 1...4, using: &random)
            var all: [[Int64]] = Array(repeating: [], count: groups)
            var union = QuantileTable(valueKind: kind)
            union.grow(to: groups)
            for _ in 0..<parts {
                let multisets = (0..<6).map { _ in QuantileSamples.values(kind, sizeMax: 800, &random) }
                let map = (0..<6).map { _ in UInt32.random(in: 0..<UInt32(groups), using: &random) }
                var part = QuantileTable(valueKind: kind)
                part.grow(to: 6)
                Self.insert(multisets, into: &part, &random)
                unsafe union.merge(part, groupMap: map)
                for (values, target) in zip(multisets, map) { all[Int(target)] += values }
            }
            for group in 0..<groups {
                Self.expectEqual(union, group, QuantileSamples.sketch(kind, all[group]), "seed \(seed)")
            }
        }
    }

    @Test func skipsInvalidRowsAndFollowsTheRowList() throws {
        var table = QuantileTable(valueKind: .integer)
        table.grow(to: 2)
        let values: [Int64] = [10, 20, 30, 40]
        let valid: [UInt8] = [1, 0, 1, 1]
        unsafe table.insert(integers: values, valid: valid, rows: [3, 1, 0], groups: [1, 1, 0], count: 3)
        unsafe table.insert(integers: values, valid: valid, rows: nil, groups: [0, 0, 1], count: 3)
        var sketch = ExponentialHistogram(kind: .integer)
        try table.load(group: 0, into: &sketch)
        #expect(sketch.exact == [10, 10])
        sketch.reset()
        try table.load(group: 1, into: &sketch)
        #expect(sketch.exact == [30, 40])
        #expect(table.quantile(group: 1, 1) == 40)
    }

    @Test func countersWidenWithoutLosingAny() throws {
        // 70,000 equal values pass the limits of 8 and 16 bits; merging doubles them past 32 bits.
        var table = QuantileTable(valueKind: .double)
        table.grow(to: 1)
        let values = [Double](repeating: 3, count: 70_000) + [4, 5, 600]
        let groups = [UInt32](repeating: 0, count: values.count)
        unsafe table.insert(doubles: values, valid: nil, rows: nil, groups: groups, count: values.count)
        for _ in 0..<20 {
            var copy = QuantileTable(valueKind: .double)
            copy.grow(to: 1)
            unsafe copy.merge(table, groupMap: [0])
            unsafe table.merge(copy, groupMap: [0])
        }
        var sketch = ExponentialHistogram(kind: .double)
        try table.load(group: 0, into: &sketch)
        #expect(sketch.count == 70_003 << 20)
        #expect(sketch.buckets.counts == [70_000 << 20, 1 << 20, 1 << 20, 1 << 20])
        #expect(sketch.sum == Int128(70_000 * 3 + 609) << 20 * 1_000_000_000)
    }

    @Test func removeAllKeepsOrReturnsTheMemory() {
        var table = QuantileTable(valueKind: .integer)
        let empty = table.memoryBytes
        let values = (0..<50_000).map { Int64($0) }
        let groups = values.map { UInt32($0 % 1_000) }
        for _ in 0..<3 {
            table.grow(to: 1_000)
            unsafe table.insert(integers: values, valid: nil, rows: nil, groups: groups, count: values.count)
            let full = table.memoryBytes
            table.removeAll(keepingCapacity: true)
            #expect(table.memoryBytes == full)
            table.grow(to: 2)
            #expect(table.quantile(group: 1, 0.5) == nil)
        }
        table.removeAll(keepingCapacity: false)
        #expect(table.memoryBytes == empty)
    }

    @Test func groupsOfTwoValuesTakeAtMost40Bytes() {
        var table = QuantileTable(valueKind: .double)
        let count = 100_000
        table.grow(to: count)
        let groups = (0..<UInt32(count)).flatMap { [$0, $0] }
        let values = groups.indices.map { Double($0) }
        unsafe table.insert(doubles: values, valid: nil, rows: nil, groups: groups, count: values.count)
        #expect(table.memoryBytes <= 40 * count)
    }

    @Test func oneHugeSpreadDoesNotTakeHugeMemory() {
        var table = QuantileTable(valueKind: .double)
        table.grow(to: 1)
        var random = SeededRandom(seed: 9)
        let values = (0..<100_000).map { _ in
            let value = Double(bitPattern: random.next())
            return value.isFinite ? value : 1
        }
        unsafe table.insert(
            doubles: values, valid: nil, rows: nil, groups: [UInt32](repeating: 0, count: values.count),
            count: values.count)
        #expect(table.memoryBytes <= 512 * 1_024)
        Self.expectEqual(table, 0, QuantileSamples.sketch(.double, values.map(DoubleRule.ordered)), "seed 9")
    }

    /// Inserts the multisets interleaved in random order and in batches of random length.
    private static func insert(_ multisets: [[Int64]], into table: inout QuantileTable, _ random: inout SeededRandom) {
        var rows = multisets.enumerated().flatMap { group, values in values.map { (UInt32(group), $0) } }
        rows.shuffle(using: &random)
        while !rows.isEmpty {
            let taken = rows.suffix(Int.random(in: 1...4_096, using: &random))
            QuantileSamples.insert(taken.map(\.1), groups: taken.map(\.0), into: &table)
            rows.removeLast(taken.count)
        }
    }

    private static func expectEqual(
        _ table: borrowing QuantileTable, _ group: Int, _ sketch: ExponentialHistogram, _ comment: String
    ) {
        var bytes: [UInt8] = []
        table.encode(group: group, into: &bytes)
        #expect(bytes == QuantileSamples.bytes(sketch), "\(comment) group \(group)")
        #expect(table.quantile(group: group, 0.95) == sketch.quantile(0.95))
    }
}
