import Dataflow
import Lookups
import Postgres
import Synchronization

/// Hears `NOTIFY` on a channel, on a connection of its own that comes back when it is lost. Used by one thread.
final class LookupListener: Sendable {
    private let settings: ConnectionSettings
    private let channel: String
    private let line = Mutex(Line())

    private struct Line: ~Copyable {
        var connection: Connection?
        var nextTry = ContinuousClock.now
    }

    init(_ settings: ConnectionSettings, channel: String) {
        self.settings = settings
        self.channel = channel
    }

    /// Connects and listens, if it does not already.
    /// - Throws: `LookupError` that is worth another try.
    func subscribe(_ context: CommitContext) throws {
        try line.withLock { line in try subscribe(&line, context) }
    }

    private func subscribe(_ line: inout Line, _ context: CommitContext) throws(LookupError) {
        guard line.connection == nil else { return }
        do throws(PostgresError) {
            var fresh = try Connection.connect(
                settings, deadline: .now + LookupLimits.connectTimeout, isCancelled: { context.isCancelled })
            try fresh.execute("LISTEN \(SQLName.quote(channel))", deadline: .now + LookupLimits.connectTimeout)
            line.connection = consume fresh
        } catch {
            throw LookupError(
                .source, "channel \(channel): \(error)", isRetryable: error.isRetryable || error.kind == .cancelled)
        }
    }

    /// Waits for something to be said.
    /// - Returns: whether something was, or may have been: what was said while there was no connection, nobody heard.
    func hears(until end: ContinuousClock.Instant, _ context: CommitContext) -> Bool {
        line.withLock { line in
            do {
                if line.connection == nil {
                    guard .now >= line.nextTry else {
                        try context.pause(end - .now)
                        return false
                    }
                    try subscribe(&line, context)
                    return true
                }
                guard try line.connection!.nextNotification(until: end) != nil else { return false }
                // Several at once are one reason to look.
                while try line.connection!.nextNotification(until: .now) != nil {}
                return true
            } catch {
                // Whether the database is away is said by whoever reads from it, at the next refresh.
                line.connection = nil
                line.nextTry = .now + LookupLimits.pauseFirst
                return false
            }
        }
    }
}
