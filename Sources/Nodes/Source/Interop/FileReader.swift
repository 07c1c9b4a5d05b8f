import CZlib

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The bytes of a plain or gzip file, or of standard input, in order.
@safe final class FileReader {
    private let path: String
    private let descriptor: Int32
    private let isStandardInput: Bool
    private var gzip: gzFile?

    /// Opens a file, `-` for standard input. Gzip is recognised by its first bytes, not by the name.
    /// - Throws: `SourceError` when it cannot be opened.
    init(path: String) throws(SourceError) {
        self.path = path
        isStandardInput = path == "-"
        descriptor = unsafe isStandardInput ? 0 : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SourceError.file(path, "cannot be opened: \(Self.lastError)") }
        if !isStandardInput, Self.isGzip(descriptor) {
            unsafe gzip = gzdopen(descriptor, "rb")
            guard unsafe gzip != nil else { throw SourceError.file(path, "zlib has no memory for it") }
            unsafe gzbuffer(gzip, 256 * 1024)
        }
    }

    deinit {
        if let gzip = unsafe gzip {
            unsafe gzclose(gzip)
        } else if !isStandardInput {
            close(descriptor)
        }
    }

    /// Reads up to `buffer.count` bytes; 0 at the end. Blocks.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
        if let gzip = unsafe gzip {
            let count = unsafe gzread(gzip, buffer.baseAddress, UInt32(clamping: buffer.count))
            var code: Int32 = 0
            let text = unsafe gzerror(gzip, &code)
            if count < 0 || (count == 0 && code != Z_OK) {
                let reason = unsafe text.map { unsafe String(cString: $0) } ?? "unknown"
                throw SourceError.file(path, "its gzip data is damaged or cut short (\(reason))")
            }
            return Int(count)
        }
        while true {
            let count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw SourceError.file(path, "cannot be read: \(Self.lastError)") }
        }
    }

    /// Goes to a position in the uncompressed bytes. Gzip is decompressed up to there.
    func seek(to position: Int64) throws(SourceError) {
        if let gzip = unsafe gzip {
            guard unsafe gzseek(gzip, Int(position), SEEK_SET) == Int(position) else {
                throw SourceError.file(path, "it ends before byte \(position), where the last run stopped")
            }
        } else if !isStandardInput {
            guard lseek(descriptor, Int(position), SEEK_SET) == Int(position) else {
                throw SourceError.file(path, "cannot seek: \(Self.lastError)")
            }
        }
    }

    /// Whether a read would not block, waiting up to `timeout`. Regular files are always ready.
    func isReady(timeout: Duration) -> Bool {
        guard isStandardInput else { return true }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let (seconds, attoseconds) = timeout.components
        return unsafe poll(&request, 1, Int32(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)) != 0
    }

    private static func isGzip(_ descriptor: Int32) -> Bool {
        var magic: (UInt8, UInt8) = (0, 0)
        let count = unsafe pread(descriptor, &magic, 2, 0)
        return count == 2 && magic == (0x1f, 0x8b)
    }

    private static var lastError: String { unsafe String(cString: strerror(errno)) }
}

/// The files that match a shell pattern.
enum FilePattern {
    /// The paths behind `pattern`, sorted; a pattern without wildcards is its own only path, whether it exists or not.
    static func expand(_ pattern: String) -> [String] {
        guard pattern.contains(where: { "*?[".contains($0) }) else { return [pattern] }
        var result = unsafe glob_t()
        defer { unsafe globfree(&result) }
        guard unsafe glob(pattern, 0, nil, &result) == 0 else { return [] }
        return unsafe (0..<Int(result.gl_pathc)).compactMap { index in
            unsafe result.gl_pathv[index].map { unsafe String(cString: $0) }
        }
    }

    /// The path from the root, so that a position does not depend on the directory a run starts in.
    static func absolute(_ path: String) -> String {
        guard path != "-", let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}

/// Searching bytes from behind.
enum ByteSearch {
    /// The position of the last newline, nil when there is none. Looks at one line only, so a plain loop does.
    static func lastNewline(in bytes: UnsafeRawBufferPointer) -> Int? {
        unsafe bytes.lastIndex(of: UInt8(ascii: "\n"))
    }
}
