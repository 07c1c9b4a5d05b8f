import Glibc

/// A program started in a session of its own, so that a terminal's Ctrl-C does not reach it, with all descriptors but
/// its standard ones closed and all signals at their defaults.
final class ChildProcess: Sendable {
    /// Process id, valid until the process has been waited for.
    let id: Int32

    /// Starts a program.
    /// - Parameters:
    ///   - command: absolute path and arguments.
    ///   - input: a descriptor that becomes standard input; nil for an empty one.
    ///   - outputPath: file that standard output and error are appended to; nil drops them.
    ///   - hasOwnSession: false keeps the program in the terminal's foreground group.
    /// - Returns: nil when the system cannot start it; `errno` says why.
    init?(_ command: [String], input: Int32? = nil, outputPath: String?, hasOwnSession: Bool = true) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        if let outputPath {
            unsafe posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        } else {
            // Never created: a regular file in the device's place would break the whole machine.
            unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        for file in Self.openFiles() where file > 2 { unsafe posix_spawn_file_actions_addclose(&actions, file) }

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        let session = hasOwnSession ? Self.newSession : 0
        let flags = session | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK)
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe command.map { unsafe strdup($0) }
        unsafe arguments.append(nil)
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        var id: Int32 = 0
        let code = unsafe posix_spawn(&id, command[0], &actions, &attributes, arguments, environ)
        guard code == 0 else {
            errno = code
            return nil
        }
        self.id = id
    }

    /// `POSIX_SPAWN_SETSID`, which glibc declares for GNU sources only.
    private static let newSession: Int32 = 0x80

    /// This process's descriptors that a child would inherit.
    private static func openFiles() -> [Int32] {
        FileTree.names(in: "/proc/self/fd").compactMap { Int32($0) }.filter { fcntl($0, F_GETFD) & FD_CLOEXEC == 0 }
    }

    /// Answers the wait status once the process has ended, nil when it has not by the deadline.
    ///
    /// A process can be waited for only once; after an answer its id means nothing any more.
    func wait(until deadline: ContinuousClock.Instant) -> Int32? {
        while true {
            var status: Int32 = 0
            let ended = unsafe waitpid(id, &status, WNOHANG)
            if ended == id || (ended < 0 && errno == ECHILD) { return status }
            if ContinuousClock.now >= deadline { return nil }
            usleep(2_000)
        }
    }

    /// Sends a signal.
    func signal(_ number: Int32) {
        kill(id, number)
    }

    /// Process ids of the direct children, as `/proc` shows them now.
    static func children(of parent: Int32) -> [Int32] {
        guard let directory = unsafe opendir("/proc") else { return [] }
        defer { unsafe closedir(directory) }
        var children: [Int32] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let id = Int32(name), let stat = TextFile.read("/proc/\(name)/stat") else { continue }
            // The name in parentheses may hold anything; the parent is the second word behind it.
            let words = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
            if words.count > 2, Int32(words[2]) == parent { children.append(id) }
        }
        return children
    }
}

extension ChildProcess {
    /// Whether any process has this id and is not just waiting to be reaped.
    static func isRunning(_ id: Int32) -> Bool {
        guard let stat = TextFile.read("/proc/\(id)/stat"), let name = stat.lastIndex(of: ")") else { return false }
        return !stat[name...].hasPrefix(") Z")
    }
}
