/// Stored bytes in and out.
extension HyperLogLog {
    /// A sketch from stored bytes, with the parameters they carry.
    ///
    /// - Throws: `SketchError` when the bytes are no supported sketch; permanent.
    public init(encoded bytes: UnsafeRawBufferPointer) throws(SketchError) {
        self.init(parameters: try unsafe HyperLogLogParameters(header: bytes))
        try unsafe merge(encoded: bytes)
    }

    /// Merges a stored sketch into this one.
    ///
    /// SPARSE words that do not ascend, repeat or have no value are malformed, though the extension reads them: nothing
    /// writes such, and merging would repair in silence what somebody has damaged.
    ///
    /// - Throws: `SketchError` when the bytes are malformed or have other parameters; nothing has changed then.
    public mutating func merge(encoded bytes: UnsafeRawBufferPointer) throws(SketchError) {
        let (kind, found) = try unsafe HyperLogLogFormat.header(of: bytes)
        try Self.checkEqual(found, parameters)
        let body = unsafe UnsafeRawBufferPointer(rebasing: bytes[HyperLogLogFormat.headerBytes...])
        let items = try unsafe HyperLogLogFormat.checkBody(body, kind: kind, parameters: parameters)
        switch kind {
        case .empty:
            return
        case .explicit:
            for item in 0..<items { unsafe insert(HyperLogLogFormat.hash(in: body, at: item)) }
        case .sparse:
            enterRegisters()
            unsafe mergeSparse(body, items: items)
        case .full:
            enterRegisters()
            unsafe mergeFull(body)
        }
    }

    /// Bytes that `encode` appends.
    public var encodedSize: Int { HyperLogLogFormat.headerBytes + shape.bodyBytes }

    /// Appends the stored form, the same bytes the hll extension would hold for the same set of hashes.
    public func encode(into bytes: inout [UInt8]) {
        let (kind, bodyBytes) = shape
        let tail = parameters.headerTail
        bytes.append(0x10 | kind.rawValue)
        bytes.append(tail.0)
        bytes.append(tail.1)
        switch kind {
        case .empty: break
        case .explicit:
            for hash in hashes { unsafe withUnsafeBytes(of: hash.bigEndian) { unsafe bytes.append(contentsOf: $0) } }
        case .sparse: unsafe appendBody(bodyBytes, to: &bytes) { unsafe writeSparse(to: $0) }
        case .full: unsafe appendBody(bodyBytes, to: &bytes) { unsafe writeFull(to: $0) }
        }
    }

    /// The stored type that this set of hashes takes, and its length.
    private var shape: (kind: HyperLogLogFormat.Kind, bodyBytes: Int) {
        switch stage {
        case .empty: return (.empty, 0)
        case .explicit: return (.explicit, hashes.count * 8)
        case .registers:
            var filled = 0
            for word in occupied { filled += word.nonzeroBitCount }
            let sparseBits = filled * parameters.sparseWordBits
            if parameters.sparse, sparseBits < parameters.registerCount * parameters.registerWidth {
                return (.sparse, (sparseBits + 7) / 8)
            }
            return (.full, parameters.fullBodyBytes)
        }
    }

    private mutating func mergeSparse(_ body: UnsafeRawBufferPointer, items: Int) {
        var words = unsafe SparseWords(body, parameters)
        for _ in 0..<items {
            let (index, value) = words.next()
            raise(index, to: value)
        }
    }

    private mutating func mergeFull(_ body: UnsafeRawBufferPointer) {
        let width = parameters.registerWidth
        unsafe registers.withUnsafeMutableBytes { registers in
            unsafe occupied.withUnsafeMutableBytes { occupied in
                for block in 0..<occupied.count where block * 8 < registers.count {
                    var bits: UInt64 = 0
                    for byte in 0..<width { bits = unsafe bits << 8 | UInt64(body[block * width + byte]) }
                    let theirs = RegisterLanes.unpack(bits, width: UInt64(width))
                    let mine = unsafe registers.loadUnaligned(fromByteOffset: block * 8, as: UInt64.self)
                    let both = RegisterLanes.maximum(UInt64(littleEndian: mine), theirs)
                    unsafe registers.storeBytes(of: both.littleEndian, toByteOffset: block * 8, as: UInt64.self)
                    unsafe occupied[Self.byteOfBlock(block)] = UInt8(truncatingIfNeeded: RegisterLanes.occupied(both))
                }
            }
        }
    }

    /// Where the eight occupancy bits of a block of eight registers stand inside the array of 64-bit words.
    @inline(__always)
    static func byteOfBlock(_ block: Int) -> Int {
        #if _endian(little)
            block
        #else
            block ^ 7
        #endif
    }

    private func appendBody(
        _ count: Int, to bytes: inout [UInt8], writing write: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count))
        unsafe bytes.withUnsafeMutableBytes { unsafe write(UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
    }

    private func writeSparse(to body: UnsafeMutableRawBufferPointer) {
        let wordBits = UInt64(parameters.sparseWordBits)
        let width = UInt64(parameters.registerWidth)
        var held: UInt64 = 0
        var heldBits: UInt64 = 0
        var next = 0
        for word in occupied.indices {
            var bits = occupied[word]
            while bits != 0 {
                let index = word * 64 + bits.trailingZeroBitCount
                bits &= bits - 1
                held = held << wordBits | UInt64(index) << width | UInt64(registers[index])
                heldBits += wordBits
                while heldBits >= 8 {
                    heldBits -= 8
                    unsafe body[next] = UInt8(truncatingIfNeeded: held >> heldBits)
                    next += 1
                }
            }
        }
        if heldBits > 0 { unsafe body[next] = UInt8(truncatingIfNeeded: held << (8 - heldBits)) }
    }

    private func writeFull(to body: UnsafeMutableRawBufferPointer) {
        let width = parameters.registerWidth
        unsafe registers.withUnsafeBytes { registers in
            for block in 0..<registers.count / 8 {
                let lanes = unsafe registers.loadUnaligned(fromByteOffset: block * 8, as: UInt64.self)
                var bits = RegisterLanes.pack(UInt64(littleEndian: lanes), width: UInt64(width))
                for byte in (0..<width).reversed() {
                    unsafe body[block * width + byte] = UInt8(truncatingIfNeeded: bits)
                    bits >>= 8
                }
            }
        }
    }
}
