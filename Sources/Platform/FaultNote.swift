import CFault

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What a process wrote when it died of a fault of its own, for the next one to read. One that was killed writes nothing, and
/// neither does one whose machine was switched off.
package struct FaultNote: Sendable, Equatable {
    /// The signal, such as SIGSEGV.
    package var signal: Int32
    /// What the thread worked for that it came to; empty for nobody in particular.
    package var work: String

    /// Has this process leave a note at a path if it comes to that. Nothing is written before.
    /// - Parameter path: where no file is; its folder must be there by then.
    package static func leave(at path: String) { unsafe cf_leave_note(path) }

    /// Takes a note away.
    /// - Returns: nil when there is none, or it is not this user's: the folder may be open to others.
    package static func take(from path: String) -> FaultNote? {
        let file = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid() else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: 2 * Int(CF_WORK_MAX))
        let count = unsafe read(file, &bytes, bytes.count)
        unsafe unlink(path)
        return count < 0 ? nil : FaultNote(String(decoding: bytes[..<count], as: UTF8.self))
    }

    private init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let signal = Int32(parts[0]) else { return nil }
        (self.signal, work) = (signal, String(parts[1]))
    }

    /// The signal by its name.
    package var signalName: String {
        let names = [
            SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGILL: "SIGILL", SIGFPE: "SIGFPE", SIGTRAP: "SIGTRAP",
            SIGABRT: "SIGABRT",
        ]
        return names[signal] ?? "signal \(signal)"
    }
}
