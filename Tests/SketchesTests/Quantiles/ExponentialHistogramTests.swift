import Foundation
import Platform
import Testing

@testable import Sketches

@Suite struct ExponentialHistogramTests {
    static let quantiles = [0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1]

    @Test(.enabled(if: QuantileVectors.histogram != nil, "needs ../shared/data/sketch_vectors.json"))
    func agreesWithTheSharedSketch() throws {
        let vector = try #require(QuantileVectors.histogram).sketch_vector
        var sketch = ExponentialHistogram(kind: .double)
        for value in vector.values { sketch.insert(Double(value)) }
        let found = zip(sketch.buckets.keys, sketch.buckets.counts).map { ("\($0 - QuantileKey.bias)", $1) }
        #expect(Dictionary(uniqueKeysWithValues: found) == vector.buckets)
        for (q, text) in vector.quantiles {
            let unclamped = try #require(Double(text))
            let expected = min(max(unclamped, 1), 250_000)
            let value = try sketch.quantile(#require(Double(q))) ?? .nan
            // The vector raised a rounded base to the bucket's power, which is off by up to 1e-13; ours is not.
            #expect(abs(value - expected) <= 1e-13 * expected)
        }
    }

    @Test(arguments: QuantileSamples.kinds)
    func agreesWithTheDefinition(kind: QuantileValueKind) throws {
        for seed in UInt64(100)..<200 {
            var random = SeededRandom(seed: seed)
            let values = QuantileSamples.values(kind, sizeMax: 3_000, &random)
            let sketch = QuantileSamples.sketch(kind, values)
            let reference = ReferenceHistogram(kind, values)
            #expect(sketch.count == values.count)
            #expect(sketch.min == reference.values.first.map { kind.double($0) })
            #expect(sketch.max == reference.values.last.map { kind.double($0) })
            let sum = values.reduce(into: WideSum()) { $0.add(kind.units($1)) }.narrow
            let largest = values.map { kind.double($0).magnitude }.max() ?? 0
            let hasSum = kind != .double || largest == 0 || largest >= 1e-6 && largest < 0x1p127 / 1e9
            #expect(sketch.sum == (hasSum ? sum : nil), "seed \(seed)")
            if sketch.isExact {
                #expect(sketch.exact == reference.values)
            } else {
                #expect(ReferenceHistogram.buckets(of: sketch) == reference.buckets, "seed \(seed)")
                #expect(sketch.scale == 6 - reference.halvings)
            }
            for q in Self.quantiles where !values.isEmpty {
                let truth = reference.orderStatistic(q)
                let value = try #require(sketch.quantile(q))
                let bounds = try #require(sketch.quantileBounds(q))
                #expect(bounds.low <= truth && truth <= bounds.high, "seed \(seed) q \(q)")
                if sketch.isExact { #expect(value == truth && bounds == (truth, truth)) }
                if sketch.scale == 6 && truth.magnitude >= .leastNormalMagnitude {
                    #expect(abs(value - truth) <= ExponentialScale.relativeError * abs(truth), "seed \(seed) q \(q)")
                }
            }
        }
    }

    @Test(arguments: QuantileSamples.kinds)
    func bytesDoNotDependOnOrderPartsOrMergeTree(kind: QuantileValueKind) throws {
        for seed in UInt64(1_000)..<1_250 {
            var random = SeededRandom(seed: seed)
            let values = QuantileSamples.values(kind, sizeMax: seed % 10 == 0 ? 2_500 : 150, &random)
            let expected = QuantileSamples.bytes(QuantileSamples.sketch(kind, values))
            for _ in 0..<20 {
                let shuffled = values.shuffled(using: &random)
                let parts = Int.random(in: 1...16, using: &random)
                var sketches = (0..<parts).map { part in
                    QuantileSamples.sketch(
                        kind, shuffled.enumerated().filter { $0.offset % parts == part }.map(\.element))
                }
                while sketches.count > 1 {
                    let taken = sketches.remove(at: Int.random(in: 0..<sketches.count, using: &random))
                    let target = Int.random(in: 0..<sketches.count, using: &random)
                    if Bool.random(using: &random) {
                        try sketches[target].merge(taken)
                    } else {
                        let bytes = QuantileSamples.bytes(taken)
                        try unsafe bytes.withUnsafeBytes { try unsafe sketches[target].merge(encoded: $0) }
                    }
                }
                #expect(QuantileSamples.bytes(sketches[0]) == expected, "seed \(seed)")
            }
        }
    }

    @Test(arguments: QuantileSamples.kinds)
    func mergeIsCommutativeAndAssociativeWithAnIdentityAndDoubles(kind: QuantileValueKind) throws {
        for seed in UInt64(2_000)..<2_100 {
            var random = SeededRandom(seed: seed)
            let values = (0..<3).map { _ in QuantileSamples.values(kind, sizeMax: 200, &random) }
            let (a, b, c) = (
                QuantileSamples.sketch(kind, values[0]), QuantileSamples.sketch(kind, values[1]),
                QuantileSamples.sketch(kind, values[2])
            )
            let united = { (x: ExponentialHistogram, y: ExponentialHistogram) throws in
                var result = x
                try result.merge(y)
                return result
            }
            let bytes = QuantileSamples.bytes
            #expect(try bytes(united(a, b)) == bytes(united(b, a)))
            #expect(try bytes(united(united(a, b), c)) == bytes(united(a, united(b, c))))
            #expect(try bytes(united(a, ExponentialHistogram(kind: kind))) == bytes(a))
            #expect(try bytes(united(ExponentialHistogram(kind: kind), a)) == bytes(a))
            #expect(try bytes(united(a, a)) == bytes(QuantileSamples.sketch(kind, values[0] + values[0])))
        }
    }

    @Test func theScaleIsHalvedOnlyWhenTheCapIsPassed() {
        var sketch = ExponentialHistogram(kind: .double)
        for index in Int32(0)..<2_048 { sketch.insert(ExponentialScale.upperBound(index)) }
        sketch.insert(0)
        #expect(sketch.scale == 6)
        sketch.insert(-1)
        #expect(sketch.scale == 5)
        var widest = ExponentialHistogram(kind: .double)
        for index in stride(from: Int32(-65_408), through: 65_535, by: 31) {
            widest.insert(ExponentialScale.upperBound(index))
            widest.insert(-ExponentialScale.upperBound(index))
        }
        #expect(widest.scale == -1)
        #expect(widest.buckets.signedCount <= 2_048)
    }

    @Test func resetLeavesNothingBehind() {
        var random = SeededRandom(seed: 5)
        var sketch = QuantileSamples.sketch(.integer, (0..<5_000).map { _ in Int64(bitPattern: random.next()) })
        #expect(sketch.count == 5_000)
        sketch.reset()
        #expect(QuantileSamples.bytes(sketch) == [0x21, 0x00])
        sketch.insert(scaled: -3)
        #expect(QuantileSamples.bytes(sketch) == [0x22, 0x00, 0x05])
        #expect(sketch.quantile(0.5) == -3)
    }

    @Test func zeroSubnormalsAndNegativeZeroShareTheZeroBucket() {
        var sketch = ExponentialHistogram(kind: .double)
        let tiny = Double.leastNonzeroMagnitude
        for value in [0.0, -0.0, tiny, -tiny, 1] { sketch.insert(value) }
        #expect(sketch.buckets.keys == [0, QuantileKey.bias])
        #expect(sketch.buckets.counts == [4, 1])
        #expect(sketch.min == -tiny)
        #expect(sketch.quantile(0.5) == 0)
        #expect(sketch.quantileBounds(0)?.low == -tiny)
    }

    @Test func decimalsBeyondTheMantissaAreRoundedOnce() {
        let kind = QuantileValueKind.decimal(scale: 18)
        #expect(kind.double(9_007_199_254_740_993) == 9_007_199_254_740_993e-18)
        #expect(kind.double(.max) == 9.223372036854775807)
        #expect(kind.double(.min) == -9.223372036854775808)
        #expect(QuantileValueKind.decimal(scale: 2).double(1_999) == 19.99)
    }

    /// Nine places say nothing of these, and what cannot be said is not said.
    @Test func doublesThatNinePlacesDoNotReachHaveNoSum() {
        for values in [[4e-10, 4e-10], [1e30, 1], [-1e300]] {
            var sketch = ExponentialHistogram(kind: .double)
            for value in values { sketch.insert(value) }
            #expect(sketch.sum == nil)
        }
    }

    @Test func aStoredCountOrSumAtTheEndOfItsRangeIsAnErrorAndNoTrap() throws {
        // 2^63 - 1 ones: EXACT no longer, one bucket, sum 2^63 - 1.
        var bytes: [UInt8] = [0x23, 0x00, 0x00]
        bytes.appendVarint(UInt64(Int64.max))
        bytes += [0x02, 0x00]
        bytes.appendVarint(zigzag: WideSum(low: UInt128(Int64.max), high: 0))
        bytes += [0x00, 0x00, 0x00]
        bytes.appendVarint(UInt64(Int64.max - 1) << 1)
        var sketch = ExponentialHistogram(kind: .integer)
        try unsafe bytes.withUnsafeBytes { try unsafe sketch.merge(encoded: $0) }
        #expect(sketch.count == Int.max)
        for count in [1, 40] {
            var table = QuantileTable(valueKind: .integer)
            table.grow(to: 1)
            let values = [Int64](repeating: 1, count: count)
            unsafe table.insert(
                integers: values, valid: nil, rows: nil, groups: [UInt32](repeating: 0, count: count), count: count)
            let error = #expect(throws: SketchError.self) { try table.load(group: 0, into: &sketch) }
            #expect(error?.code == .outOfRange)
        }
    }

    @Test func differentKindsHaveNoUnion() {
        var sketch = ExponentialHistogram(kind: .decimal(scale: 2))
        let expected = SketchError.kinds(.decimal(scale: 2), .integer)
        #expect(throws: expected) { try sketch.merge(ExponentialHistogram(kind: .integer)) }
        let bytes: [UInt8] = [0x21, 0x00]
        #expect(throws: expected) { try unsafe bytes.withUnsafeBytes { try unsafe sketch.merge(encoded: $0) } }
    }
}
