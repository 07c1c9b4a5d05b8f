import Sketches
import Testing

@Suite(.enabled(if: DistinctCountVectors.shared != nil, "needs ../shared/data/sketch_vectors.json"))
struct HyperLogLogVectorTests {
    private static let values = DistinctCountVectors.shared?.values ?? []

    @Test func allThirtyAreThere() {
        #expect(Self.values.count == 30)
    }

    @Test(arguments: values)
    func decodingAndEncodingKeepsEveryByte(_ vector: DistinctCountVectors.Value) throws {
        let bytes = [UInt8](hex: vector.hex)
        let sketch = try HyperLogLog(decoding: bytes)
        #expect(sketch.bytes == bytes)
        #expect(bytes.count == vector.bytes)
        #expect(sketch.encodedSize == bytes.count)
        #expect(sketch.parameters.log2m == vector.log2m)
        #expect(sketch.parameters.registerWidth == vector.regwidth)
        #expect(sketch.parameters.explicitThreshold == vector.expthresh)
        #expect(sketch.parameters.sparse == (vector.sparseon == 1))
    }

    /// What is shown for a vector: of a sketch that is not EMPTY at least 1, also where the only hash left no trace.
    private static func shown(_ vector: DistinctCountVectors.Value) -> Double? {
        let isEmpty = [UInt8](hex: vector.hex).first.map { $0 & 15 == 1 } ?? true
        return Double(vector.estimate).map { isEmpty ? $0 : max(1, $0) }
    }

    @Test(arguments: values)
    func estimateIsBitIdentical(_ vector: DistinctCountVectors.Value) throws {
        let estimate = try HyperLogLog(decoding: [UInt8](hex: vector.hex)).estimate()
        #expect(estimate == Self.shown(vector))
    }

    @Test(arguments: values)
    func hashesGiveTheBytes(_ vector: DistinctCountVectors.Value) throws {
        guard let hashes = try hashes(of: vector) else { return }
        let expected = [UInt8](hex: vector.hex)
        let parameters = try HyperLogLog(decoding: expected).parameters
        #expect(HyperLogLog(parameters: parameters, hashes: hashes).bytes == expected)
        guard parameters.registerWidth < 6 else { return }
        var table = DistinctCountTable(parameters: parameters)
        table.grow(to: 1)
        for hash in hashes { table.insert(hash: hash, group: 0) }
        #expect(table.bytes(0) == expected)
        #expect(table.estimate(group: 0) == Self.shown(vector))
    }

    @Test(arguments: values.filter { $0.left != nil })
    func unionsGiveTheBytes(_ vector: DistinctCountVectors.Value) throws {
        let left = [UInt8](hex: try #require(vector.left))
        let right = [UInt8](hex: try #require(vector.right))
        for (first, second) in [(left, right), (right, left)] {
            var sketch = try HyperLogLog(decoding: first)
            try sketch.merge(decoding: second)
            #expect(sketch.bytes == [UInt8](hex: vector.hex))
            var merged = try HyperLogLog(decoding: first)
            try merged.merge(HyperLogLog(decoding: second))
            #expect(merged.bytes == [UInt8](hex: vector.hex))
        }
    }

    /// Given hashes, or `hll_hash_bigint(1..n)`.
    private func hashes(of vector: DistinctCountVectors.Value) throws -> [UInt64]? {
        if let hashes = vector.hashes {
            return try hashes.map { UInt64(bitPattern: try #require(Int64($0))) }
        }
        guard let inputs = vector.inputs else { return nil }
        let digits = inputs.split(separator: "..").last?.prefix { $0.isNumber }
        let last = try #require(digits.flatMap { Int64($0) })
        return (1...last).map { MurmurHash3.hash($0) }
    }
}
