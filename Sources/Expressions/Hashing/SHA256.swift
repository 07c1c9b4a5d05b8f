/// SHA-256 (FIPS 180-4).
struct SHA256: BlockHash {
    static var isBigEndian: Bool { true }
    static var digestBytes: Int { 32 }

    private var state: InlineArray<8, UInt32> = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]

    private static let constants: InlineArray<64, UInt32> = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]

    mutating func step(_ block: InlineArray<16, UInt32>) {
        var words = block
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for round in 0..<64 {
            if round >= 16 {
                let (x, y) = (words[(round + 1) & 15], words[(round + 14) & 15])
                let s0 = Self.rotate(x, 7) ^ Self.rotate(x, 18) ^ x >> 3
                let s1 = Self.rotate(y, 17) ^ Self.rotate(y, 19) ^ y >> 10
                words[round & 15] = words[round & 15] &+ s0 &+ words[(round + 9) & 15] &+ s1
            }
            let s1 = Self.rotate(e, 6) ^ Self.rotate(e, 11) ^ Self.rotate(e, 25)
            let t1 = h &+ s1 &+ (e & f ^ ~e & g) &+ Self.constants[round] &+ words[round & 15]
            let s0 = Self.rotate(a, 2) ^ Self.rotate(a, 13) ^ Self.rotate(a, 22)
            let t2 = s0 &+ (a & b ^ a & c ^ b & c)
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
        }
        state[0] &+= a
        state[1] &+= b
        state[2] &+= c
        state[3] &+= d
        state[4] &+= e
        state[5] &+= f
        state[6] &+= g
        state[7] &+= h
    }

    func digest(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: state[index >> 2] >> UInt32((3 - index & 3) * 8)) }

    @inline(__always)
    private static func rotate(_ value: UInt32, _ bits: UInt32) -> UInt32 { value >> bits | value << (32 - bits) }
}

/// HMAC (RFC 2104) with SHA-256, for one key: the state behind the key's blocks is kept.
struct KeyedHash: Sendable {
    private let inner: [UInt8]
    private let outer: [UInt8]

    init(key: [UInt8]) {
        var block = key
        if key.count > 64 {
            var feeder = HashFeeder<SHA256>()
            for byte in key { feeder.append(byte) }
            feeder.finish()
            block = (0..<32).map { feeder.hash.digest($0) }
        }
        block += [UInt8](repeating: 0, count: 64 - block.count)
        inner = block.map { $0 ^ 0x36 }
        outer = block.map { $0 ^ 0x5c }
    }

    /// Writes the hash of a text in base 16.
    func write(_ text: TextView, _ out: inout TextWriter) {
        var first = HashFeeder<SHA256>()
        for byte in inner { first.append(byte) }
        first.append(text)
        first.finish()
        var second = HashFeeder<SHA256>()
        for byte in outer { second.append(byte) }
        for index in 0..<32 { second.append(first.hash.digest(index)) }
        second.finish()
        second.writeHex(&out)
    }
}

extension String {
    /// The SHA-256 of the UTF-8 in base 16: stands for a text that nobody may read, since it holds a secret.
    package var fingerprint: String {
        var feeder = HashFeeder<SHA256>()
        for byte in utf8 { feeder.append(byte) }
        feeder.finish()
        return (0..<SHA256.digestBytes).map { index in
            let byte = feeder.hash.digest(index)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
