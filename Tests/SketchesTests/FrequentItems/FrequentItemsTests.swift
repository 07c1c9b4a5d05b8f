import Foundation
import Platform
import Testing

@testable import Sketches

/// A record of a log: where it stands, by its level, and its value.
struct LeveledItem: Hashable {
    var bytes: [UInt8]
    var level: Int
}

/// Multisets, and sketches of them.
enum ItemMaker {
    /// Records whose values are distributed by Zipf's law.
    static func zipf(_ records: Int, distinct: Int, exponent: Double, _ random: inout SeededRandom) -> [LeveledItem] {
        var sums: [Double] = []
        for rank in 1...distinct { sums.append((sums.last ?? 0) + pow(Double(rank), -exponent)) }
        let all = sums[distinct - 1]
        return (0..<records).map { offset in
            let drawn = Double.random(in: 0..<all, using: &random)
            var (low, high) = (0, distinct - 1)
            while low < high {
                let middle = (low + high) / 2
                if sums[middle] > drawn { high = middle } else { low = middle + 1 }
            }
            return LeveledItem(
                bytes: Array("value \(low)".utf8),
                level: SampleLevel.of(partition: 7, offset: Int64(offset), within: 0))
        }
    }

    static func sketch(_ items: some Sequence<LeveledItem>, kind: ItemKind = .text) throws -> FrequentItems {
        var sketch = FrequentItems(kind: kind)
        for item in items {
            try unsafe item.bytes.withUnsafeBytes { unsafe try sketch.add($0, count: 1, level: item.level) }
        }
        return sketch
    }

    static func bytes(_ sketch: FrequentItems) -> [UInt8] {
        var (sketch, bytes) = (sketch, [UInt8]())
        sketch.encode(into: &bytes)
        return bytes
    }

    static func merge(_ bytes: [UInt8], into sketch: inout FrequentItems) throws {
        unsafe try bytes.withUnsafeBytes { unsafe try sketch.merge(encoded: $0) }
    }
}

@Suite struct FrequentItemsTests {
    /// Whatever the order of the records, the parts that they were divided into, and the tree of merges.
    @Test(arguments: 0..<24 as Range<UInt64>)
    func bytesDependOnTheMultisetAlone(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        // Around the most that are exact, and far beyond.
        let distinct = [5, 1_020, 1_026, 1_400, 5_000][Int(seed) % 5]
        let records = ItemMaker.zipf(
            distinct * Int.random(in: 1...4, using: &random), distinct: distinct,
            exponent: Double.random(in: 0...1.5, using: &random), &random)
        let expected = ItemMaker.bytes(try ItemMaker.sketch(records))
        for _ in 0..<4 {
            let shuffled = records.shuffled(using: &random)
            let parts = Int.random(in: 1...16, using: &random)
            var encoded = try (0..<parts).map { part in
                ItemMaker.bytes(
                    try ItemMaker.sketch(shuffled.enumerated().filter { $0.offset % parts == part }.map(\.element)))
            }
            while encoded.count > 1 {
                var united = FrequentItems(kind: .text)
                for _ in 0..<min(encoded.count, Int.random(in: 2...4, using: &random)) {
                    let index = Int.random(in: encoded.indices, using: &random)
                    try ItemMaker.merge(encoded.remove(at: index), into: &united)
                }
                encoded.append(ItemMaker.bytes(united))
            }
            #expect(encoded[0] == expected, "seed \(seed), \(distinct) distinct values")
        }
    }

    @Test func countsAreExactUpToALimitAndEstimatesBeyond() throws {
        var sketch = FrequentItems(kind: .integer)
        for value in 0..<1_024 as Range<Int64> {
            try unsafe ItemKind.withBytes(of: value) { bytes throws(SketchError) in
                try unsafe sketch.add(bytes, count: value + 1, level: 3)
            }
        }
        #expect(!sketch.isEstimated)
        #expect(sketch.top(2).map { ItemKind.number($0.bytes) } == [1_023, 1_022])
        #expect(sketch.top(2).map(\.count) == [1_024, 1_023])
        #expect(sketch.top(2).allSatisfy { $0.error == 0 })
        // One more, and one level for all: they are left out together.
        try unsafe ItemKind.withBytes(of: -5) { bytes throws(SketchError) in
            try unsafe sketch.add(bytes, count: 9, level: 40)
        }
        let top = sketch.top(5)
        #expect(sketch.isEstimated)
        #expect(top.map { ItemKind.number($0.bytes) } == [-5])
        #expect(top[0].error > 0)
    }

    /// Over 20 rounds, .88 to .97 of the 20 most frequent values were found, and at least .995 of the counts within
    /// their error (docs/decisions/0012). Three rounds vary more: 51 of the 60 values must be found here, and .97 of the
    /// counts be within.
    @Test(arguments: [0.8, 1, 1.2])
    func frequentValuesAreFoundAndErrorsAreHonest(exponent: Double) throws {
        var random = SeededRandom(seed: 11)
        var (found, within, shown) = (0, 0, 0)
        let rounds = 3
        for round in 0..<rounds {
            let records = ItemMaker.zipf(100_000, distinct: 20_000, exponent: exponent, &random)
            var counts: [[UInt8]: Int64] = [:]
            for record in records { counts[record.bytes, default: 0] += 1 }
            let true20 = Set(counts.sorted { $0.value > $1.value }.prefix(20).map(\.key))
            var sketch = try ItemMaker.sketch(
                records.enumerated().map { offset, record in
                    LeveledItem(
                        bytes: record.bytes,
                        level: SampleLevel.of(partition: UInt64(round), offset: Int64(offset), within: 0))
                })
            let top = sketch.top(20)
            found += true20.intersection(top.map(\.bytes)).count
            shown += top.count
            for item in top where abs(item.count - (counts[item.bytes] ?? 0)) <= item.error { within += 1 }
            #expect(ItemMaker.bytes(sketch).count < 20_000)
        }
        #expect(Double(found) >= 0.85 * Double(20 * rounds), "found \(found) of \(20 * rounds)")
        #expect(Double(within) >= 0.97 * Double(shown), "within \(within) of \(shown)")
    }

    @Test func aStoredTotalCannotOverflow() throws {
        var sketch = FrequentItems(kind: .text)
        unsafe try [UInt8](arrayLiteral: 97).withUnsafeBytes {
            unsafe try sketch.add($0, count: FrequentItems.totalMax, level: 0)
        }
        let error = #expect(throws: SketchError.self) { try ItemMaker.merge([0x41, 0, 1, 1, 98, 1, 0], into: &sketch) }
        #expect(error?.code == .outOfRange)
    }

    @Test func levelsAreHashesOnALogarithmicScale() {
        #expect(SampleLevel.of(hash: .max) == 0)
        #expect(SampleLevel.of(hash: 1 << 63) == 15)
        #expect(SampleLevel.of(hash: (1 << 63) - 1) == 16)
        #expect(SampleLevel.of(hash: 1) == 63 * 16 + 15)
        #expect(SampleLevel.of(hash: 0) == SampleLevel.most)
        var above = 0
        for offset in 0..<100_000 as Range<Int64> {
            if SampleLevel.of(partition: 1, offset: offset, within: 0) >= 64 { above += 1 }
        }
        // A sixteenth.
        #expect((5_900...6_600).contains(above), "found \(above) of 100,000")
    }

    @Test(
        arguments: [
            (0, [0]), (127, [0x7f]), (128, [0, 0x80]), (-1, [0xff]), (-128, [0x80]), (-129, [0xff, 0x7f]),
            (256, [1, 0]), (Int64.max, [0x7f] + [UInt8](repeating: 0xff, count: 7)),
            (Int64.min, [0x80] + [UInt8](repeating: 0, count: 7)),
        ] as [(Int64, [UInt8])])
    func numbersHaveAsFewBytesAsTheyNeed(number: Int64, expected: [UInt8]) throws {
        let bytes = try unsafe ItemKind.withBytes(of: number) { bytes throws(SketchError) in unsafe Array(bytes) }
        #expect(bytes == expected)
        #expect(ItemKind.number(bytes) == number)
    }
}
