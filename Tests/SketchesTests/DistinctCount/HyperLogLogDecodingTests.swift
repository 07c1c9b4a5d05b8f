import Sketches
import Testing

@Suite struct HyperLogLogDecodingTests {
    @Test(arguments: [
        ("", SketchError.Code.malformedBytes),
        ("11", .malformedBytes),
        ("118c", .malformedBytes),
        ("218c44", .unsupportedFormat),
        ("018c44", .unsupportedFormat),
        ("108c44", .unsupportedFormat),
        ("158c44", .unsupportedFormat),
        ("118344", .unsupportedFormat),
        ("119244", .unsupportedFormat),
        ("11ec44", .unsupportedFormat),
        ("114c44", .unsupportedFormat),
        ("118cc4", .malformedBytes),
        ("118c4f", .malformedBytes),
        ("118c4400", .malformedBytes),
        ("128c4400000000000000", .malformedBytes),
        ("128c4400000000000000010000000000000001", .malformedBytes),
        ("128c4400000000000000020000000000000001", .malformedBytes),
        ("128c440000000000000001ffffffffffffffff", .malformedBytes),
        ("128c400000000000000001", .malformedBytes),
        ("138c4000", .malformedBytes),
        ("138c40000000000000", .malformedBytes),
        ("148c40", .malformedBytes),
        ("148c400000", .malformedBytes),
    ])
    func malformedBytesAreRefused(hex: String, code: SketchError.Code) {
        let error = #expect(throws: SketchError.self) { try HyperLogLog(decoding: [UInt8](hex: hex)) }
        #expect(error?.code == code, "\(hex)")
        #expect(error?.description.contains("stored sketch: ") == true)
    }

    /// The extension reads such; here they are an error, as in SQL, and never put right in silence.
    @Test(arguments: [
        "13ab40896980b180", "138c443d5132f05bec534229e2153786bc456640bfa173187f5440", "138c40005081",
        "138c4000500028", "138c40005000285080",
    ])
    func sparseWordsThatDoNotAscendAreRefused(hex: String) throws {
        #expect(try !HyperLogLog(decoding: [UInt8](hex: "13ab40016344b4c0")).isEmpty)
        let error = #expect(throws: SketchError.self) { try HyperLogLog(decoding: [UInt8](hex: hex)) }
        #expect(error?.code == .malformedBytes)
    }

    @Test func registersThatAreAllFullHaveAFiniteEstimate() throws {
        for parameters in [HyperLogLogParameters.standard, .compact, .precise] {
            let header = HyperLogLog(parameters: parameters).bytes
            let bytes =
                [0x14] + header[1...]
                + [UInt8](repeating: 0xff, count: parameters.registerCount * parameters.registerWidth / 8)
            let sketch = try HyperLogLog(decoding: Array(bytes))
            #expect(sketch.estimate().isFinite && sketch.estimate() > 1e12)
            var table = DistinctCountTable(parameters: parameters)
            table.grow(to: 1)
            // Every register's largest value: one hash with the index in its low bits and nothing between.
            for index in 0..<UInt64(parameters.registerCount) { table.insert(hash: index | 1 << 63, group: 0) }
            #expect(table.estimate(group: 0) == sketch.estimate())
        }
    }

    @Test func aValueWithoutTraceIsOneValue() {
        var sketch = HyperLogLog(parameters: .compact)
        #expect(sketch.estimate() == 0)
        sketch.insert(0)
        #expect(sketch.estimate() == 1)
        var table = DistinctCountTable(parameters: .compact)
        table.grow(to: 2)
        table.insert(hash: 0, group: 1)
        #expect(table.estimate(group: 0) == 0 && table.estimate(group: 1) == 1)
    }

    @Test func aSketchOfAnotherKindSaysSo() {
        let error = #expect(throws: SketchError.self) { try HyperLogLog(decoding: [0x21, 0x00, 0x00]) }
        #expect(error?.description.contains("this is a sketch of percentiles()") == true)
    }

    @Test func anErrorLeavesTheSketchAsItWas() throws {
        var sketch = HyperLogLog(parameters: .standard, hashes: (0..<100).map { MurmurHash3.hash($0) })
        let before = sketch.bytes
        for hex in ["148c4400", "128c440000000000000001ffffffffffffffff", "138c4400", "118b44"] {
            #expect(throws: SketchError.self) { try sketch.merge(decoding: [UInt8](hex: hex)) }
            #expect(sketch.bytes == before)
        }
    }

    @Test func everyTruncationOfASizedBodyIsRefused() throws {
        for size: Int64 in [5, 2000] {
            let bytes = HyperLogLog(parameters: .standard, hashes: (0..<size).map { MurmurHash3.hash($0) }).bytes
            for length in 0..<bytes.count where (length - 3) % 8 != 0 || bytes[0] != 0x12 {
                #expect(throws: SketchError.self) { try HyperLogLog(decoding: Array(bytes[..<length])) }
            }
            #expect(throws: SketchError.self) { try HyperLogLog(decoding: bytes + [0]) }
        }
    }

    /// Whatever is read without an error is a sketch that encodes, reads back and estimates.
    @Test func damagedBytesNeverCrash() throws {
        var random = HashStream(seed: 21)
        var refused = 0
        for round in 0..<6000 {
            let parameters = try random.parameters(log2m: 4...9)
            var bytes = HyperLogLog(parameters: parameters, hashes: random.hashes(atMost: 500)).bytes
            switch round % 4 {
            case 0: bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            case 1: bytes += (0..<Int.random(in: 1...40, using: &random)).map { _ in random.byte() }
            case 2: bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in random.byte() }
            default: break
            }
            for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
                let place = Bool.random(using: &random) ? bytes.count : min(3, bytes.count)
                bytes[Int.random(in: 0..<place, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            do {
                let sketch = try HyperLogLog(decoding: bytes)
                #expect(try HyperLogLog(decoding: sketch.bytes).bytes == sketch.bytes, "seed 21, round \(round)")
                #expect(sketch.estimate() >= 0, "seed 21, round \(round)")
            } catch is SketchError {
                refused += 1
            }
        }
        #expect(refused > 1000)
    }
}

extension HashStream {
    fileprivate mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
}
