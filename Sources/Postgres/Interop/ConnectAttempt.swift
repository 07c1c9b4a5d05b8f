import CLibPQ
import Dispatch
import Glibc
import Synchronization

/// Makes a connection on a thread of its own, so that the caller's deadline holds even while the system's resolver or
/// one of several dead hosts keeps libpq busy. An attempt that comes too late closes its connection itself.
enum ConnectAttempt {
    /// What the attempt leaves for the caller. Whatever is put in after the caller has left is dropped, and dropping a
    /// connection closes it.
    private struct Outcome: ~Copyable {
        var isAbandoned = false
        var connection: ConnectionHandle?
        var error: PostgresError?
    }

    private final class Handover: Sendable {
        private let outcome = Mutex(Outcome())
        private let done = DispatchSemaphore(value: 0)

        func put(_ connection: consuming ConnectionHandle) {
            var arrived: ConnectionHandle? = consume connection
            outcome.withLock { if !$0.isAbandoned { $0.connection = arrived.take() } }
            done.signal()
        }

        func put(_ error: PostgresError) {
            outcome.withLock { $0.error = error }
            done.signal()
        }

        /// Blocks until something was put in, or the deadline has passed, or nobody wants it any more; then answers nil.
        func take(
            until deadline: ContinuousClock.Instant?, unless isCancelled: () -> Bool
        ) throws(PostgresError) -> ConnectionHandle? {
            while true {
                let look = ContinuousClock.now + .milliseconds(100)
                let end = deadline.map { min($0, look) } ?? look
                if done.wait(timeout: DispatchTime(end)) == .success { break }
                if let deadline, deadline <= .now { break }
                if isCancelled() { break }
            }
            var taken: ConnectionHandle?
            let error = outcome.withLock { outcome in
                outcome.isAbandoned = true
                taken = outcome.connection.take()
                return outcome.error
            }
            if let error { throw error }
            return taken
        }
    }

    static func run(
        _ settings: ConnectionSettings, deadline: ContinuousClock.Instant?, isCancelled: () -> Bool,
        notices: NoticeRouter
    ) throws(PostgresError) -> ConnectionHandle {
        let handover = Handover()
        let isStarted = DetachedThread.run {
            do throws(PostgresError) {
                handover.put(try establish(settings, until: deadline, notices))
            } catch {
                handover.put(error)
            }
        }
        guard isStarted else {
            throw PostgresError(.connection, "connect: no thread available", isConnectionLost: true)
        }
        guard let connection = try handover.take(until: deadline, unless: isCancelled) else {
            if isCancelled() { throw PostgresError(.cancelled, "connect: given up", isConnectionLost: true) }
            throw timeout(settings)
        }
        return connection
    }

    private static func establish(
        _ settings: ConnectionSettings, until deadline: ContinuousClock.Instant?, _ notices: NoticeRouter
    ) throws(PostgresError) -> ConnectionHandle {
        _ = neverAsk
        guard let connection = unsafe ConninfoOptions.start(settings.options) else {
            throw PostgresError(.connection, "connect: out of memory", isConnectionLost: true)
        }
        unsafe notices.attach(to: connection)
        // libpq hands out no SQLSTATE for a refused connection; in verbose messages it can be read.
        unsafe PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        if settings.hasSeveralHosts {
            // Only libpq's blocking loop goes on to the next host when one does not answer, and only a reset keeps
            // the notice receiver while using it.
            if unsafe PQstatus(connection) != CONNECTION_BAD { unsafe PQreset(connection) }
        } else {
            let limit = settings.connectTimeout.map { ContinuousClock.now + $0 }
            let end = [deadline, limit].compactMap { $0 }.min()
            guard unsafe finish(connection, until: end) else {
                unsafe PQfinish(connection)
                throw timeout(settings)
            }
        }
        guard unsafe PQstatus(connection) == CONNECTION_OK else {
            let error = unsafe refusal(connection)
            unsafe PQfinish(connection)
            throw error
        }
        return unsafe ConnectionHandle(adopting: connection, notices: notices)
    }

    /// Without a hook, OpenSSL asks on the terminal for the password of an encrypted client key, and waits for ever.
    private static let neverAsk: Void = unsafe PQsetSSLKeyPassHook_OpenSSL(PQdefaultSSLKeyPassHook_OpenSSL)

    /// False when the time is over; otherwise libpq has a verdict.
    private static func finish(_ connection: OpaquePointer, until deadline: ContinuousClock.Instant?) -> Bool {
        var state = PGRES_POLLING_WRITING
        while unsafe PQstatus(connection) != CONNECTION_BAD {
            if state == PGRES_POLLING_OK || state == PGRES_POLLING_FAILED { return true }
            let isWriting = state == PGRES_POLLING_WRITING
            let socket = unsafe PQsocket(connection)
            switch Socket.wait(socket, forWriting: isWriting, forReading: !isWriting, until: deadline) {
            case .timedOut: return false
            case .ready, .failed, .rung: state = unsafe PQconnectPoll(connection)
            }
        }
        return true
    }

    private static func timeout(_ settings: ConnectionSettings) -> PostgresError {
        PostgresError(
            .timeout, "connect: no answer in time from \(settings.redactedDescription)", isConnectionLost: true)
    }

    /// Reads libpq's verbose message: `… FATAL:  28P01: password authentication failed for user "app"`.
    private static func refusal(_ connection: OpaquePointer) -> PostgresError {
        let text = unsafe String(cString: PQerrorMessage(connection))
        var sqlState: String?
        var lines: [String] = []
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("LOCATION:") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            let code = words.first { word in
                word.utf8.count == 6 && word.last == ":"
                    && word.dropLast().allSatisfy { $0.isASCII && ($0.isNumber || $0.isUppercase) }
                    && word.contains(where: \.isNumber)
            }
            if let code { sqlState = String(code.dropLast()) }
            lines.append(words.filter { $0 != code }.joined(separator: " "))
        }
        var error = PostgresError(
            sqlState == nil ? .connection : .server, lines.joined(separator: "\n").singleLine, sqlState: sqlState,
            isConnectionLost: true)
        error.isFromConnecting = true
        error.isPasswordMissing = unsafe PQconnectionNeedsPassword(connection) == 1
        if error.hint == nil { error.hint = error.settingAtFault }
        return error
    }
}

extension DispatchTime {
    /// The same moment; `distantFuture` for nil.
    init(_ deadline: ContinuousClock.Instant?) {
        guard let deadline else {
            self = .distantFuture
            return
        }
        let left = ContinuousClock.now.duration(to: deadline)
        let (seconds, attoseconds) = left.components
        let bounded = min(max(seconds, -1), 1_000_000_000)
        self = .now() + .nanoseconds(Int(bounded * 1_000_000_000 + attoseconds / 1_000_000_000))
    }
}
