import Sketches
import Testing

@Suite struct MurmurHash3Tests {
    @Test(.enabled(if: DistinctCountVectors.shared != nil, "needs ../shared/data/sketch_vectors.json"))
    func equalsTheExtensionsFunctions() throws {
        let vectors = try #require(DistinctCountVectors.shared).hashes
        #expect(vectors.count == 15)
        for vector in vectors {
            let bytes = [UInt8](hex: vector.bytes)
            let expected = try #require(Int64(vector.hash))
            #expect(hash(bytes) == UInt64(bitPattern: expected), "\(vector.function) of \(vector.value)")
            if vector.function == "hll_hash_bigint" {
                let value = try #require(Int64(vector.value))
                #expect(MurmurHash3.hash(value) == UInt64(bitPattern: expected), "hll_hash_bigint(\(vector.value))")
            }
        }
    }

    @Test func everyLengthEqualsTheByteByByteForm() {
        var random = HashStream(seed: 1)
        for length in 0...100 {
            for _ in 0..<5 {
                let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                #expect(hash(bytes) == plain(bytes), "length \(length), seed 1")
            }
        }
    }

    @Test func integersHashAsTheirLittleEndianBytes() {
        var random = HashStream(seed: 2)
        for _ in 0..<1000 {
            let value = Int64(bitPattern: random.next()) >> Int64.random(in: 0...63, using: &random)
            let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            #expect(MurmurHash3.hash(value) == plain(bytes), "\(value), seed 2")
        }
    }

    @Test func columnsHashRowByRow() {
        let words = ["", "a", "hello", "user-12345", "0123456789abcdef", "The quick brown fox jumps over the lazy dog"]
        var text: [UInt8] = []
        var slices: [UInt32] = []
        for word in words {
            slices += [UInt32(text.count), UInt32(word.utf8.count)]
            text += Array(word.utf8)
        }
        var hashes = [UInt64](repeating: 1, count: words.count)
        unsafe text.withUnsafeBytes { text in
            unsafe slices.withUnsafeBytes { slices in
                unsafe hashes.withUnsafeMutableBufferPointer { hashes in
                    unsafe MurmurHash3.hashText(
                        base: text.baseAddress!, slices: slices.baseAddress!, count: words.count,
                        into: hashes.baseAddress!)
                }
            }
        }
        #expect(hashes == words.map { hash(Array($0.utf8)) })

        let integers: [Int64] = [0, 1, -1, .min, .max, 1_234_567_890_123]
        var integerHashes = [UInt64](repeating: 1, count: integers.count)
        unsafe integers.withUnsafeBufferPointer { integers in
            unsafe integerHashes.withUnsafeMutableBufferPointer { hashes in
                unsafe MurmurHash3.hashIntegers(
                    integers.baseAddress!, count: integers.count, into: hashes.baseAddress!)
            }
        }
        #expect(integerHashes == integers.map { MurmurHash3.hash($0) })
    }

    private func hash(_ bytes: [UInt8]) -> UInt64 {
        unsafe bytes.withUnsafeBytes { unsafe MurmurHash3.hash($0) }
    }

    /// The published algorithm with its fall-through tail.
    private func plain(_ bytes: [UInt8]) -> UInt64 {
        let c1: UInt64 = 0x87c3_7b91_1142_53d5
        let c2: UInt64 = 0x4cf5_ad43_2745_937f
        func rotate(_ x: UInt64, _ n: UInt64) -> UInt64 { x << n | x >> (64 - n) }
        func mix(_ x: UInt64) -> UInt64 {
            var k = (x ^ x >> 33) &* 0xff51_afd7_ed55_8ccd
            k = (k ^ k >> 33) &* 0xc4ce_b9fe_1a85_ec53
            return k ^ k >> 33
        }
        func word(_ range: Range<Int>) -> UInt64 { range.reversed().reduce(0) { $0 << 8 | UInt64(bytes[$1]) } }
        var h1: UInt64 = 0
        var h2: UInt64 = 0
        let blocks = bytes.count / 16
        for block in 0..<blocks {
            h1 ^= rotate(word(block * 16..<block * 16 + 8) &* c1, 31) &* c2
            h1 = (rotate(h1, 27) &+ h2) &* 5 &+ 0x52dc_e729
            h2 ^= rotate(word(block * 16 + 8..<block * 16 + 16) &* c2, 33) &* c1
            h2 = (rotate(h2, 31) &+ h1) &* 5 &+ 0x3849_5ab5
        }
        let tail = blocks * 16
        if bytes.count > tail + 8 { h2 ^= rotate(word(tail + 8..<bytes.count) &* c2, 33) &* c1 }
        if bytes.count > tail { h1 ^= rotate(word(tail..<min(bytes.count, tail + 8)) &* c1, 31) &* c2 }
        h1 ^= UInt64(bytes.count)
        h2 ^= UInt64(bytes.count)
        h1 &+= h2
        h2 &+= h1
        return mix(h1) &+ mix(h2)
    }
}
