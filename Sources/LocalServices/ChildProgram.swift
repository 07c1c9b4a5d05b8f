internal import Foundation
internal import Synchronization

/// A program started as a child, that ends with this process, and its standard output line by line.
///
/// A program without input of its own runs behind a small shell that holds the other end of a pipe: when this process
/// goes away, however it goes, the pipe ends and the shell ends the program. (The kernel's parent-death signal goes by
/// thread, which says nothing here, where threads come and go.) `posix_spawn` rather than Foundation's `Process`,
/// which passes on a worker thread's blocked signals: such a child cannot be told to stop.
final class ChildProgram: Sendable {
    /// The program could not be started, or did not say what was expected of it.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var status: Int32?
        var inputIsOpen = true
        var unread: [UInt8] = []
    }

    /// One start at a time: between making a pipe and marking it private, another child could inherit it.
    private static let starting = Mutex(())

    /// The child's process id, and that of its process group.
    let processID: Int32
    private let input: Int32
    private let output: Int32
    private let state = Mutex(State())

    /// - Parameter takesInput: the child's standard input is ours to write; otherwise it is empty, and its output goes
    ///   to `log`.
    /// - Parameter log: file for standard error.
    init(_ executable: String, _ arguments: [String], takesInput: Bool, log: String) throws {
        let watched = """
            exec 3<&0; "$@" </dev/null >&2 & child=$!; (read _ <&3; kill -9 $child) >/dev/null 2>&1 & \
            exec 3<&- </dev/null; wait $child
            """
        let command =
            takesInput ? [executable] + arguments : ["/bin/sh", "-c", watched, "sh", executable] + arguments
        (processID, input, output) = try ChildProgram.starting.withLock { _ in
            let (toChild, fromChild) = (try ChildProgram.pipe(), try ChildProgram.pipe())
            defer {
                close(toChild.reading)
                close(fromChild.writing)
            }
            do {
                let identifier = try ChildProgram.spawn(
                    command, input: toChild.reading, output: fromChild.writing, log: log)
                return (identifier, toChild.writing, fromChild.reading)
            } catch {
                close(toChild.writing)
                close(fromChild.reading)
                throw error
            }
        }
    }

    deinit {
        kill()
        close(output)
    }

    /// Whether it has not ended yet.
    var isRunning: Bool { state.withLock { hasEnded(&$0, waiting: false) == false } }

    /// Writes one line to the child.
    func send(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        let written = state.withLock { state in
            state.inputIsOpen ? unsafe bytes.withUnsafeBytes { unsafe write(input, $0.baseAddress, $0.count) } : -1
        }
        guard written == bytes.count else { throw Failure(description: "process \(processID) takes no input any more") }
    }

    /// The child's next line, or nil if its output ended or `timeout` passed. For one thread at a time.
    func readLine(within timeout: Duration) -> String? {
        let end = ContinuousClock.now + timeout
        while true {
            let line = state.withLock { state -> String? in
                guard let mark = state.unread.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                defer { state.unread.removeFirst(mark + 1) }
                return String(decoding: state.unread[..<mark], as: UTF8.self)
            }
            if let line { return line }
            let left = end - ContinuousClock.now
            guard left > .zero else { return nil }
            var readiness = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&readiness, 1, Int32(left / .milliseconds(1)) + 1) > 0 else { continue }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(output, &bytes, bytes.count)
            guard count > 0 else { return nil }
            state.withLock { $0.unread += bytes[..<count] }
        }
    }

    /// Ends the child in good order (its input ends, SIGTERM) and waits for it; at once if it takes 10 seconds.
    func stop() {
        state.withLock { state in
            closeInput(&state)
            guard hasEnded(&state, waiting: false) == false else { return }
            _ = Foundation.kill(-processID, SIGTERM)
            let end = ContinuousClock.now + .seconds(10)
            while hasEnded(&state, waiting: false) == false, ContinuousClock.now < end { usleep(2000) }
        }
        kill()
    }

    /// Ends the child at once, as a crash would, and waits for it.
    func kill() {
        state.withLock { state in
            if hasEnded(&state, waiting: false) == false {
                _ = Foundation.kill(-processID, SIGKILL)
                _ = hasEnded(&state, waiting: true)
            }
            closeInput(&state)
        }
    }

    private func closeInput(_ state: inout State) {
        guard state.inputIsOpen else { return }
        state.inputIsOpen = false
        close(input)
    }

    private func hasEnded(_ state: inout State, waiting: Bool) -> Bool {
        if state.status != nil { return true }
        var status: Int32 = 0
        guard unsafe waitpid(processID, &status, waiting ? 0 : WNOHANG) == processID else { return false }
        state.status = status
        return true
    }

    // MARK: System calls

    /// A pipe no other child inherits: one that did would keep it open.
    private static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe Foundation.pipe(&ends) == 0 else { throw Failure(description: "no pipe: errno \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// Starts `command` in a process group of its own, with no signal blocked or ignored.
    private static func spawn(_ command: [String], input: Int32, output: Int32, log: String) throws -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)

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
        defer { unsafe words.forEach { unsafe free($0) } }
        var identifier: pid_t = 0
        let failure = unsafe posix_spawn(&identifier, command[0], &actions, &attributes, &words, environ)
        guard failure == 0 else { throw Failure(description: "\(command[0]): not started, errno \(failure)") }
        return identifier
    }
}
