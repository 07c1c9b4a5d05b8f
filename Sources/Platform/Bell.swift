import Glibc

/// Wakes a thread that waits for the input of a descriptor: rung from any thread, and heard once however often.
package final class Bell: Sendable {
    /// Has input while the bell has been rung and not heard.
    package let descriptor: Int32
    private let writing: Int32

    /// A bell that has not been rung.
    /// - Throws: `ProgramFailure` when the system has no descriptor left.
    package init() throws(ProgramFailure) {
        let pipe = try PrivatePipe()
        (descriptor, writing) = (pipe.reading, pipe.writing)
        for end in [descriptor, writing] { _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK) }
    }

    deinit {
        close(descriptor)
        close(writing)
    }

    /// Wakes whoever waits, or the next one who will. Does not block.
    package func ring() {
        // Where there is no room for another byte, there is input already.
        _ = unsafe [UInt8(1)].withUnsafeBytes { unsafe PrivatePipe.write($0, to: writing) }
    }

    /// Takes note of all that has been rung so far. By the thread that waits.
    package func hear() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while unsafe read(descriptor, &bytes, bytes.count) > 0 {}
    }

    /// Waits until it is rung, or a moment has come, or a minute is over; hears it.
    package func wait(until end: ContinuousClock.Instant) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let milliseconds = max(0, min((end - .now) / .milliseconds(1), 60_000)).rounded(.up)
        _ = unsafe poll(&entry, 1, Int32(milliseconds))
        hear()
    }
}
