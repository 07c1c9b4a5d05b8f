/// A hash that works through blocks of 64 bytes: MD5 and SHA-256 differ in the step only.
protocol BlockHash: SendableMetatype {
    /// Whether numbers of bytes stand with the highest byte first.
    static var isBigEndian: Bool { get }
    static var digestBytes: Int { get }
    init()
    mutating func step(_ block: InlineArray<16, UInt32>)
    /// The digest's byte at `index`.
    func digest(_ index: Int) -> UInt8
}

/// Feeds a hash: collects bytes into blocks, and ends them with padding.
struct HashFeeder<Hash: BlockHash> {
    private(set) var hash = Hash()
    private var block = InlineArray<16, UInt32>(repeating: 0)
    private var count: UInt64 = 0

    mutating func append(_ byte: UInt8) {
        let place = Int(count & 63)
        let shift = UInt32(Hash.isBigEndian ? 3 - place & 3 : place & 3) * 8
        if place & 3 == 0 { block[place >> 2] = 0 }
        block[place >> 2] |= UInt32(byte) << shift
        count &+= 1
        if place == 63 { hash.step(block) }
    }

    mutating func append(_ text: TextView) {
        for index in 0..<text.count { append(text[index]) }
    }

    /// The end of the input; `hash` is the result.
    mutating func finish() {
        let bits = count &* 8
        append(0x80)
        while count & 63 != 56 { append(0) }
        for index in 0..<8 as Range<UInt64> {
            append(UInt8(truncatingIfNeeded: bits >> ((Hash.isBigEndian ? 7 - index : index) * 8)))
        }
    }

    /// Writes the digest in base 16.
    func writeHex(_ out: inout TextWriter) {
        for index in 0..<Hash.digestBytes {
            let byte = hash.digest(index)
            out.append(FunctionCatalog.hexDigit(byte >> 4))
            out.append(FunctionCatalog.hexDigit(byte & 15))
        }
    }
}
