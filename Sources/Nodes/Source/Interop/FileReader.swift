import Glibc
import Zlib

/// The bytes of a file or a stream in order, unpacked when it is gzip, which is recognised by its first bytes.
@safe package final class FileReader {
    /// What is read.
    let input: FileInput
    private var format: ContentFormat?
    private var gzip: GzipDecoder?
    /// Of a regular file: where the next bytes are read, in the file as it is.
    private var rawPosition: Int64 = 0
    /// Of a stream: its first bytes, while they do not say yet what it is, and until they are handed on.
    private var beginning: [UInt8] = []
    private var hasRawEnded = false
    /// Of a regular file: its first bytes as it is, as far as there were any when it was looked at last.
    private var rawHead: [UInt8] = []
    /// Position in the unpacked bytes.
    private(set) var position: Int64 = 0

    /// Opens a path, `-` for standard input.
    /// - Throws: `SourceError` when it cannot be opened or holds something that is not read here.
    package convenience init(path: String) throws { try self.init(try FileInput(path: path)) }

    /// Reads what is open.
    /// - Throws: `SourceError` when it holds something that is not read here.
    init(_ input: FileInput) throws {
        self.input = input
        guard !input.isStream else { return }
        rawHead = try readRawHead()
        format = try ContentFormat.of(rawHead.prefix(ContentFormat.magicBytesMax), hasEnded: true, label)
    }

    /// Whether a regular file still begins as it did, and so is not another one that was written in its place.
    func stillBeginsAsItDid() throws -> Bool {
        // Once a batch: nothing is allocated while the file has not grown.
        try unsafe withUnsafeTemporaryAllocation(byteCount: FileHead.bytesMax, alignment: 1) { room in
            let head = unsafe UnsafeRawBufferPointer(rebasing: room[..<(try unsafe input.read(into: room, at: 0))])
            let isSame = unsafe rawHead.withUnsafeBytes { known in
                unsafe known.count <= head.count
                    && (known.isEmpty || memcmp(known.baseAddress!, head.baseAddress!, known.count) == 0)
            }
            guard isSame else { return false }
            if head.count > rawHead.count { rawHead = unsafe Array(head) }
            return true
        }
    }

    private func readRawHead() throws -> [UInt8] {
        var head = [UInt8](repeating: 0, count: FileHead.bytesMax)
        let count = try unsafe head.withUnsafeMutableBytes { bytes in try unsafe input.read(into: bytes, at: 0) }
        return Array(head[..<count])
    }

    private var label: String { input.label }

    /// Whether the bytes can be read only once.
    var isStream: Bool { input.isStream }

    /// Whether the file can grow behind what was read: a regular file. Packed ones grow by members.
    var canGrow: Bool { !isStream }

    /// How many bytes a plain regular file has; nil when that is not known before it was read.
    var size: Int64? { canGrow && format == .plain ? input.size : nil }

    /// Reads up to `buffer.count` bytes; 0 at the end, nil when a stream gave none within `timeout`.
    package func read(into buffer: UnsafeMutableRawBufferPointer, timeout: Duration) throws -> Int? {
        if format == nil, try !recognise(timeout) { return nil }
        let count: Int?
        if format == .gzip {
            count = try unsafe unpack(into: buffer, timeout)
        } else if !beginning.isEmpty {
            count = unsafe takeBeginning(into: buffer)
        } else {
            count = try unsafe readRaw(into: buffer, timeout)
        }
        position += Int64(count ?? 0)
        return count
    }

    /// Goes to a position of a regular file's unpacked bytes; packed ones are unpacked up to there.
    /// - Returns: false when the file ends before it.
    func seek(to wanted: Int64) throws -> Bool {
        precondition(!isStream, "a stream has no positions to go to")
        guard format == .gzip else {
            (rawPosition, position) = (wanted, wanted)
            return wanted <= input.size
        }
        if wanted < position {
            rest()
            (rawPosition, position, hasRawEnded) = (0, 0, false)
        }
        var scratch = [UInt8](repeating: 0, count: 64 * 1024)
        while position < wanted {
            let limit = Int(min(wanted - position, Int64(scratch.count)))
            let count = try unsafe scratch.withUnsafeMutableBytes { bytes in
                try unsafe read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<limit]), timeout: .zero)
            }
            if count == 0 { return false }
        }
        return true
    }

    /// Up to `count` bytes of a regular file at `start`, fewer where it ends; reading continues behind them.
    func bytes(at start: Int64, count: Int) throws -> [UInt8] {
        guard try seek(to: start) else { return [] }
        var result = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let more = try unsafe result.withUnsafeMutableBytes { bytes in
                try unsafe read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[filled...]), timeout: .zero)
            }
            guard let more, more > 0 else { break }
            filled += more
        }
        return Array(result[..<filled])
    }

    /// Gives back what unpacking a regular file takes; it begins anew when it is read again.
    func rest() {
        guard !isStream, gzip != nil else { return }
        gzip = nil
        (rawPosition, position, hasRawEnded) = (0, 0, false)
    }

    private func readRaw(
        into buffer: UnsafeMutableRawBufferPointer, _ timeout: Duration
    ) throws -> Int? {
        if isStream { return try unsafe input.read(into: buffer, timeout: timeout) }
        let count = try unsafe input.read(into: buffer, at: rawPosition)
        rawPosition += Int64(count)
        return count
    }

    /// Reads the first bytes of a stream until they say what it is. False when that takes longer.
    private func recognise(_ timeout: Duration) throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        let count = try unsafe chunk.withUnsafeMutableBytes { bytes in
            try unsafe input.read(into: bytes, timeout: timeout)
        }
        guard let count else { return false }
        beginning += chunk[..<count]
        format = try ContentFormat.of(beginning[...], hasEnded: count == 0, label)
        return format != nil
    }

    private func takeBeginning(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, beginning.count)
        unsafe buffer.copyBytes(from: beginning[..<count])
        beginning.removeFirst(count)
        return count
    }

    private func unpack(
        into buffer: UnsafeMutableRawBufferPointer, _ timeout: Duration
    ) throws -> Int? {
        do {
            let decoder = try gzip ?? GzipDecoder()
            gzip = decoder
            while true {
                switch try unsafe decoder.step(into: buffer, isLast: hasRawEnded) {
                case .bytes(let count): return count
                case .ended: return 0
                case .hungry: break
                }
                let count = try unsafe decoder.feed { input in
                    guard beginning.isEmpty else { return unsafe takeBeginning(into: input) }
                    return try unsafe readRaw(into: input, timeout)
                }
                guard let count else { return nil }
                if count == 0 { hasRawEnded = true }
            }
        } catch let problem as GzipDecoder.Problem {
            throw SourceError.file(label, problem.description)
        }
    }
}
