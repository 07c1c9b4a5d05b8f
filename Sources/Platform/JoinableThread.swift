#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The system gives no thread: its limit on processes is reached, or there is no memory for a stack.
package struct NoThread: Error, CustomStringConvertible {
    let name: String
    let reason: String

    /// What it means for the user.
    package var description: String {
        "no thread can be started for \(name): \(reason); raise the limit on processes and threads (ulimit -u, a container's "
            + "pids limit), or lower workers"
    }
}

/// A thread whose end can be waited for. Foundation's `Thread` says nothing when there is none to be had.
package final class JoinableThread: Sendable {
    private static let stackBytes = 1 << 20
    private let ended = Monitor(false)

    /// Starts a thread, which works for whom the calling one does.
    /// - Parameter name: shown by `ps -L` and debuggers, cut to 15 bytes.
    /// - Throws: `NoThread`; trying again later may help.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(NoThread) {
        let ended = ended
        let start = Start(name: name, work: ThreadWork.current) {
            body()
            ended.update { $0 = true }
        }
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, Self.stackBytes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let retained = unsafe Unmanaged.passRetained(start)
        let failure = unsafe pthread_create(
            &thread, &attributes,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                start.run()
                return nil
            }, retained.toOpaque())
        guard failure != 0 else { return }
        unsafe retained.release()
        throw NoThread(name: name, reason: unsafe String(cString: strerror(failure)))
    }

    /// Waits for the end of the thread.
    package func join() {
        _ = ended.wait { $0 ? true : nil }
    }

    /// What a new thread begins with.
    private final class Start: Sendable {
        let name: String
        let work: String
        let body: @Sendable () -> Void

        init(name: String, work: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.work = work
            self.body = body
        }

        func run() {
            // Linux's own way: the C library's is not in Swift's module of it.
            if let file = unsafe fopen("/proc/thread-self/comm", "w") {
                unsafe fputs(String(decoding: name.utf8.prefix(15), as: UTF8.self), file)
                unsafe fclose(file)
            }
            ThreadWork.set(work)
            body()
        }
    }
}
