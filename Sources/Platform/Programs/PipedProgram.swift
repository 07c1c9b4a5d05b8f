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
/// It is started behind a shell that reports it to a `ProgramGuard` and makes it the kernel's first choice when memory runs
/// out; the shell then becomes the program.
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
        let (toProgram, fromProgram, complaints) = (try PrivatePipe(), try PrivatePipe(), try PrivatePipe())
        defer { for end in [toProgram.reading, fromProgram.writing, complaints.writing] { close(end) } }
        do {
            id = try Spawn.start(
                ["/bin/sh", "-c", Self.script, "millrace-exec"] + command, environment: environment,
                descriptors: [toProgram.reading, fromProgram.writing, complaints.writing, programGuard.descriptor])
        } catch {
            for end in [toProgram.writing, fromProgram.reading, complaints.reading] { close(end) }
            throw error
        }
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
        let (count, failure) = unsafe PrivatePipe.write(bytes, to: input)
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
