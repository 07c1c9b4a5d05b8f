import Foundation
import Platform
import Testing

@testable import Sketches

@Suite struct QuantileBytesTests {
    @Test(arguments: QuantileSamples.kinds)
    func decodingGivesBackTheSketch(kind: QuantileValueKind) throws {
        for seed in UInt64(5_000)..<5_150 {
            var random = SeededRandom(seed: seed)
            let values = QuantileSamples.values(kind, sizeMax: seed % 10 == 0 ? 3_000 : 200, &random)
            let bytes = QuantileSamples.bytes(QuantileSamples.sketch(kind, values))
            #expect(try QuantileSamples.bytes(Self.decode(kind, bytes)) == bytes, "seed \(seed)")
        }
    }

    @Test func theLayoutIsAsDocumented() {
        var sketch = ExponentialHistogram(kind: .decimal(scale: 2))
        for value in [Int64(300), -5, 0] { sketch.insert(scaled: value) }
        // EXACT, decimal with 2 places, zigzag(-5), +5, +300
        #expect(QuantileSamples.bytes(sketch) == [0x22, 0x22, 0x09, 0x05, 0xac, 0x02])
        var doubles = ExponentialHistogram(kind: .double)
        for value in [-1.0, 0, 1, 2, 2] { doubles.insert(value) }
        let expected: [UInt8] =
            [0x23, 0x49, 0x00, 0x05]  // BUCKETS, double with 9 places, scale 6, 5 values
            + [0xbf, 0xf0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]  // -1 and 2
        let bytes = QuantileSamples.bytes(doubles)
        #expect(Array(bytes.prefix(20)) == Array(expected.prefix(20)))
        // The sum is 4 * 10^9 units, zigzag 8 * 10^9; one zero; one negative bucket at 0; then 0 and 64.
        #expect(Array(bytes[20...]) == [0x80, 0xa0, 0xd9, 0xe6, 0x1d, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x03, 0x3e])
    }

    @Test(arguments: QuantileSamples.kinds)
    func everyTruncationIsAnError(kind: QuantileValueKind) throws {
        for bytes in Self.examples(kind) where bytes.count > 2 {
            for length in 0..<bytes.count {
                // A cut list of values, or a cut run of buckets without its count, must not pass for a shorter one.
                let prefix = Array(bytes.prefix(length))
                if let sketch = try? Self.decode(kind, prefix) {
                    #expect(sketch.isExact && QuantileSamples.bytes(sketch) == prefix)
                }
            }
        }
    }

    @Test(arguments: QuantileSamples.kinds)
    func damagedBytesAreRefusedOrCanonical(kind: QuantileValueKind) throws {
        var random = SeededRandom(seed: 77)
        for bytes in Self.examples(kind) {
            for _ in 0..<4_000 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let position = Int.random(in: 0..<damaged.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: damaged[position] ^= 1 << UInt8.random(in: 0...7, using: &random)
                    case 1: damaged[position] = UInt8.random(in: 0...255, using: &random)
                    case 2: damaged.insert(UInt8.random(in: 0...255, using: &random), at: position)
                    default: if damaged.count > 1 { damaged.remove(at: position) }
                    }
                }
                do throws(SketchError) {
                    let sketch = try Self.decode(kind, damaged)
                    #expect(QuantileSamples.bytes(sketch) == damaged, "\(damaged)")
                    _ = sketch.quantile(0.5)
                } catch {
                    #expect(!error.description.isEmpty)
                }
            }
        }
    }

    @Test func noiseAndHostileNumbersNeverCrash() {
        var random = SeededRandom(seed: 78)
        for _ in 0..<50_000 {
            var bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if bytes.count > 2 {
                bytes[0] = UInt8.random(in: 0x20...0x24, using: &random)
                bytes[1] = [0x00, 0x22, 0x49].randomElement(using: &random) ?? 0
            }
            for kind in QuantileSamples.kinds { _ = try? Self.decode(kind, bytes) }
        }
        let huge = [UInt8](repeating: 0xff, count: 100_000)
        for head in [[0x22, 0x00], [0x22, 0x49], [0x23, 0x00], [0x23, 0x49, 0x00]] as [[UInt8]] {
            #expect(throws: SketchError.self) { try Self.decode(head[1] == 0 ? .integer : .double, head + huge) }
        }
    }

    @Test func aFailedMergeLeavesTheSketchAsItWas() throws {
        var sketch = QuantileSamples.sketch(.integer, 0..<100)
        let before = QuantileSamples.bytes(sketch)
        var bad = QuantileSamples.bytes(QuantileSamples.sketch(.integer, 50..<300))
        bad[bad.count - 1] ^= 0x02
        #expect(throws: SketchError.self) {
            try unsafe bad.withUnsafeBytes { try unsafe sketch.merge(encoded: $0) }
        }
        #expect(QuantileSamples.bytes(sketch) == before)
    }

    @Test func reachesTheSizesOfTheDesign() {
        var random = SeededRandom(seed: 4)
        for (count, target) in [(100, 200), (1_000, 850), (10_000, 1_350), (1_000_000, 2_500)] {
            var table = QuantileTable(valueKind: .double)
            table.grow(to: 1)
            let values = (0..<count).map { _ in Self.lognormal(&random) }
            unsafe table.insert(
                doubles: values, valid: nil, rows: nil, groups: [UInt32](repeating: 0, count: count), count: count)
            var bytes: [UInt8] = []
            table.encode(group: 0, into: &bytes)
            #expect(bytes.count <= target, "n = \(count)")
        }
    }

    private static func lognormal(_ random: inout SeededRandom) -> Double {
        let u = Double.random(in: .leastNormalMagnitude...1, using: &random)
        let v = Double.random(in: 0...1, using: &random)
        return 100 * exp((-2 * log(u)).squareRoot() * cos(2 * .pi * v))
    }

    private static func decode(_ kind: QuantileValueKind, _ bytes: [UInt8]) throws(SketchError) -> ExponentialHistogram
    {
        var sketch = ExponentialHistogram(kind: kind)
        try unsafe bytes.span.bytes.withUnsafeBytes { raw throws(SketchError) in try unsafe sketch.merge(encoded: raw) }
        return sketch
    }

    private static func examples(_ kind: QuantileValueKind) -> [[UInt8]] {
        (UInt64(6_000)..<6_012).map { seed in
            var random = SeededRandom(seed: seed)
            return QuantileSamples.bytes(
                QuantileSamples.sketch(kind, QuantileSamples.values(kind, sizeMax: seed % 2 == 0 ? 10 : 120, &random)))
        }
    }
}
