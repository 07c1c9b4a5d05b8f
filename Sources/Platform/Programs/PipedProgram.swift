import Glibc
import Synchronization

/// How a program ended.
package enum ProgramExit: Hashable, Sendable {
    /// By itself, with this code.
    case code(Int32)
    /// By this signal.
    case signal(Int32)
}

/// A running program, in a process group of its own, with pipes for its standard input, output and error. None of its calls
/// blocks but `end`.
///
/// It is started by `posix_spawn`, since a fork of a process with threads may do next to nothing, behind a shell that reports
/// it to a `ProgramGuard` and makes it the kernel's first choice when memory runs out; the shell then becomes the program.
package final class PipedProgram: Sendable {
    /// What a write or a read came to.
    package enum Transfer: Hashable, Sendable {
        /// So many bytes.
        case bytes(Int)
        /// None at the moment.
        case nothing
        /// None ever: the other end is closed.
        case closed
    }

    private struct State {
        var exit: ProgramExit?
        var inputIsOpen = true
    }

    /// The process id, which is that of the process group too; means nothing after `end`.
    package let id: Int32
    /// Where its standard input is written to, for `poll`.
    package let input: Int32
    /// Where its standard output is read from, for `poll`.
    package let output: Int32
    /// Where its standard error is read from, for `poll`.
    package let errors: Int32
    private let state = Mutex(State())
    private let programGuard: ProgramGuard

    /// `$$` stays the process's id when it becomes the program.
    private static let script = """
        echo "+ $$" >&3; exec 3>&-; echo 1000 2>/dev/null >/proc/self/oom_score_adj || :; exec "$@"
        """

    /// Starts a program.
    /// - Parameters:
    ///   - command: its name, searched for in PATH, or a path; and its arguments.
    ///   - environment: what its environment has beside this process's, or instead.
    ///   - programGuard: ends it when this process ends.
    /// - Throws: `ProgramFailure` when the system has no process or no pipe; trying again later may help. A program that is not
    ///   there ends with code 127, one that may not be run with 126.
    package init(_ command: [String], environment: [String: String], guardedBy programGuard: ProgramGuard)
        throws(ProgramFailure)
    {
        let (toProgram, fromProgram, complaints) = (try Pipe(), try Pipe(), try Pipe())
        let spawned = Spawn(
            ["/bin/sh", "-c", Self.script, "millrace-exec"] + command, environment: environment,
            descriptors: [toProgram.reading, fromProgram.writing, complaints.writing, programGuard.descriptor])
        close(toProgram.reading)
        close(fromProgram.writing)
        close(complaints.writing)
        guard let id = spawned.id else {
            for end in [toProgram.writing, fromProgram.reading, complaints.reading] { close(end) }
            throw ProgramFailure(what: "the system starts no process", errno: spawned.failure)
        }
        self.id = id
        (input, output, errors) = (toProgram.writing, fromProgram.reading, complaints.reading)
        self.programGuard = programGuard
        for end in [input, output, errors] { _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK) }
    }

    deinit {
        _ = end()
        closeInput()
        close(output)
        close(errors)
    }

    /// Writes to the program's standard input.
    package func write(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        let isOpen = state.withLock { $0.inputIsOpen }
        guard isOpen else { return .closed }
        let (count, failure) = unsafe Pipe.write(bytes, to: input)
        if count >= 0 { return .bytes(count) }
        return failure == EAGAIN || failure == EINTR ? .nothing : .closed
    }

    /// Appends at most `limit` bytes of what the program has written to one of its outputs.
    package func read(_ descriptor: Int32, into bytes: inout [UInt8], limit: Int = 65_536) -> Transfer {
        let (count, failure) = unsafe withUnsafeTemporaryAllocation(byteCount: limit, alignment: 1) { room in
            let count = unsafe Glibc.read(descriptor, room.baseAddress, limit)
            let failure = errno
            if count > 0 { unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[..<count])) }
            return (count, failure)
        }
        if count > 0 { return .bytes(count) }
        return count == 0 || (failure != EAGAIN && failure != EINTR) ? .closed : .nothing
    }

    /// Waits until one of several programs has written something, or has ended, or takes more; or until the time is over.
    /// - Parameter programs: each with whether there is something to write to it, and whether its standard error is still open.
    package static func wait(
        for programs: [(program: PipedProgram, hasMore: Bool, mayComplain: Bool)], timeout: Duration
    ) {
        var descriptors: [pollfd] = []
        for (program, hasMore, mayComplain) in programs {
            descriptors.append(pollfd(fd: program.output, events: Int16(POLLIN), revents: 0))
            if mayComplain { descriptors.append(pollfd(fd: program.errors, events: Int16(POLLIN), revents: 0)) }
            if hasMore { descriptors.append(pollfd(fd: program.input, events: Int16(POLLOUT), revents: 0)) }
        }
        let milliseconds = Int32(max(0, timeout / .milliseconds(1)).rounded(.up))
        _ = unsafe poll(&descriptors, nfds_t(descriptors.count), milliseconds)
    }

    /// A moment, for whoever waits for the end of a program.
    package static func pause() { usleep(500) }

    /// Tells the program that nothing more comes.
    package func closeInput() {
        state.withLock { state in
            guard state.inputIsOpen else { return }
            state.inputIsOpen = false
            close(input)
        }
    }

    /// Whether it has ended, by itself or by `kill`.
    package var hasEnded: Bool {
        state.withLock { state in
            if state.exit != nil { return true }
            var information = unsafe siginfo_t()
            let answer = unsafe waitid(P_PID, id_t(id), &information, WEXITED | WNOHANG | WNOWAIT)
            return unsafe answer != 0 || information.si_signo == SIGCHLD
        }
    }

    /// Kills the program and all that it has started in its group. It still has to be ended.
    package func kill() {
        state.withLock { state in
            if state.exit == nil { _ = Glibc.kill(-id, SIGKILL) }
        }
    }

    /// Ends the program and whatever it has left behind in its group, and waits for that.
    package func end() -> ProgramExit {
        state.withLock { state in
            if let exit = state.exit { return exit }
            _ = Glibc.kill(-id, SIGKILL)
            // As long as it is not waited for, nobody else gets its number.
            programGuard.dismiss(id)
            let status = Spawn.wait(for: id) ?? SIGKILL
            let signal = status & 0x7f
            let exit: ProgramExit = signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
            state.exit = exit
            return exit
        }
    }
}

/// The system cannot start a program.
package struct ProgramFailure: Error, CustomStringConvertible {
    let what: String
    let errno: Int32

    /// What is wrong.
    package var description: String { unsafe "\(what): \(String(cString: strerror(errno)))" }
}

/// Both ends of a pipe that no other program inherits.
struct Pipe {
    let reading: Int32
    let writing: Int32

    init() throws(ProgramFailure) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw ProgramFailure(what: "there is no pipe", errno: errno) }
        (reading, writing) = (Self.lifted(ends[0]), Self.lifted(ends[1]))
    }

    /// A descriptor that is none of those which a program is given.
    static func lifted(_ descriptor: Int32) -> Int32 {
        let lifted = fcntl(descriptor, F_DUPFD_CLOEXEC, 10)
        close(descriptor)
        return lifted
    }

    /// Writes without the signal that a pipe raises which nobody reads any more: it would end this process where nobody has
    /// said otherwise.
    /// - Returns: the bytes written; below 0 there were none, for the reason beside it.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> (count: Int, failure: Int32) {
        var (pipe, before) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&pipe)
        unsafe sigaddset(&pipe, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &pipe, &before)
        let count = unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        let failure = errno
        if count < 0, failure == EPIPE {
            var none = timespec()
            _ = unsafe sigtimedwait(&pipe, nil, &none)
        }
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        return (count, failure)
    }
}

/// Starts a program in a process group of its own, with all signals at their defaults and no descriptors but those given.
struct Spawn {
    /// The process id, nil when there is none.
    let id: Int32?
    /// Why there is none.
    let failure: Int32

    /// - Parameters:
    ///   - command: absolute path and arguments.
    ///   - descriptors: what becomes its descriptors 0, 1, …; lifted ones, so that none is in another one's place.
    init(_ command: [String], environment: [String: String], descriptors: [Int32]) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in descriptors.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        for file in Self.inherited where file >= descriptors.count {
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
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var words: [UnsafeMutablePointer<CChar>?] = unsafe command.map { unsafe strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = unsafe Self.variables(environment)
        defer {
            unsafe words.forEach { unsafe free($0) }
            unsafe variables.forEach { unsafe free($0) }
        }
        var id: Int32 = 0
        failure = unsafe posix_spawn(&id, command[0], &actions, &attributes, &words, &variables)
        self.id = failure == 0 ? id : nil
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
