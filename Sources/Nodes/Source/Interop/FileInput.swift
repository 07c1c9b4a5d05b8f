#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What a file is, whatever it is called: its device and its inode.
struct FileNumber: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }

    /// What a path leads to; nil when nothing is there.
    init?(path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// What an open descriptor stands for.
    init?(descriptor: Int32) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }
}

/// Something open to read from. What it is decides how it is read, not what it is called: a regular file has positions and
/// can be read again; pipes, sockets and devices give every byte once.
@safe final class FileInput {
    /// What it is called in messages.
    let label: String
    /// The same under any name.
    let number: FileNumber
    /// Whether bytes can be read only once.
    let isStream: Bool
    /// The open descriptor.
    let descriptor: Int32
    private let isOwned: Bool

    /// Opens a path, `-` for standard input. Never waits: a named pipe that nobody writes to is open at once.
    /// - Throws: `SourceError` when it cannot be opened or is a directory.
    init(path: String) throws(SourceError) {
        let known = Self.inherited(path)
        label = path == "-" ? path : FilePattern.absolute(path)
        isOwned = known != 0
        switch known {
        case 0?: descriptor = 0
        case let number?: descriptor = fcntl(number, F_DUPFD_CLOEXEC, 3)
        case nil: descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        }
        var status = stat()
        guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0 else {
            let reason = known == 0 ? "it is closed" : Self.lastError
            if isOwned, descriptor >= 0 { close(descriptor) }
            throw SourceError.file(label, "cannot be opened: \(reason)")
        }
        number = FileNumber(status)
        let type = status.st_mode & S_IFMT
        guard type != S_IFDIR else {
            close(descriptor)
            throw SourceError.file(label, "it is a directory; give its files, such as \(label)/*.ndjson")
        }
        // A regular file that someone has begun to read for us, as in `(read line; millrace …) < file`, has its rest only.
        isStream = type != S_IFREG || (known != nil && lseek(descriptor, 0, SEEK_CUR) != 0)
    }

    deinit { if isOwned { close(descriptor) } }

    /// The descriptor of this process that a path stands for, nil when it is an ordinary path.
    private static func inherited(_ path: String) -> Int32? {
        if path == "-" || path == "/dev/stdin" { return 0 }
        for prefix in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(prefix) {
            return Int32(path.dropFirst(prefix.count))
        }
        return nil
    }

    /// Bytes in a regular file now.
    var size: Int64 {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// When it was changed last, in microseconds since 1970; of a stream, which has no such moment, now. What is in it was
    /// written by then.
    var changed: Int64 {
        var status = stat()
        guard !isStream, unsafe fstat(descriptor, &status) == 0 else {
            var now = timespec()
            unsafe clock_gettime(CLOCK_REALTIME, &now)
            return Self.micros(now)
        }
        return Self.micros(status.st_mtim)
    }

    private static func micros(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// Reads at a place of a regular file; 0 at its end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) throws(SourceError) -> Int {
        while true {
            let count = unsafe pread(descriptor, buffer.baseAddress, buffer.count, off_t(position))
            if count >= 0 { return count }
            guard errno == EINTR else { throw SourceError.file(label, "cannot be read: \(Self.lastError)") }
        }
    }

    /// Reads what comes next in a stream; 0 at its end, nil when nothing came within `timeout`.
    func read(into buffer: UnsafeMutableRawBufferPointer, timeout: Duration) throws(SourceError) -> Int? {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let (seconds, attoseconds) = timeout.components
        let ready = unsafe poll(&request, 1, Int32(seconds * 1_000 + attoseconds / 1_000_000_000_000_000))
        guard ready > 0 else { return nil }
        let count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if count >= 0 { return count }
        if errno == EINTR || errno == EAGAIN { return nil }
        throw SourceError.file(label, "cannot be read: \(Self.lastError)")
    }

    private static var lastError: String { unsafe String(cString: strerror(errno)) }
}
