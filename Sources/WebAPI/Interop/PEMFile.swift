#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file of certificates, or of a key, as it was read.
struct PEMFile: Sendable {
    /// Of a file. A chain of certificates has some kilobytes; whatever is longer is something else.
    static let bytesMax = 256 << 10

    /// By what a replaced file is told. The last change of permissions counts too: it may have made the file readable.
    struct Stamp: Sendable, Equatable {
        private let numbers: [Int]

        /// Of the file that a path leads to, through links; nil when there is none.
        init?(_ path: String) {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { return nil }
            #if canImport(Darwin)
                let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
            #else
                let (modified, changed) = (status.st_mtim, status.st_ctim)
            #endif
            numbers = [
                Int(truncatingIfNeeded: status.st_dev), Int(truncatingIfNeeded: status.st_ino), Int(status.st_size),
                modified.tv_sec, modified.tv_nsec, changed.tv_sec, changed.tv_nsec,
            ]
        }
    }

    let path: String
    let bytes: [UInt8]
    /// Whether everybody on the machine may read it.
    let isOpenToAll: Bool

    /// Reads a file; one that is no plain file is not waited for.
    /// - Throws: `TLSFailure`.
    init(_ path: String) throws(TLSFailure) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw Self.unreadable(path, SystemError()) }
        defer { Sockets.close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw Self.unreadable(path, SystemError()) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw TLSFailure("\(path): this is no file") }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= Self.bytesMax {
            let count = Sockets.systemRead(file, &buffer)
            guard count >= 0 else { throw Self.unreadable(path, SystemError()) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        guard bytes.count <= Self.bytesMax else {
            throw TLSFailure("\(path): expected at most \(Self.bytesMax >> 10) KiB of PEM, found more")
        }
        self.path = path
        self.bytes = bytes
        isOpenToAll = status.st_mode & 0o004 != 0
    }

    private static func unreadable(_ path: String, _ error: SystemError) -> TLSFailure {
        guard error.number == EACCES else { return TLSFailure("\(path): \(error)") }
        return TLSFailure(
            "\(path): \(error) for the user with the number \(geteuid()), who runs this process; make the file, and the "
                + "folders above it, readable for that user or a group of theirs")
    }

    /// Whether a line of it begins so.
    func mentions(_ text: String) -> Bool {
        let pattern = Array(text.utf8)
        return bytes.indices.contains { bytes[$0] == pattern[0] && bytes[$0...].starts(with: pattern) }
    }
}
