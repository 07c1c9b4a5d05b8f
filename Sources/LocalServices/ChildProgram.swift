internal import Foundation
import Platform
internal import Synchronization

/// A program started as a child, that ends with this process, and its standard output line by line.
///
/// A program without input of its own runs behind a small shell that holds the other end of a pipe: when this process
/// goes away, however it goes, the pipe ends and the shell ends the program. (The kernel's parent-death signal goes by
/// thread, which says nothing here, where threads come and go.)
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

    /// The child's process id, and that of its process group.
    let processID: Int32
    private let input: Int32
    private let output: Int32
    private let state = Mutex(State())

    /// - Parameter takesInput: the child's standard input is ours to write; otherwise it is empty, and its output goes
    ///   to `log`.
    /// - Parameter log: file for standard error; nil drops it.
    init(_ executable: String, _ arguments: [String], takesInput: Bool, log: String?) throws {
        let watched = """
            exec 3<&0; "$@" </dev/null >&2 & child=$!; (read _ <&3; kill -9 $child) >/dev/null 2>&1 & \
            exec 3<&- </dev/null; wait $child
            """
        let command =
            takesInput ? [executable] + arguments : ["/bin/sh", "-c", watched, "sh", executable] + arguments
        let (toChild, fromChild) = (try PrivatePipe(), try PrivatePipe())
        let errors = try Spawn.open(log)
        defer { for end in [toChild.reading, fromChild.writing, errors] { close(end) } }
        do {
            processID = try Spawn.start(command, descriptors: [toChild.reading, fromChild.writing, errors])
        } catch {
            for end in [toChild.writing, fromChild.reading] { close(end) }
            throw error
        }
        (input, output) = (toChild.writing, fromChild.reading)
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
}
