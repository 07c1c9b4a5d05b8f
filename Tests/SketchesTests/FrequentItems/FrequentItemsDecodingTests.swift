import Platform
import Testing

@testable import Sketches

@Suite struct FrequentItemsDecodingTests {
    @Test(
        arguments: [
            ([], "ends too early, found 0 bytes"), ([0x41], "ends too early, found 1 bytes"),
            ([0x41, 0], "ends too early, found 2 bytes"), ([0x51, 0, 0], "unknown version, found 5, expected 4"),
            ([0x11, 0x8c, 0x44], "this is a sketch of uniques(), expected a sketch of top()"),
            ([0x43, 0, 0], "unknown layout, found 3, expected 1 or 2"),
            ([0x41, 3, 0], "unknown kind of values, found 3"),
            ([0x41, 0, 0, 0], "too long, found 4 bytes, expected 3"),
            ([0x41, 0, 1, 1, 97, 0, 0], "count out of range"),
            ([0x41, 0, 1, 9, 97, 1, 0], "ends too early, found 7 bytes"),
            ([0x41, 0, 2, 1, 98, 1, 0, 1, 97, 1, 0], "values out of order"),
            ([0x41, 0, 2, 1, 98, 1, 0, 1, 98, 1, 0], "values out of order"),
            ([0x41, 0, 1, 1, 0xff, 1, 0], "value is no text"), ([0x41, 0, 1, 1, 0, 1, 0], "value is no text"),
            ([0x41, 1, 1, 1, 2, 1, 0], "value is no boolean"), ([0x41, 2, 1, 2, 0, 1, 1, 0], "value is no integer"),
            ([0x41, 0x22, 1, 0, 1, 0], "value is no decimal(2)"),
            ([0x41, 0, 1, 1, 97, 1, 0x90, 0x08], "level out of range, expected at most 1039"),
            ([0x41, 0, 0x81, 0x08], "too many values, found 1025, expected at most 1024"),
            ([0x41, 0, 0x80, 0], "number with a superfluous byte"),
            ([0x42, 0, 0x80, 0x08, 1, 0], "counts are estimated without need"),
            ([0x42, 0, 0x81, 0x08, 0, 0], "counts are estimated without need"),
        ] as [([UInt8], String)])
    func whatIsWrongWithBytesIsSaid(bytes: [UInt8], expected: String) {
        let kind = bytes.count > 1 ? ItemKind(code: bytes[1]) ?? .text : .text
        var sketch = FrequentItems(kind: kind)
        let error = #expect(throws: SketchError.self) { try ItemMaker.merge(bytes, into: &sketch) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test func valuesOfAnotherKindAreRefused() {
        var sketch = FrequentItems(kind: .decimal(scale: 2))
        let error = #expect(throws: SketchError.self) { try ItemMaker.merge([0x41, 2, 0], into: &sketch) }
        #expect(error?.description == "frequent values: found values of integer, expected decimal(2)")
    }

    /// Damaged bytes are refused, or are those of another sketch.
    @Test func whateverIsReadIsWrittenAsItWas() throws {
        var random = SeededRandom(seed: 12)
        let wholes = try [30, 3_000].map { distinct in
            ItemMaker.bytes(
                try ItemMaker.sketch(ItemMaker.zipf(2 * distinct, distinct: distinct, exponent: 0.5, &random)))
        }
        var refused = 0
        for round in 0..<2_000 {
            // Most often the small one: the other one has many bytes in which anything is a sketch.
            var bytes = wholes[round % 10 == 0 ? 1 : 0]
            let position = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
            case 2: bytes.remove(at: position)
            default: bytes.removeSubrange(position...)
            }
            var sketch = FrequentItems(kind: .text)
            do {
                try ItemMaker.merge(bytes, into: &sketch)
                #expect(ItemMaker.bytes(sketch) == bytes, "seed 12, round \(round)")
            } catch is SketchError {
                refused += 1
            }
        }
        #expect(refused > 800)
    }

    /// Vectors: where the counters of a value are must never change.
    @Test func theFormIsWhatItIs() throws {
        let small = try ItemMaker.sketch([
            LeveledItem(bytes: Array("b".utf8), level: 2), LeveledItem(bytes: Array("a".utf8), level: 200),
            LeveledItem(bytes: Array("b".utf8), level: 17),
        ])
        #expect(ItemMaker.bytes(small) == [0x41, 0, 2, 1, 97, 1, 0xc8, 1, 1, 98, 2, 17])
        let cells = unsafe Array("value 12".utf8).withUnsafeBytes { unsafe CountSketch.cells(of: $0) }
        let found = (0..<5).map { (cells.isNegative($0) ? "-" : "+") + "\(cells.index($0) - 256 * $0)" }
        #expect(found == CellVectors.valueTwelve)
        #expect(SampleLevel.of(partition: 1, offset: 2, within: 3) == CellVectors.level)
    }
}

/// Computed by another program when the format was made.
private enum CellVectors {
    static let valueTwelve = ["-199", "+218", "-108", "-223", "+170"]
    static let level = 5
}
