internal import Foundation

/// What the broker's only thread waits for: SIGINT and SIGTERM, and lines on standard input if wanted.
struct BrokerInbox {
    enum Message {
        /// A signal came, or the input ended.
        case stop
        case line(String)
        case nothing
    }

    private let readsInput: Bool
    private var unread: [UInt8] = []

    /// Takes SIGINT and SIGTERM for the whole process; before any thread is started.
    init(readsInput: Bool) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGINT)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigprocmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
        self.readsInput = readsInput
    }

    /// The next message, or `nothing` after `milliseconds`; a signal is seen at the latest then.
    mutating func next(withinMilliseconds milliseconds: Int32) -> Message {
        if stopIsPending { return .stop }
        if let line = takeLine() { return .line(line) }
        var source = pollfd(fd: readsInput ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&source, 1, milliseconds) > 0 else { return .nothing }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(STDIN_FILENO, &bytes, bytes.count)
        guard count > 0 else { return .stop }
        unread += bytes[..<count]
        return takeLine().map(Message.line) ?? .nothing
    }

    /// Whether SIGINT or SIGTERM has come; both stay blocked, so they wait to be asked for.
    private var stopIsPending: Bool {
        var set = sigset_t()
        unsafe sigpending(&set)
        return unsafe sigismember(&set, SIGINT) == 1 || sigismember(&set, SIGTERM) == 1
    }

    private mutating func takeLine() -> String? {
        guard let mark = unread.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { unread.removeFirst(mark + 1) }
        return String(decoding: unread[..<mark], as: UTF8.self)
    }
}
