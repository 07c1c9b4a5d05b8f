import Glibc
import Lookups

/// A file, byte by byte, with one buffer in memory.
@safe struct ByteStream: ~Copyable {
    private static let bufferBytes = 64 << 10

    let path: String
    private let file: Int32
    private var buffer: [UInt8]
    private var position = 0
    private var end = 0

    /// - Throws: when the file cannot be opened.
    init(path: String) throws(LookupError) {
        self.path = path
        file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        buffer = []
        guard file >= 0 else { throw Self.failure(path, "opened") }
        buffer = Array(repeating: 0, count: Self.bufferBytes)
    }

    deinit {
        if file >= 0 { close(file) }
    }

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
        while true {
            let found = unsafe Glibc.read(file, target, count)
            if found >= 0 { return found }
            if errno != EINTR { throw Self.failure(path, "read") }
        }
    }

    private mutating func fill() throws(LookupError) -> Bool {
        while true {
            let found = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(file, bytes.baseAddress!, bytes.count)
            }
            if found >= 0 {
                position = 0
                end = found
                return found > 0
            }
            if errno != EINTR { throw Self.failure(path, "read") }
        }
    }

    private static func failure(_ path: String, _ what: String) -> LookupError {
        let code = errno
        let reason = unsafe String(cString: strerror(code))
        return LookupError(
            .source,
            "\(path): the file cannot be \(what): \(reason); check its path, which is taken from the working directory, "
                + "and its permissions",
            isRetryable: code != EACCES && code != EISDIR)
    }
}
