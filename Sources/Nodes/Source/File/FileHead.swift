/// The beginning of a file, by which it is known whatever it is called: its first bytes, as far as they have been read.
struct FileHead {
    /// Bytes that count: enough to tell files apart whose first lines are alike, and no more than one read.
    static let bytesMax = 4_096

    private(set) var bytes: [UInt8] = []
    private var whole: Int64?

    /// A head of these bytes, cut at `bytesMax`.
    init(_ bytes: [UInt8] = []) { self.bytes = Array(bytes.prefix(Self.bytesMax)) }

    /// Takes in bytes that follow those it has.
    mutating func append(_ more: UnsafeRawBufferPointer) {
        guard bytes.count < Self.bytesMax else { return }
        unsafe bytes.append(contentsOf: more.prefix(Self.bytesMax - bytes.count))
    }

    /// Forgets what lies behind `position`.
    mutating func cut(to position: Int64) {
        guard position < Int64(bytes.count) else { return }
        bytes.removeLast(bytes.count - Int(position))
        whole = nil
    }

    /// The checksum of the first `position` bytes: of the first line in the upper half, of all in the lower.
    ///
    /// Two halves, since a file that was cut short or edited mostly keeps its first line, while another one has another.
    mutating func checksum(upTo position: Int64) -> Int64 {
        if let whole, position >= Int64(Self.bytesMax) { return whole }
        let part = bytes.prefix(Int(min(position, Int64(Self.bytesMax))))
        let line = part.prefix { $0 != UInt8(ascii: "\n") }
        let halves = (
            UInt64(truncatingIfNeeded: Checksum.of(Array(line))), UInt64(truncatingIfNeeded: Checksum.of(Array(part)))
        )
        let checksum = Int64(bitPattern: halves.0 << 32 | halves.1 & 0xffff_ffff)
        if part.count == Self.bytesMax { whole = checksum }
        return checksum
    }

    /// The half of a checksum that stands for the first line.
    static func firstLine(of checksum: Int64) -> UInt32 { UInt32(truncatingIfNeeded: checksum >> 32) }
}
