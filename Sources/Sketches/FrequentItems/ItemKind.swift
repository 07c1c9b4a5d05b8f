/// What the values of a sketch of frequent values are, and what bytes stand for them.
///
/// ```
///  text       its UTF-8
///  boolean    00 or 01
///  number     two's complement, big endian, in as few bytes as hold it with its sign: 7f, 0080, ff, ff7f
/// ```
public enum ItemKind: Hashable, Sendable {
    /// UTF-8 text without NUL.
    case text
    /// True or false.
    case boolean
    /// A signed 64-bit whole number.
    case integer
    /// A signed 64-bit whole number of units of 10^-scale.
    case decimal(scale: Int)

    /// As it is stored.
    var code: UInt8 {
        switch self {
        case .text: 0
        case .boolean: 1
        case .integer: 2
        case .decimal(let scale): 0x20 | UInt8(scale)
        }
    }

    /// The kind of a stored code, nil when there is none.
    init?(code: UInt8) {
        switch (code >> 5, code & 31) {
        case (0, 0): self = .text
        case (0, 1): self = .boolean
        case (0, 2): self = .integer
        case (1, let scale) where scale <= 18: self = .decimal(scale: Int(scale))
        default: return nil
        }
    }

    /// Whether values are texts.
    var isText: Bool { self == .text }

    /// How messages call it.
    var name: String {
        switch self {
        case .text: "text"
        case .boolean: "boolean"
        case .integer: "integer"
        case .decimal(let scale): "decimal(\(scale))"
        }
    }

    /// Lends the bytes of a number.
    @inline(__always)
    public static func withBytes<Result>(
        of number: Int64, _ body: (UnsafeRawBufferPointer) throws(SketchError) -> Result
    ) throws(SketchError) -> Result {
        let spare = (number < 0 ? ~number : number).leadingZeroBitCount - 1
        let length = 8 - spare / 8
        let bytes = (number << Int64(64 - 8 * length)).bigEndian
        var result: Swift.Result<Result, SketchError>?
        unsafe withUnsafeBytes(of: bytes) { bytes in
            do throws(SketchError) {
                result = .success(try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[..<length])))
            } catch {
                result = .failure(error)
            }
        }
        guard let result else { preconditionFailure("the body was called") }
        return try result.get()
    }

    /// The number that bytes stand for.
    public static func number(_ bytes: some Sequence<UInt8>) -> Int64 {
        var value: Int64 = 0
        var isFirst = true
        for byte in bytes {
            value = isFirst ? Int64(Int8(bitPattern: byte)) : value << 8 | Int64(byte)
            isFirst = false
        }
        return value
    }

    static func number(_ entry: FrequentItems.Entry, in bytes: [UInt8]) -> Int64 {
        number(bytes[entry.start..<entry.start + entry.length])
    }
}
