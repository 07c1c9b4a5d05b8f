internal import Foundation
internal import Synchronization

/// A program started as a child, that ends with this process, and its standard output line by line.
///
/// The program runs behind a small shell that holds the other end of a pipe: when this process goes away, however it
/// goes, the pipe ends and the shell ends the program. (The kernel's parent-death signal goes by thread, which says
/// nothing here, where threads come and go.)
final class ChildProgram: Sendable {
    /// The program could not be started, or did not say what was expected of it.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let process: Mutex<Process>
    private let input: FileHandle
    private let output: FileHandle
    private let unread = Mutex<[UInt8]>([])

    /// - Parameter takesInput: the child's standard input is ours to write; otherwise it is empty.
    init(_ executable: String, _ arguments: [String], takesInput: Bool, log: String? = nil) throws {
        let process = Process()
        let (toChild, fromChild) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        // With input of its own the child sees the pipe end by itself; the shell only watches over the others.
        let watched = """
            exec 3<&0; "$@" </dev/null >&2 & child=$!; trap 'kill -9 $child' TERM; \
            (read _ <&3; kill $child 2>/dev/null) >/dev/null 2>&1 & \
            exec 3<&-; wait $child
            """
        process.arguments = ["-c", takesInput ? "exec \"$@\"" : watched, "sh", executable] + arguments
        process.standardInput = toChild
        process.standardOutput = fromChild
        if let log {
            // Creating a file replaces what is there, which must not happen to a device.
            if !FileManager.default.fileExists(atPath: log) {
                _ = FileManager.default.createFile(atPath: log, contents: nil)
            }
            guard let file = FileHandle(forWritingAtPath: log) else {
                throw Failure(description: "\(log): cannot be written")
            }
            process.standardError = file
        }
        try process.run()
        // Our copy of the child's end would keep the output open after the child has gone.
        try fromChild.fileHandleForWriting.close()
        try toChild.fileHandleForReading.close()
        input = toChild.fileHandleForWriting
        output = fromChild.fileHandleForReading
        self.process = Mutex(process)
    }

    deinit { kill() }

    /// The child's process id (the shell's, for programs without input).
    var processID: Int32 { process.withLock { $0.processIdentifier } }

    var isRunning: Bool { process.withLock { $0.isRunning } }

    /// Writes one line to the child.
    func send(_ line: String) throws { try input.write(contentsOf: Data((line + "\n").utf8)) }

    /// The child's next line, or nil if its output ended or `timeout` passed.
    func readLine(within timeout: Duration) -> String? {
        let end = ContinuousClock.now + timeout
        return unread.withLock { bytes in
            while true {
                if let mark = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                    defer { bytes.removeFirst(mark + 1) }
                    return String(decoding: bytes[..<mark], as: UTF8.self)
                }
                let left = end - ContinuousClock.now
                guard left > .zero else { return nil }
                var readiness = pollfd(fd: output.fileDescriptor, events: Int16(POLLIN), revents: 0)
                let milliseconds = Int32(clamping: left.components.seconds * 1000 + 1)
                guard unsafe poll(&readiness, 1, max(1, milliseconds)) > 0 else { continue }
                let data = output.availableData
                guard !data.isEmpty else { return nil }
                bytes += data
            }
        }
    }

    /// Ends the child in good order and waits for it.
    func stop() {
        try? input.close()  // The end of its input is one of the ways the child learns that it should stop.
        process.withLock { process in
            if process.isRunning { process.terminate() }
            process.waitUntilExit()
        }
    }

    /// Ends the child at once, as a crash would, and waits for it.
    func kill() {
        try? input.close()  // For the shell's watch over a program without input.
        process.withLock { process in
            guard process.isRunning else { return }
            _ = Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }
}
