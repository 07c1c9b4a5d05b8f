import Lookups

/// A file, byte by byte, with one buffer in memory.
struct ByteStream: ~Copyable {
    private static let bufferBytes = 64 << 10

    private let bytes: FileBytes
    private var buffer: [UInt8]
    private var position = 0
    private var end = 0

    /// - Throws: when the file cannot be opened.
    init(path: String) throws(LookupError) {
        bytes = try FileBytes(path: path)
        buffer = Array(repeating: 0, count: Self.bufferBytes)
    }

    /// Where the file is.
    var path: String { bytes.path }

    /// The next byte; nil at the end.
    /// - Throws: when the file cannot be read.
    @inline(__always)
    mutating func next() throws(LookupError) -> UInt8? {
        if position == end, try !fill() { return nil }
        defer { position += 1 }
        return buffer[position]
    }

    /// The byte that ``next()`` would give.
    /// - Throws: when the file cannot be read.
    mutating func peek() throws(LookupError) -> UInt8? {
        if position == end, try !fill() { return nil }
        return buffer[position]
    }

    /// Reads up to `count` bytes to `target`; 0 at the end.
    /// - Throws: when the file cannot be read.
    mutating func read(into target: UnsafeMutablePointer<UInt8>, count: Int) throws(LookupError) -> Int {
        precondition(position == end, "bytes and blocks are not mixed")
        return try unsafe bytes.read(into: UnsafeMutableRawBufferPointer(start: target, count: count))
    }

    private mutating func fill() throws(LookupError) -> Bool {
        position = 0
        end = 0
        do {
            end = try unsafe buffer.withUnsafeMutableBytes { target in try unsafe bytes.read(into: target) }
        } catch let error as LookupError {
            throw error
        } catch {
            preconditionFailure("a file has one kind of error")
        }
        return end > 0
    }
}
