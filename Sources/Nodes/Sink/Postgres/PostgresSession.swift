import Dataflow
import Postgres

/// A connection that comes back: connects when needed, with back-off, and turns what cannot pass into `SinkError`.
///
/// No call on it waits without a word, or longer than the pipeline wants it to: see `SessionWatch`. Used by one thread
/// at a time.
final class PostgresSession {
    private let settings: ConnectionSettings
    private let name: String
    private let board: TroubleBoard
    private let watch: SessionWatch
    private let onNotice: Notice.Handler
    private var connection: Connection?
    /// Whether a piece of work was done on the connection. Until then it is new, also after an error that passes: what
    /// was known of the database has not been read again.
    private var isProven = false
    /// The server process of a connection that was lost: it may still hold locks, or be about to commit.
    private var orphan: ServerProcess?
    /// The error that the work at hand has failed with, again and again.
    private var repeated = (sqlState: "", count: 0)

    /// - Parameters:
    ///   - name: tells the session from the other ones of the board.
    ///   - board: what it shares with them.
    ///   - bounds: how long a server may say nothing.
    init(
        _ settings: ConnectionSettings, name: String, board: TroubleBoard, bounds: SilenceBounds = SilenceBounds(),
        onNotice: @escaping Notice.Handler
    ) {
        self.settings = settings
        self.name = name
        self.board = board
        self.onNotice = onNotice
        watch = SessionWatch(settings, session: name, board: board, bounds: bounds)
    }

    /// Runs `body` on a connection until it succeeds or fails for good.
    ///
    /// - Parameter body: gets the connection and whether it is new since the last work that was done: what was known of
    ///   the database must then be read again.
    /// - Throws: `SinkError` when a person has to act, `WaitCancelled` when the pipeline gave up; whatever else `body`
    ///   throws.
    func run<Result>(
        _ context: CommitContext, _ body: (inout Connection, _ isNew: Bool) throws -> Result
    ) throws -> Result {
        var pause = SinkLimits.pauseFirst
        var failures = 0
        repeated = ("", 0)
        while true {
            do {
                try connect(context)
                connection?.watch = watch.watch(for: context)
                let result = try body(&connection!, !isProven)
                isProven = true
                board.hasWorked = true
                board.report(nil, by: name, context)
                return result
            } catch let error as PostgresError {
                if error.kind == .cancelled, context.isCancelled {
                    drop()
                    throw WaitCancelled()
                }
                try judge(error)
                failures += 1
                recover(from: error)
                // Who holds a lock is named already, and the error does not know.
                let isNamed = error.sqlState == "55P03" && board.isTroubled(name)
                if !isNamed, error.fate != .retryTransaction || failures > SinkLimits.quietRetries {
                    board.report(describe(error), by: name, context)
                }
            } catch {
                drop()
                throw error
            }
            try context.pause(pause * Double.random(in: 0.5...1))
            pause = min(pause * 2, SinkLimits.pauseLongest)
        }
    }

    /// Whether the work at hand has failed with this error so often that it does not pass by itself: somebody's trigger
    /// raises it, say. Then its cause is worth a search.
    func doesNotPass(_ error: PostgresError) -> Bool {
        Self.isPassingByName(error) && repeated.sqlState == error.sqlState
            && repeated.count >= SinkLimits.sameErrorsMax - 1
    }

    /// Ends a transaction that stands open between two pieces of work, if there is one.
    func leaveTransaction() {
        guard let status = connection?.transactionStatus, status != .idle else { return }
        do {
            try connection!.execute("ROLLBACK")
        } catch {
            drop()
        }
    }

    /// Closes the connection.
    func close() { connection = nil }

    // MARK: - Connecting

    private func connect(_ context: CommitContext) throws(PostgresError) {
        if connection != nil, connection!.isAlive() { return }
        drop()
        var fresh = try Connection.connect(
            settings, deadline: .now + SinkLimits.connectTimeout, isCancelled: { context.isCancelled },
            onNotice: onNotice)
        board.hasConnected = true
        fresh.watch = watch.watch(for: context)
        try endOrphan(&fresh)
        connection = consume fresh
    }

    /// Ends the server's half of a lost connection. Behind a cut network it may keep its locks for hours; and whether it
    /// has committed is known only when it is gone.
    private func endOrphan(_ connection: inout Connection) throws(PostgresError) {
        guard let process = orphan else { return }
        do throws(PostgresError) {
            try connection.terminate(process)
        } catch let error where error.kind == .server && !error.isConnectionLost {
            // Not ours to end any more; the read of the positions waits for it all the same.
            if connection.transactionStatus != .idle { try connection.execute("ROLLBACK") }
        }
        orphan = nil
    }

    /// Leaves the connection ready for another transaction, or drops it.
    private func recover(from error: PostgresError) {
        guard !error.isConnectionLost, error.fate != .reconnect, connection != nil else { return drop() }
        do {
            try connection!.execute("ROLLBACK")
        } catch {
            drop()
        }
    }

    private func drop() {
        if let process = connection?.process { orphan = process }
        connection = nil
        isProven = false
    }

    // MARK: - Judging

    /// - Throws: `SinkError` when trying again is in vain.
    private func judge(_ error: PostgresError) throws {
        guard error.isRetryable || isWaitedFor(error) else { throw refusal(error) }
        guard Self.isPassingByName(error), let sqlState = error.sqlState else { return repeated = ("", 0) }
        repeated = (sqlState, repeated.sqlState == sqlState ? repeated.count + 1 : 1)
        if repeated.count >= SinkLimits.sameErrorsMax {
            throw refusal(error, "\(repeated.count) times in a row, so it does not pass by itself: ")
        }
    }

    /// Errors that are worth another try by their name, and are raised by people too.
    private static func isPassingByName(_ error: PostgresError) -> Bool {
        error.kind == .server && ["40001", "40P01", "57014"].contains(error.sqlState)
    }

    /// What somebody else can mend is waited for once it has been right; a first start stops.
    private func isWaitedFor(_ error: PostgresError) -> Bool {
        error.isMendedElsewhere && (connection == nil ? board.hasConnected : board.hasWorked)
    }

    private func describe(_ error: PostgresError) -> String {
        let hint = error.hint == nil ? error.settingAtFault ?? Self.hint(for: error) : nil
        return "\(error)" + (hint.map { "; \($0)" } ?? "")
    }

    private func refusal(_ error: PostgresError, _ how: String = "") -> SinkError {
        drop()
        return SinkError(
            code: .refused, description: "postgres \(settings.redactedDescription): \(how)\(describe(error))")
    }

    /// What a person can do about a refusal, where the server does not say.
    private static func hint(for error: PostgresError) -> String? {
        switch error.sqlState {
        case "28P01", "28000": "check the user and the password in the sink's url"
        case "3D000": "create the database, or correct the sink's url"
        case "3F000": "create the schema, or correct the sink's table"
        case "42501":
            "the role needs CREATE on the database (for schema millrace) and on the schema of its tables, and SELECT, "
                + "INSERT and UPDATE on tables that another role has made"
        default: nil
        }
    }
}
