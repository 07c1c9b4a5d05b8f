import Dataflow
import Postgres

/// A connection that comes back: connects when needed, with back-off, and turns what cannot pass into `SinkError`.
///
/// Used by one thread at a time.
final class PostgresSession {
    private let settings: ConnectionSettings
    private let onNotice: Notice.Handler
    private var connection: Connection?

    init(_ settings: ConnectionSettings, onNotice: @escaping Notice.Handler) {
        self.settings = settings
        self.onNotice = onNotice
    }

    /// Runs `body` on a connection until it succeeds or fails for good.
    ///
    /// - Parameter body: gets the connection and whether it is new since the last try: what was known of the database
    ///   must then be read again.
    /// - Throws: `SinkError` when a person has to act, `WaitCancelled` when the pipeline gave up; whatever else `body`
    ///   throws.
    func run<Result>(
        _ context: CommitContext, _ body: (inout Connection, _ isNew: Bool) throws -> Result
    ) throws -> Result {
        var pause = SinkLimits.pauseFirst
        var failures = 0
        while true {
            do {
                let isNew = try connect()
                let result = try body(&connection!, isNew)
                if failures > 0 { context.report(trouble: nil) }
                return result
            } catch let error as PostgresError {
                guard error.isRetryable else { throw refusal(error) }
                failures += 1
                recover(from: error)
                if error.fate != .retryTransaction || failures > SinkLimits.quietRetries {
                    context.report(trouble: String(describing: error))
                }
            } catch {
                connection = nil
                throw error
            }
            try context.pause(pause * Double.random(in: 0.5...1))
            pause = min(pause * 2, SinkLimits.pauseLongest)
        }
    }

    /// Closes the connection.
    func close() { connection = nil }

    private func connect() throws(PostgresError) -> Bool {
        if connection != nil, connection!.isAlive() { return false }
        connection = nil
        connection = try Connection.connect(
            settings, deadline: .now + SinkLimits.connectTimeout, onNotice: onNotice)
        return true
    }

    /// Leaves the connection ready for another transaction, or drops it.
    private func recover(from error: PostgresError) {
        guard !error.isConnectionLost, error.fate != .reconnect, connection != nil else {
            connection = nil
            return
        }
        do {
            try connection!.execute("ROLLBACK")
        } catch {
            connection = nil
        }
    }

    private func refusal(_ error: PostgresError) -> SinkError {
        connection = nil
        let hint = error.hint == nil ? Self.hint(for: error) : nil
        return SinkError(
            code: .refused,
            description: "postgres \(settings.redactedDescription): \(error)" + (hint.map { "; \($0)" } ?? ""))
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
