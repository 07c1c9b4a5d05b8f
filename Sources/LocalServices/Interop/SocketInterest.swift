import Glibc

/// What somebody waits for on a socket.
struct SocketInterest: Sendable, Equatable {
    var socket: Int32
    var reading = false
    var writing = false

    /// Blocks until a socket is ready or the pipe rings; answers the sockets that are ready.
    static func wait(for interests: [SocketInterest], or wake: WakePipe) -> [Int32] {
        var entries = interests.map { interest in
            let events = (interest.reading ? POLLIN : 0) | (interest.writing ? POLLOUT : 0)
            return pollfd(fd: interest.socket, events: Int16(events), revents: 0)
        }
        entries.append(pollfd(fd: wake.readEnd, events: Int16(POLLIN), revents: 0))
        guard unsafe poll(&entries, nfds_t(entries.count), -1) > 0 else { return [] }
        if entries.removeLast().revents != 0 { wake.silence() }
        return entries.filter { $0.revents != 0 }.map(\.fd)
    }
}

/// Wakes a thread that waits in `poll`.
final class WakePipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    /// Nil when the system has no descriptor left.
    init?() {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func ring() {
        var byte: UInt8 = 1
        // A full pipe rings already.
        _ = unsafe write(writeEnd, &byte, 1)
    }

    func silence() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while unsafe read(readEnd, &bytes, bytes.count) == bytes.count {}
    }
}

/// A thread for work that blocks.
enum ServiceThread {
    private final class Work: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    /// Answers false when the system has no thread left; then `body` never runs.
    static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        let context = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                unsafe Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().body()
                return nil
            }, context)
        guard code == 0 else {
            unsafe Unmanaged<Work>.fromOpaque(context).release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
