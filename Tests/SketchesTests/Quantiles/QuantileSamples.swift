import Foundation
import Platform

@testable import Sketches

/// Multisets that strain the sketch in different ways, as raw values of a kind.
enum QuantileSamples {
    static let kinds: [QuantileValueKind] = [.integer, .decimal(scale: 2), .decimal(scale: 18), .double]

    /// A random multiset: size, spread, sign and repetition all vary with the generator.
    static func values(_ kind: QuantileValueKind, sizeMax: Int, _ random: inout SeededRandom) -> [Int64] {
        let size = Int.random(in: 0...sizeMax, using: &random)
        let shape = Int.random(in: 0..<6, using: &random)
        return (0..<size).map { _ in
            kind == .double
                ? DoubleRule.ordered(double(shape, &random)) : integer(shape, &random)
        }
    }

    private static func integer(_ shape: Int, _ random: inout SeededRandom) -> Int64 {
        switch shape {
        case 0: Int64.random(in: 0...9, using: &random)
        case 1: Int64.random(in: 1...100_000, using: &random)
        case 2: Int64.random(in: -1_000...1_000, using: &random)
        case 3: Int64(bitPattern: random.next() >> UInt64.random(in: 0...63, using: &random))
        case 4: -(Int64.random(in: 1...1 << 40, using: &random))
        default: Int64(exp(Double.random(in: 0...20, using: &random)))
        }
    }

    private static func double(_ shape: Int, _ random: inout SeededRandom) -> Double {
        switch shape {
        case 0: return Double(Int64.random(in: 0...9, using: &random))
        case 1: return exp(Double.random(in: -3...9, using: &random))
        case 2: return Double.random(in: -1...1, using: &random)
        case 3:
            let value = Double(bitPattern: random.next())
            return value.isFinite ? value : 0
        case 4: return -exp(Double.random(in: -3...9, using: &random))
        default: return ExponentialScale.upperBound(Int32.random(in: -200...200, using: &random))
        }
    }

    /// One sketch of all values, inserted in the order given.
    static func sketch(_ kind: QuantileValueKind, _ values: some Sequence<Int64>) -> ExponentialHistogram {
        var sketch = ExponentialHistogram(kind: kind)
        for raw in values { sketch.insert(raw: raw) }
        return sketch
    }

    static func bytes(_ sketch: ExponentialHistogram) -> [UInt8] {
        var bytes: [UInt8] = []
        sketch.encode(into: &bytes)
        return bytes
    }

    /// Inserts raw values into groups of a table through its public batch functions.
    static func insert(_ values: [Int64], groups: [UInt32], into table: inout QuantileTable) {
        if table.kind == .double {
            let doubles = values.map(DoubleRule.double)
            unsafe table.insert(doubles: doubles, valid: nil, rows: nil, groups: groups, count: values.count)
        } else {
            unsafe table.insert(integers: values, valid: nil, rows: nil, groups: groups, count: values.count)
        }
    }
}
