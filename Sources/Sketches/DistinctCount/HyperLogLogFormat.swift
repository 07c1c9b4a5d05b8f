/// The bytes of a stored sketch: postgresql-hll's storage specification v1, canonical.
///
/// ```
/// byte 0      1 T     T = type: 1 empty, 2 explicit, 3 sparse, 4 full; high nibble = schema version 1
/// byte 1      www lllll   w = register width - 1, l = log2m
/// byte 2      0 s tttttt  s = sparse words allowed, t = exact threshold: 63 automatic, 0 none, k = 2^(k-1)
/// explicit    hashes, 8 bytes big-endian each, ascending as signed integers, no duplicates
/// sparse      words `index << width | value` of log2m + width bits, ascending, most significant bit first,
///             zero bits up to the last byte
/// full        2^log2m registers of `width` bits in index order, most significant bit first
/// ```
/// Which of the four a multiset takes is a function of the multiset: no value: empty; up to the threshold: explicit;
/// then sparse while `filled * (log2m + width) < 2^log2m * width`, else full.
enum HyperLogLogFormat {
    static let headerBytes = 3

    enum Kind: UInt8 {
        case empty = 1
        case explicit = 2
        case sparse = 3
        case full = 4
    }

    /// Reads the header.
    static func header(
        of bytes: UnsafeRawBufferPointer
    ) throws(SketchError) -> (kind: Kind, parameters: HyperLogLogParameters) {
        if let other = unsafe SketchKind(bytes), other != .uniques { throw other.error(reading: .uniques) }
        guard bytes.count >= headerBytes else {
            throw .init(
                .malformedBytes, "stored sketch: cut short, found \(bytes.count) bytes, expected at least 3")
        }
        let (versionAndKind, sizes, cutoffs) = unsafe (bytes[0], bytes[1], bytes[2])
        guard versionAndKind >> 4 == 1 else {
            throw .init(
                .unsupportedFormat, "stored sketch: unknown schema version, found \(versionAndKind >> 4), expected 1")
        }
        guard let kind = Kind(rawValue: versionAndKind & 15) else {
            throw .init(
                .unsupportedFormat, "stored sketch: unknown type, found \(versionAndKind & 15), expected 1 to 4")
        }
        return (kind, try parameters(sizes: sizes, cutoffs: cutoffs))
    }

    private static func parameters(sizes: UInt8, cutoffs: UInt8) throws(SketchError) -> HyperLogLogParameters {
        let log2m = Int(sizes & 31)
        let registerWidth = Int(sizes >> 5) + 1
        let thresholdCode = Int(cutoffs & 63)
        guard (4...17).contains(log2m), (4...6).contains(registerWidth) else {
            throw .init(
                .unsupportedFormat,
                "stored sketch: parameters not supported, found log2m \(log2m) and register width \(registerWidth), "
                    + "expected log2m 4 to 17 and register width 4 to 6")
        }
        guard cutoffs & 0x80 == 0, thresholdCode <= 14 || thresholdCode == 63 else {
            throw .init(
                .malformedBytes,
                "stored sketch: cut-off byte not usable, found \(cutoffs), expected bit 7 clear and a threshold "
                    + "code of 0 to 14 or 63")
        }
        let threshold =
            switch thresholdCode {
            case 63: HyperLogLogParameters.automaticThreshold
            case 0: 0
            default: 1 << (thresholdCode - 1)
            }
        return HyperLogLogParameters(
            uncheckedLog2m: log2m, registerWidth: registerWidth, explicitThreshold: threshold,
            sparse: cutoffs & 0x40 != 0)
    }

    /// Checks that a body is one that an encoder writes, registers of a FULL one apart; returns the number of items.
    static func checkBody(
        _ body: UnsafeRawBufferPointer, kind: Kind, parameters: HyperLogLogParameters
    ) throws(SketchError) -> Int {
        switch kind {
        case .empty:
            guard unsafe body.isEmpty else {
                throw .init(.malformedBytes, "stored sketch: empty type with a body, found \(body.count) bytes")
            }
            return 0
        case .explicit:
            return try unsafe checkExplicit(body, limit: parameters.explicitLimit)
        case .sparse:
            return try unsafe checkSparse(body, parameters)
        case .full:
            guard body.count == parameters.fullBodyBytes else {
                throw .init(
                    .malformedBytes,
                    "stored sketch: full body inconsistently sized, found \(body.count) bytes, expected "
                        + "\(parameters.fullBodyBytes)")
            }
            return parameters.registerCount
        }
    }

    private static func checkSparse(
        _ body: UnsafeRawBufferPointer, _ parameters: HyperLogLogParameters
    ) throws(SketchError) -> Int {
        let items = body.count * 8 / parameters.sparseWordBits
        let bits = items * parameters.sparseWordBits
        guard body.count == (bits + 7) / 8, bits < parameters.registerCount * parameters.registerWidth else {
            throw .init(
                .malformedBytes,
                "stored sketch: sparse body inconsistently sized, found \(body.count) bytes, expected a whole "
                    + "number of \(parameters.sparseWordBits)-bit words, smaller than all registers")
        }
        var words = unsafe SparseWords(body, parameters)
        var previous = -1
        for item in 0..<items {
            let (index, value) = words.next()
            guard index > previous else {
                throw .init(
                    .malformedBytes,
                    "stored sketch: duplicate or descending sparse register, found at \(item), expected ascending")
            }
            guard value != 0 else {
                throw .init(.malformedBytes, "stored sketch: sparse register without a value, found at \(item)")
            }
            previous = index
        }
        guard words.isRestZero else {
            throw .init(.malformedBytes, "stored sketch: bits after the last sparse register, expected zeros")
        }
        return items
    }

    private static func checkExplicit(_ body: UnsafeRawBufferPointer, limit: Int) throws(SketchError) -> Int {
        let items = body.count / 8
        guard body.count % 8 == 0, items <= limit else {
            throw .init(
                .malformedBytes,
                "stored sketch: explicit body inconsistently sized, found \(body.count) bytes, expected a multiple "
                    + "of 8 up to \(limit * 8)")
        }
        for item in 1..<max(items, 1) {
            let previous = unsafe Int64(bitPattern: hash(in: body, at: item - 1))
            let current = unsafe Int64(bitPattern: hash(in: body, at: item))
            guard previous < current else {
                throw .init(
                    .malformedBytes,
                    "stored sketch: duplicate or descending explicit element, found at \(item), expected ascending")
            }
        }
        return items
    }

    /// Hash number `item` of an explicit body.
    @inline(__always)
    static func hash(in body: UnsafeRawBufferPointer, at item: Int) -> UInt64 {
        unsafe UInt64(bigEndian: body.loadUnaligned(fromByteOffset: item &* 8, as: UInt64.self))
    }
}

extension HyperLogLogParameters {
    /// The parameters of a stored sketch.
    ///
    /// - Throws: `SketchError` when the first three bytes are no header of a supported sketch; permanent.
    public init(header bytes: UnsafeRawBufferPointer) throws(SketchError) {
        self = try unsafe HyperLogLogFormat.header(of: bytes).parameters
    }

    /// The two bytes after the type byte.
    var headerTail: (UInt8, UInt8) {
        let code =
            switch explicitThreshold {
            case Self.automaticThreshold: 63
            case 0: 0
            default: explicitThreshold.trailingZeroBitCount + 1
            }
        return (
            UInt8(truncatingIfNeeded: (registerWidth - 1) << 5 | log2m),
            UInt8(truncatingIfNeeded: (sparse ? 0x40 : 0) | code)
        )
    }

    /// The three bytes of a sketch that has seen no value.
    public var header: (UInt8, UInt8, UInt8) {
        let tail = headerTail
        return (0x10 | HyperLogLogFormat.Kind.empty.rawValue, tail.0, tail.1)
    }
}

/// The words of a SPARSE body in order.
@safe
struct SparseWords {
    private let body: UnsafeRawBufferPointer
    private let wordBits: UInt64
    private let width: UInt64
    private var held: UInt64 = 0
    private var heldBits: UInt64 = 0
    private var position = 0

    init(_ body: UnsafeRawBufferPointer, _ parameters: HyperLogLogParameters) {
        unsafe self.body = body
        wordBits = UInt64(parameters.sparseWordBits)
        width = UInt64(parameters.registerWidth)
    }

    /// The next word; there must be one.
    mutating func next() -> (index: Int, value: UInt8) {
        while heldBits < wordBits {
            held = unsafe held << 8 | UInt64(body[position])
            position += 1
            heldBits += 8
        }
        heldBits -= wordBits
        let word = (held >> heldBits) & ((1 as UInt64) << wordBits - 1)
        return (Int(truncatingIfNeeded: word >> width), UInt8(truncatingIfNeeded: word & (1 << width - 1)))
    }

    /// Whether the bits behind the words read so far are zero, up to the end of their byte.
    var isRestZero: Bool { held & ((1 as UInt64) << heldBits - 1) == 0 }
}
