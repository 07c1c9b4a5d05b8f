import Sketches
import Testing

@Suite struct HyperLogLogTests {
    @Test func bytesEqualThePlainReference() throws {
        var random = HashStream(seed: 11)
        for round in 0..<400 {
            let parameters = try random.parameters(log2m: 4...12)
            let hashes = random.hashes(atMost: 600)
            var reference = ReferenceHyperLogLog(parameters: parameters)
            for hash in hashes { reference.insert(hash) }
            let sketch = HyperLogLog(parameters: parameters, hashes: hashes)
            #expect(sketch.bytes == reference.encode(), "seed 11, round \(round), \(parameters)")
            #expect(sketch.encodedSize == sketch.bytes.count)
            #expect(sketch.isEmpty == hashes.isEmpty)
        }
    }

    @Test func bytesDependOnTheSetAlone() throws {
        var random = HashStream(seed: 12)
        for round in 0..<1000 {
            let parameters = try random.parameters(log2m: 4...8)
            let hashes = random.hashes(atMost: 200)
            let expected = HyperLogLog(parameters: parameters, hashes: hashes).bytes
            for _ in 0..<20 {
                let bytes = try mergedInRandomTree(hashes, parameters: parameters, random: &random)
                #expect(bytes == expected, "seed 12, round \(round), \(parameters)")
            }
        }
    }

    @Test func mergeIsCommutativeAssociativeAndIdempotent() throws {
        var random = HashStream(seed: 13)
        for round in 0..<300 {
            let parameters = try random.parameters(log2m: 4...9)
            let a = HyperLogLog(parameters: parameters, hashes: random.hashes(atMost: 300))
            let b = HyperLogLog(parameters: parameters, hashes: random.hashes(atMost: 300))
            let c = HyperLogLog(parameters: parameters, hashes: random.hashes(atMost: 300))
            let empty = HyperLogLog(parameters: parameters)
            let note: Comment = "seed 13, round \(round), \(parameters)"
            #expect(try a.merged(b).bytes == b.merged(a).bytes, note)
            #expect(try a.merged(b).merged(c).bytes == a.merged(b.merged(c)).bytes, note)
            #expect(try a.merged(a).bytes == a.bytes, note)
            #expect(try a.merged(empty).bytes == a.bytes, note)
            #expect(try empty.merged(a).bytes == a.bytes, note)
        }
    }

    @Test func resetLeavesNothingBehind() throws {
        var random = HashStream(seed: 14)
        for round in 0..<50 {
            let parameters = try random.parameters(log2m: 4...12)
            var reused = HyperLogLog(parameters: parameters)
            for _ in 0..<6 {
                let hashes = random.hashes(atMost: 3000)
                reused.reset()
                #expect(reused.isEmpty)
                #expect(reused.estimate() == 0)
                try reused.merge(decoding: HyperLogLog(parameters: parameters, hashes: hashes).bytes)
                #expect(
                    reused.bytes == HyperLogLog(parameters: parameters, hashes: hashes).bytes,
                    "seed 14, round \(round), \(parameters)")
            }
        }
    }

    @Test func encodingAppends() {
        var bytes: [UInt8] = [1, 2]
        HyperLogLog(parameters: .compact, hashes: [1 << 12 | 5]).encode(into: &bytes)
        #expect(bytes == [1, 2, 0x13, 0x8c, 0x40, 0x00, 0x50, 0x80])
    }

    @Test func differentParametersAreNotMerged() throws {
        let pairs = [
            (try HyperLogLogParameters(log2m: 11, explicitThreshold: 8), "log2m"),
            (try HyperLogLogParameters(log2m: 12, registerWidth: 4, explicitThreshold: 8), "regwidth"),
            (.compact, "expthresh"),
            (try HyperLogLogParameters(log2m: 12, explicitThreshold: 8, sparse: false), "sparseon"),
        ]
        for (parameters, name) in pairs {
            var sketch = HyperLogLog(parameters: .standard, hashes: [1, 2, 3])
            let before = sketch.bytes
            let other = HyperLogLog(parameters: parameters, hashes: [4])
            let first = #expect(throws: SketchError.self) { try sketch.merge(other) }
            let second = #expect(throws: SketchError.self) { try sketch.merge(decoding: other.bytes) }
            #expect(first?.code == .parameterMismatch && second?.code == .parameterMismatch)
            #expect(first?.description.contains(name) == true)
            #expect(first?.description.contains(parameters.description) == true)
            #expect(sketch.bytes == before)
        }
    }

    /// Splits the multiset into 1...16 parts in random order and merges the parts' sketches, as bytes or as values, in
    /// a random tree.
    private func mergedInRandomTree(
        _ hashes: [UInt64], parameters: HyperLogLogParameters, random: inout HashStream
    ) throws -> [UInt8] {
        let parts = Int.random(in: 1...16, using: &random)
        var sketches = Array(repeating: HyperLogLog(parameters: parameters), count: parts)
        for hash in hashes.shuffled(using: &random) {
            sketches[Int.random(in: 0..<parts, using: &random)].insert(hash)
        }
        while sketches.count > 1 {
            let other = sketches.remove(at: Int.random(in: 0..<sketches.count, using: &random))
            let target = Int.random(in: 0..<sketches.count, using: &random)
            if Bool.random(using: &random) {
                try sketches[target].merge(other)
            } else {
                try sketches[target].merge(decoding: other.bytes)
            }
        }
        return sketches[0].bytes
    }
}

extension HyperLogLog {
    fileprivate func merged(_ other: HyperLogLog) throws -> HyperLogLog {
        var result = self
        try result.merge(other)
        return result
    }
}
