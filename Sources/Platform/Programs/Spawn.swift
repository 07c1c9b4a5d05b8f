import Glibc
import Synchronization

/// The system cannot start a program.
package struct ProgramFailure: Error, CustomStringConvertible {
    let what: String
    let errno: Int32

    /// What is wrong.
    package var description: String { unsafe "\(what): \(String(cString: strerror(errno)))" }
}

/// Starts a program with all signals at their defaults and no descriptors but those given.
///
/// By `posix_spawn`, since a fork of a process with threads may do next to nothing, and Foundation's `Process` passes on the
/// blocked signals of a worker thread: such a child cannot be told to stop.
package enum Spawn {
    /// Which signals of a terminal reach the program, and what is killed with it.
    package enum Group {
        /// A process group of its own.
        case own
        /// A session of its own.
        case ownSession
        /// That of this process.
        case inherited
    }

    /// One start at a time, and no pipe made meanwhile: between being made and being private it would be inherited.
    static let alone = Mutex(())

    /// Starts a program.
    /// - Parameters:
    ///   - command: absolute path and arguments.
    ///   - environment: what its environment has beside this process's, or instead.
    ///   - descriptors: what becomes its descriptors 0, 1, …; the ends of a `PrivatePipe`, or from `open`, so that none is in another
    ///     one's place. They stay open here.
    /// - Returns: its process id, which means something until it has been waited for.
    /// - Throws: `ProgramFailure`.
    package static func start(
        _ command: [String], environment: [String: String] = [:], descriptors: [Int32], group: Group = .own
    ) throws(ProgramFailure) -> Int32 {
        let (id, failure) = alone.withLock { _ in
            spawn(command, environment: environment, descriptors: descriptors, group: group)
        }
        guard failure == 0 else { throw ProgramFailure(what: "\(command[0]) cannot be started", errno: failure) }
        return id
    }

    /// Opens a file for a program to write to, at its end, or `/dev/null` for nil.
    /// - Throws: `ProgramFailure`, which names the file.
    package static func open(_ path: String?) throws(ProgramFailure) -> Int32 {
        // The device is never created: a regular file in its place would break the whole machine.
        let flags = path == nil ? O_RDWR : O_WRONLY | O_CREAT | O_APPEND
        let file = unsafe Glibc.open(path ?? "/dev/null", flags | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw ProgramFailure(what: path ?? "/dev/null", errno: errno) }
        return PrivatePipe.lifted(file)
    }

    private static func spawn(
        _ command: [String], environment: [String: String], descriptors: [Int32], group: Group
    ) -> (id: Int32, failure: Int32) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in descriptors.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        for file in inherited where file >= descriptors.count {
            unsafe posix_spawn_file_actions_addclose(&actions, file)
        }

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(Int32(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | group.flag))

        var words: [UnsafeMutablePointer<CChar>?] = unsafe command.map { unsafe strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = unsafe variables(environment)
        defer {
            unsafe words.forEach { unsafe free($0) }
            unsafe variables.forEach { unsafe free($0) }
        }
        var id: Int32 = 0
        let failure = unsafe posix_spawn(&id, command[0], &actions, &attributes, &words, &variables)
        return (id, failure)
    }

    /// Waits for a program that was killed, or is about to end.
    /// - Returns: its wait status; nil when it has not ended after five seconds, as when it hangs in a disk that does not answer.
    static func wait(for id: Int32) -> Int32? {
        let end = ContinuousClock.now + .seconds(5)
        var status: Int32 = 0
        while true {
            let ended = unsafe waitpid(id, &status, WNOHANG)
            if ended == id { return status }
            if ended < 0, errno != EINTR { return nil }
            if ContinuousClock.now >= end { return nil }
            usleep(200)
        }
    }

    /// This process's descriptors that a program would inherit.
    private static var inherited: [Int32] {
        guard let directory = unsafe opendir("/proc/self/fd") else { return [] }
        defer { unsafe closedir(directory) }
        var files: [Int32] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let file = Int32(name), fcntl(file, F_GETFD) & FD_CLOEXEC == 0 { files.append(file) }
        }
        return files
    }

    private static func variables(_ added: [String: String]) -> [UnsafeMutablePointer<CChar>?] {
        var variables: [UnsafeMutablePointer<CChar>?] = unsafe []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            if added[String(text.prefix { $0 != "=" })] == nil { unsafe variables.append(strdup(text)) }
            unsafe next += 1
        }
        for (name, value) in added { unsafe variables.append(strdup("\(name)=\(value)")) }
        return unsafe variables + [nil]
    }
}

extension Spawn.Group {
    fileprivate var flag: Int32 {
        switch self {
        case .own: Int32(POSIX_SPAWN_SETPGROUP)
        // POSIX_SPAWN_SETSID, which glibc declares for GNU sources only.
        case .ownSession: 0x80
        case .inherited: 0
        }
    }
}
