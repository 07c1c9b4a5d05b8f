@testable import Sketches

/// The definition, computed from the sorted multiset with no cleverness and no code of the sketch but its constants.
struct ReferenceHistogram {
    let kind: QuantileValueKind
    let values: [Int64]
    private(set) var halvings = 0
    /// Signed bucket -> count; bucket identity is (sign, index).
    private(set) var buckets: [Bucket: UInt64] = [:]

    struct Bucket: Hashable {
        var sign: Int
        var index: Int
    }

    init(_ kind: QuantileValueKind, _ values: [Int64]) {
        self.kind = kind
        self.values = values.sorted()
        for raw in values { buckets[Self.bucket(kind.double(raw)), default: 0] += 1 }
        while buckets.keys.filter({ $0.sign != 0 }).count > 2_048 {
            halvings += 1
            var halved: [Bucket: UInt64] = [:]
            for (bucket, count) in buckets {
                let index = bucket.index >= 0 ? (bucket.index + 1) / 2 : -(-bucket.index / 2)
                halved[Bucket(sign: bucket.sign, index: index), default: 0] += count
            }
            buckets = halved
        }
    }

    /// Linear search over the mantissa boundaries.
    static func bucket(_ value: Double) -> Bucket {
        if value.magnitude < .leastNormalMagnitude { return Bucket(sign: 0, index: 0) }
        let mantissa = value.magnitude.significandBitPattern | 1 << 52
        let position = ExponentialScale.boundaries.firstIndex { mantissa <= $0 } ?? 64
        return Bucket(sign: value < 0 ? -1 : 1, index: 64 * Int(value.exponent) + position)
    }

    func orderStatistic(_ q: Double) -> Double {
        kind.double(values[Int((q * Double(values.count - 1)).rounded(.down))])
    }

    /// The buckets of a sketch in the same terms.
    static func buckets(of sketch: ExponentialHistogram) -> [Bucket: UInt64] {
        var result: [Bucket: UInt64] = [:]
        for (key, count) in zip(sketch.buckets.keys, sketch.buckets.counts) {
            result[Bucket(sign: key.signum().asInt, index: key == 0 ? 0 : Int(abs(key) - QuantileKey.bias))] = count
        }
        return result
    }
}

extension Int32 {
    fileprivate var asInt: Int { Int(self) }
}
