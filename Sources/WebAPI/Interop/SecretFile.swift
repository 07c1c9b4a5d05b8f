import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files that only their owner may read.
enum SecretFile {
    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Makes a file that nobody but its owner can ever read, whole or not at all; one that somebody else has made
    /// meanwhile stays.
    /// - Throws: `SystemError`.
    static func create(_ path: String, _ text: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let draft = "\(path).\(getpid()).\(UInt32.random(in: .min ... .max))"
        let file = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SystemError() }
        defer { unsafe unlink(draft) }
        let bytes = Array(text.utf8)
        let isWritten = unsafe write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
        let failure = SystemError()
        close(file)
        guard isWritten else { throw failure }
        guard unsafe link(draft, path) == 0 || errno == EEXIST else { throw SystemError() }
    }

    /// What a file holds, at most 4 KiB, and its permissions.
    /// - Throws: `SystemError`.
    static func read(_ path: String) throws -> (text: String, mode: mode_t) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw SystemError() }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw SystemError() }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = Sockets.systemRead(file, &buffer)
        guard count >= 0 else { throw SystemError() }
        return (String(decoding: buffer.prefix(count), as: UTF8.self), status.st_mode)
    }
}
