import Foundation
import Synchronization

/// Standard error, a line at a time. Logging never ends the program and never stops it: a line that cannot be written
/// (a full disk) or that nobody takes (a pipe whose reader sleeps) is dropped, and how many were is said when lines get
/// through again.
enum StandardError {
    private static let sink = Mutex(LineSink(descriptor: STDERR_FILENO))

    /// Writes a line. While progress lines are on the terminal, they are erased first and come again by themselves.
    static func write(_ line: String) {
        sink.withLock { $0.write(line) }
    }

    /// Replaces the progress lines.
    static func writeProgress(_ lines: [String]) {
        sink.withLock { $0.writeProgress(lines) }
    }
}

/// Lines to a file descriptor that may refuse them.
struct LineSink {
    /// How long a reader that sleeps is waited for, once: then lines are dropped until it takes some again.
    static let patience = Duration.milliseconds(200)
    /// Writes of this size never block a pipe that can be written to.
    private static let chunkBytes = Int(PIPE_BUF)

    private let descriptor: Int32
    private var dropped = 0
    private var progressLines = 0

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Writes a line, above the progress lines if there are any.
    mutating func write(_ line: String) {
        if dropped > 0 {
            let notice = "millrace: \(dropped) line(s) of this log could not be written\n"
            guard put(eraseProgress() + notice, patience: .zero) else {
                dropped += 1
                return
            }
            dropped = 0
        }
        if !put(eraseProgress() + line + "\n", patience: Self.patience) { dropped += 1 }
    }

    /// Replaces the progress lines; none erases them.
    mutating func writeProgress(_ lines: [String]) {
        // A terminal that takes nothing now gets the next ones.
        let text = eraseProgress() + lines.joined(separator: "\n")
        if put(text, patience: .zero) { progressLines = lines.count }
    }

    /// What moves the cursor to where the progress lines begin and clears everything from there.
    private mutating func eraseProgress() -> String {
        guard progressLines > 0 else { return "" }
        defer { progressLines = 0 }
        return (progressLines > 1 ? "\u{1B}[\(progressLines - 1)A" : "") + "\r\u{1B}[J"
    }

    /// False when it could not be written, or not whole.
    private func put(_ text: String, patience: Duration) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            guard isWritable(within: patience) else { return false }
            let count = unsafe bytes.prefix(Self.chunkBytes).withUnsafeBytes {
                unsafe Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 {
                guard errno == EINTR || errno == EAGAIN else { return false }
            } else {
                bytes = bytes.dropFirst(count)
            }
        }
        return true
    }

    private func isWritable(within patience: Duration) -> Bool {
        let deadline = ContinuousClock.now + patience
        while true {
            var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let left = max(.zero, deadline - .now)
            let found = unsafe poll(&request, 1, Int32(left / .milliseconds(1)))
            if found > 0 { return request.revents & Int16(POLLOUT) != 0 }
            guard found < 0, errno == EINTR else { return false }
        }
    }
}
