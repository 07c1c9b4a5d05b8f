import CLibPQ
import Dispatch

/// One connection to a PostgreSQL server.
///
/// Every call blocks its thread until the server has answered, so a connection belongs on a thread of its own and
/// never on Swift's cooperative pool. It can be moved between threads, not shared; only its ``canceller`` can.
/// Statements are never named, so PgBouncer in transaction mode works. Parameters and results travel in binary.
///
/// A `deadline` bounds a call: when it passes, the statement is cancelled and the call throws
/// ``PostgresError/Kind/timeout``. If the server confirms within two seconds the connection stays usable, otherwise it
/// is closed and the error says that the outcome is unknown. A statement that is done just in time returns normally.
/// A ``watch`` bounds silence instead, and can end a call at any moment.
public struct Connection: ~Copyable, Sendable {
    /// Cancels the running statement from another thread.
    public let canceller: Canceller
    /// Asked during every silence of the server; nil waits for as long as the deadline allows.
    public var watch: SilenceWatch?
    /// The server process that works for this connection, and since when.
    public internal(set) var process: ServerProcess?
    /// The schemas of the role's own search path when the connection was made, without those of the system.
    public internal(set) var userSchemas: [String] = []
    var handle: ConnectionHandle
    var isBroken = false

    /// Connects, with TLS as the settings ask, and makes the session ready: see ``adoptSession(deadline:)``.
    ///
    /// - Parameters:
    ///   - settings: where to.
    ///   - deadline: bounds the whole attempt, name lookup and all hosts included.
    ///   - isCancelled: asked several times a second; true ends the attempt with ``PostgresError/Kind/cancelled``.
    ///   - onNotice: receives what the server says beside its answers; nothing is printed.
    /// - Throws: ``PostgresError``; ``PostgresError/fate-swift.property`` tells a wrong password from a server that is
    ///   away. Nothing was executed.
    public static func connect(
        _ settings: ConnectionSettings,
        deadline: ContinuousClock.Instant? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false },
        onNotice: @escaping Notice.Handler = { _ in }
    ) throws(PostgresError) -> Connection {
        let handle = try ConnectAttempt.run(
            settings, deadline: deadline, isCancelled: isCancelled, notices: NoticeRouter(onNotice))
        guard let cancelHandle = handle.makeCancelHandle() else {
            throw PostgresError(.connection, "connect: out of memory", isConnectionLost: true)
        }
        var connection = Connection(canceller: Canceller(cancelHandle), handle: handle)
        connection.watch = SilenceWatch { _ in isCancelled() ? .cancel : .wait }
        try connection.adoptSession(deadline: deadline)
        connection.watch = nil
        return connection
    }

    private init(canceller: Canceller, handle: consuming ConnectionHandle) {
        self.canceller = canceller
        self.handle = handle
    }

    /// Says goodbye to the server and closes. Going out of scope does the same.
    public consuming func close() {}

    // MARK: - Statements

    /// Runs one or several statements without parameters and drops their rows. Several statements without `BEGIN`
    /// are one transaction.
    /// - Throws: ``PostgresError``, the first that occurs; the statements after it did not run.
    public mutating func execute(_ sql: String, deadline: ContinuousClock.Instant? = nil) throws(PostgresError) {
        try checkReady(sql)
        guard handle.sendSimple(sql) else { throw refusedToSend(afterOthers: false) }
        var patience = Patience(deadline)
        _ = try receive(isPipelined: false, &patience)
    }

    /// Runs one statement and answers its rows.
    /// - Parameters:
    ///   - sql: one statement with `$1`, `$2`, …
    ///   - parameters: their values.
    ///   - deadline: when to cancel it.
    /// - Throws: ``PostgresError``. Outside a transaction nothing of the statement has happened, unless
    ///   ``PostgresError/isOutcomeUnknown`` is true.
    @discardableResult
    public mutating func query(
        _ sql: String, _ parameters: [Parameter] = [], deadline: ContinuousClock.Instant? = nil
    ) throws(PostgresError) -> QueryResult {
        try checkReady(sql)
        guard try handle.send(sql, parameters) else { throw refusedToSend(afterOthers: false) }
        var patience = Patience(deadline)
        let results = try receive(isPipelined: false, &patience)
        guard let result = results.last else {
            throw PostgresError(.protocolViolation, "the server sent no answer", isConnectionLost: isBroken)
        }
        return result
    }

    /// Runs several statements in one round trip and answers the result of each.
    ///
    /// Without `BEGIN` among them they are one transaction. After an error the rest is skipped; the error's
    /// `statementIndex` tells which it was. A transaction opened before is then still open, and has failed.
    /// Each statement is handed to the network before the next is encoded, so libpq's send buffer holds one of them.
    ///
    /// - Throws: ``PostgresError``, the first that occurs.
    public mutating func pipeline(
        deadline: ContinuousClock.Instant? = nil, _ build: (inout Pipeline) -> Void
    ) throws(PostgresError) -> [QueryResult] {
        var pipeline = Pipeline()
        build(&pipeline)
        for statement in pipeline.statements {
            try checkReady(statement.sql)
            try ParameterBinding.check(statement.parameters)
        }
        guard !pipeline.statements.isEmpty else { return [] }
        guard handle.enterPipelineMode() else { throw refusedToSend(afterOthers: false) }
        var patience = Patience(deadline)
        for (index, statement) in pipeline.statements.enumerated() {
            guard try handle.send(statement.sql, statement.parameters) else {
                throw refusedToSend(afterOthers: index > 0)
            }
            try pump(&patience, untilAnswered: false)
        }
        guard handle.sendSync() else { throw refusedToSend(afterOthers: true) }
        return try receive(isPipelined: true, &patience)
    }

    // MARK: - State

    /// What a connection is doing, as the server last reported.
    public enum TransactionStatus: Sendable, Equatable {
        /// Outside a transaction.
        case idle
        /// In a transaction that can go on.
        case inTransaction
        /// In a transaction that failed and waits for ROLLBACK.
        case failed
        /// The connection is lost.
        case unknown
    }

    /// Whether a transaction is open.
    public var transactionStatus: TransactionStatus {
        if isBroken { return .unknown }
        switch handle.transactionStatus {
        case PQTRANS_IDLE: return .idle
        case PQTRANS_INTRANS: return .inTransaction
        case PQTRANS_INERROR: return .failed
        default: return .unknown
        }
    }

    /// Whether the connection still stands as far as this side can tell without asking: false once the server has
    /// closed it. Does not block and sends nothing.
    public mutating func isAlive() -> Bool {
        while !isBroken, handle.hasInput {
            if !handle.consumeInput() { isBroken = true }
            // Lets libpq parse what came, which hands notices to their handler.
            _ = handle.isBusy
        }
        if !handle.isUsable { isBroken = true }
        return !isBroken
    }

    /// The server's version, such as 150018 for 15.18.
    public var serverVersion: Int { handle.serverVersion }

    /// Process id of the server process behind this connection (behind a pooler: the pooler's word).
    public var backendPID: Int32 { handle.backendPID }

    /// Such as `TLSv1.3`; nil when the connection is not encrypted.
    public var tlsVersion: String? { handle.tlsVersion }

    /// The name this connection goes by in `pg_stat_activity`.
    public var applicationName: String { handle.serverParameter("application_name") ?? "" }

    /// A setting that the server reports by itself, such as `server_encoding` or `in_hot_standby`.
    public func serverParameter(_ name: String) -> String? { handle.serverParameter(name) }
}

// MARK: - Conversation

extension Connection {
    /// How long a call still waits, and what it has done about it.
    struct Patience {
        var end: ContinuousClock.Instant?
        /// When bytes moved last.
        var lastSign = ContinuousClock.now
        var isCancelling = false
        var cancelDone: DispatchSemaphore?

        init(_ deadline: ContinuousClock.Instant?) {
            end = deadline
        }
    }

    func checkReady(_ sql: String) throws(PostgresError) {
        guard !isBroken, handle.isUsable else {
            throw PostgresError(.connection, "the connection is closed", isConnectionLost: true)
        }
        // C would silently cut the statement there.
        guard !sql.utf8.contains(0) else { throw PostgresError(.usage, "a statement holds a NUL character") }
    }

    /// libpq did not take a statement: without connection or memory. What came before it may be on its way.
    mutating func refusedToSend(afterOthers: Bool) -> PostgresError {
        let error = PostgresError(
            .connection, "send: \(handle.errorMessage)", isConnectionLost: true, isOutcomeUnknown: afterOthers)
        giveUp()
        return error
    }

    mutating func giveUp() {
        isBroken = true
        handle.abandon()
    }

    /// Moves bytes until everything is sent and, if asked for, libpq has a result to fetch.
    mutating func pump(_ patience: inout Patience, untilAnswered: Bool) throws(PostgresError) {
        while true {
            // A failed write is no verdict yet: the reason may wait in the receive buffer.
            let isSending = handle.flush() == .pending
            if !isSending, !untilAnswered || !handle.isBusy { return }
            switch handle.wait(forWriting: isSending, until: nextMoment(patience)) {
            case .timedOut:
                if let end = patience.end, end <= .now { try loseTime(&patience) } else { try askWatch(patience) }
            case .ready, .failed, .rung:
                patience.lastSign = .now
                if !handle.consumeInput() { return }
            }
        }
    }

    /// When a silent wait has something to do: the deadline, or the watch's next look.
    private func nextMoment(_ patience: Patience) -> ContinuousClock.Instant? {
        guard let watch else { return patience.end }
        let look = ContinuousClock.now + watch.interval
        return patience.end.map { min($0, look) } ?? look
    }

    /// Closes the connection when the watch says so.
    private mutating func askWatch(_ patience: Patience) throws(PostgresError) {
        guard let watch else { return }
        let silence = SilenceWatch.Silence(
            since: patience.lastSign, duration: .now - patience.lastSign, process: process)
        let (kind, message): (PostgresError.Kind, String)
        switch watch.decide(silence) {
        case .wait: return
        case .cancel: (kind, message) = (.cancelled, "given up")
        case .giveUp(let reason): (kind, message) = (.timeout, reason)
        }
        // A statement that waits for a lock would otherwise go on waiting, and then lock, without anybody there.
        _ = canceller.cancelInBackground()?.wait(timeout: DispatchTime(.now + Limits.cancelSendGrace))
        giveUp()
        throw PostgresError(kind, message, isConnectionLost: true, isOutcomeUnknown: true)
    }

    /// The first time: asks the server to cancel and grants it a grace. The second time: closes.
    mutating func loseTime(_ patience: inout Patience) throws(PostgresError) {
        if !patience.isCancelling {
            patience.isCancelling = true
            patience.cancelDone = canceller.cancelInBackground()
            patience.end = .now + Limits.cancelGrace
            return
        }
        giveUp()
        throw PostgresError(
            .timeout, "deadline passed, and the server did not confirm the cancellation",
            isConnectionLost: true, isOutcomeUnknown: true)
    }

    private mutating func receive(
        isPipelined: Bool, _ patience: inout Patience
    ) throws(PostgresError) -> [QueryResult] {
        var answers = Answers(isPipelined: isPipelined)
        while !answers.isComplete {
            try pump(&patience, untilAnswered: true)
            if let result = handle.nextResult() {
                answers.take(result)
            } else {
                answers.takeEndOfStatement(isConnectionUsable: handle.isUsable)
            }
        }
        let error = settle(answers, isPipelined: isPipelined, patience)
        if let error { throw error }
        guard isBroken, isPipelined, answers.results.isEmpty else { return answers.results }
        throw PostgresError(
            .connection, "receive: \(handle.errorMessage)", isConnectionLost: true, isOutcomeUnknown: true)
    }

    /// Leaves the connection ready for the next call, or closes it, and answers what the call is to throw.
    mutating func settle(_ answers: Answers, isPipelined: Bool, _ patience: Patience) -> PostgresError? {
        if let cancelDone = patience.cancelDone, cancelDone.wait(timeout: DispatchTime(patience.end)) == .timedOut {
            // The request is still on its way and would hit the next statement.
            giveUp()
        }
        if answers.isConnectionUnusable { giveUp() }
        if isPipelined, !isBroken, handle.isUsable, !handle.exitPipelineMode() { giveUp() }
        if !handle.isUsable { isBroken = true }
        let wasCancelled = canceller.takeWasUsed()
        guard var error = answers.error else { return nil }
        if error.sqlState == "57014" {
            if patience.isCancelling {
                error.kind = .timeout
                error.message = "deadline passed, the statement was cancelled"
            } else if wasCancelled {
                error.kind = .cancelled
            }
        }
        error.isConnectionLost = isBroken
        error.isOutcomeUnknown = isBroken
        return error
    }
}
