import CLibPQ
import Glibc

/// Owns one established `PGconn` in non-blocking mode and offers the steps of a conversation; the order of the steps
/// is ``Connection``'s business. Nothing here blocks except ``wait(forWriting:until:)``.
///
/// Sendable: libpq allows one thread at a time, and a non-copyable value with mutating steps has one user at a time.
@safe struct ConnectionHandle: ~Copyable, @unchecked Sendable {
    private let pointer: OpaquePointer
    /// libpq keeps an unretained reference to it.
    private let notices: NoticeRouter

    /// Takes ownership of a connection that reports to `notices`.
    init(adopting pointer: OpaquePointer, notices: NoticeRouter) {
        unsafe self.pointer = pointer
        self.notices = notices
        unsafe PQsetnonblocking(pointer, 1)
        // Notices and errors are read field by field; the formatted text is only libpq's fallback.
        unsafe PQsetErrorVerbosity(pointer, PQERRORS_DEFAULT)
    }

    deinit {
        unsafe PQfinish(pointer)
    }

    // MARK: - State

    var isUsable: Bool { unsafe PQstatus(pointer) == CONNECTION_OK }
    var transactionStatus: PGTransactionStatusType { unsafe PQtransactionStatus(pointer) }
    var serverVersion: Int { Int(unsafe PQserverVersion(pointer)) }
    var backendPID: Int32 { unsafe PQbackendPID(pointer) }
    var errorMessage: String { unsafe String(cString: PQerrorMessage(pointer)).singleLine }
    func makeCancelHandle() -> CancelHandle? { unsafe CancelHandle(of: pointer) }

    /// `TLSv1.3` and the like; nil when the connection is not encrypted.
    var tlsVersion: String? {
        guard unsafe PQsslInUse(pointer) == 1, let name = unsafe PQsslAttribute(pointer, "protocol") else { return nil }
        return unsafe String(cString: name)
    }

    /// A value the server reports by itself, such as `server_encoding`.
    func serverParameter(_ name: String) -> String? {
        guard let value = unsafe PQparameterStatus(pointer, name) else { return nil }
        return unsafe String(cString: value)
    }

    // MARK: - Sending

    mutating func sendSimple(_ sql: String) -> Bool {
        unsafe PQsendQuery(pointer, sql) == 1
    }

    mutating func send(_ sql: String, _ parameters: [Parameter]) throws(PostgresError) -> Bool {
        let pointer = unsafe pointer
        return try ParameterBinding.withBinding(of: parameters) { binding in
            unsafe PQsendQueryParams(
                pointer, sql, CInt(binding.types.count), binding.types, binding.values, binding.lengths,
                binding.formats, 1) == 1
        }
    }

    /// Asks libpq to hand over the rows of the statement just sent as they arrive, instead of all at once.
    mutating func streamRows() -> Bool { unsafe RowMode.set(on: pointer) }

    mutating func enterPipelineMode() -> Bool { unsafe PQenterPipelineMode(pointer) == 1 }
    mutating func exitPipelineMode() -> Bool { unsafe PQexitPipelineMode(pointer) == 1 }
    mutating func sendSync() -> Bool { unsafe PQpipelineSync(pointer) == 1 }

    /// What is left in libpq's send buffer after writing what the socket takes.
    enum Flush { case done, pending, failed }

    mutating func flush() -> Flush {
        switch unsafe PQflush(pointer) {
        case 0: .done
        case 1: .pending
        default: .failed
        }
    }

    // MARK: - Receiving

    /// Reads what the socket holds; false when the connection is gone.
    mutating func consumeInput() -> Bool { unsafe PQconsumeInput(pointer) == 1 }

    /// True when ``nextResult()`` would block.
    var isBusy: Bool { unsafe PQisBusy(pointer) == 1 }

    mutating func nextResult() -> ResultHandle? {
        guard let result = unsafe PQgetResult(pointer) else { return nil }
        return unsafe ResultHandle(adopting: result)
    }

    /// The next result, its rows in `rows` if it has any.
    mutating func nextRows(into rows: inout RowBuffer) -> RowAnswer {
        guard let result = unsafe PQgetResult(pointer) else { return .end }
        let status = unsafe PQresultStatus(result)
        guard status == PGRES_SINGLE_TUPLE || status == RowMode.chunk else {
            return unsafe .other(ResultHandle(adopting: result))
        }
        unsafe rows.adopt(result)
        return .rows
    }

    /// What a conversation that streams rows brings.
    enum RowAnswer {
        /// Rows, in the buffer.
        case rows
        /// The end of the rows, an error, or what was not asked for.
        case other(ResultHandle)
        /// The conversation is over.
        case end
    }

    /// The next notification that has arrived, nil when there is none.
    mutating func nextNotification() -> Notification? {
        guard let found = unsafe PQnotifies(pointer) else { return nil }
        defer { unsafe PQfreemem(found) }
        return unsafe Notification(
            channel: String(cString: found.pointee.relname), payload: String(cString: found.pointee.extra))
    }

    // MARK: - Waiting

    enum Wake { case ready, timedOut, failed, rung }

    /// Blocks until the socket can be read (or written, if asked for), the deadline has passed, or another descriptor has
    /// input (`rung`).
    func wait(forWriting: Bool, until deadline: ContinuousClock.Instant?, orInputOf bell: Int32? = nil) -> Wake {
        unsafe Socket.wait(
            PQsocket(pointer), forWriting: forWriting, forReading: true, until: deadline, orInputOf: bell)
    }

    /// True when bytes or the end of the stream wait in the socket.
    var hasInput: Bool { wait(forWriting: false, until: .now) == .ready }

    /// Ends the conversation at once, without a word to the server; it sees a closed socket.
    mutating func abandon() {
        let socket = unsafe PQsocket(pointer)
        if socket >= 0 { shutdown(socket, Int32(SHUT_RDWR)) }
    }
}

/// Waiting for a socket.
enum Socket {
    static func wait(
        _ socket: Int32, forWriting: Bool, forReading: Bool, until deadline: ContinuousClock.Instant?,
        orInputOf bell: Int32? = nil
    ) -> ConnectionHandle.Wake {
        guard socket >= 0 else { return .failed }
        let events = (forReading ? POLLIN : 0) | (forWriting ? POLLOUT : 0)
        while true {
            // The system passes over a descriptor below 0.
            var entries = [
                pollfd(fd: socket, events: Int16(events), revents: 0),
                pollfd(fd: bell ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let milliseconds = deadline.map { millisecondsLeft(until: $0) } ?? -1
            let count = unsafe poll(&entries, nfds_t(entries.count), milliseconds)
            if count > 0 { return entries[0].revents != 0 ? .ready : .rung }
            if count < 0, errno != EINTR { return .failed }
            if let deadline, deadline <= .now { return .timedOut }
        }
    }

    /// Rounded up, so that a wait never turns into spinning before its deadline.
    private static func millisecondsLeft(until deadline: ContinuousClock.Instant) -> CInt {
        let left = ContinuousClock.now.duration(to: deadline)
        if left <= .zero { return 0 }
        let (seconds, attoseconds) = left.components
        let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
        if milliseconds.overflow || milliseconds.partialValue >= Int64(CInt.max) - 1000 { return CInt.max }
        return CInt(milliseconds.partialValue + attoseconds / 1_000_000_000_000_000 + 1)
    }
}
