import Dataflow
import Lookups
import Postgres
import Synchronization

/// Hears `NOTIFY` on a channel, on a connection of its own that comes back when it is lost.
///
/// `@unchecked Sendable`: used by the companion's thread only.
final class LookupListener: @unchecked Sendable {
    private let settings: ConnectionSettings
    private let channel: String
    private var connection: Connection?
    private var nextTry = ContinuousClock.now

    init(_ settings: ConnectionSettings, channel: String) {
        self.settings = settings
        self.channel = channel
    }

    /// Connects and listens, if it does not already.
    /// - Throws: `LookupError` that is worth another try.
    func subscribe(_ context: CommitContext) throws(LookupError) {
        guard connection == nil else { return }
        do throws(PostgresError) {
            var fresh = try Connection.connect(
                settings, deadline: .now + LookupLimits.connectTimeout, isCancelled: { context.isCancelled })
            try fresh.execute("LISTEN \(SQLName.quote(channel))", deadline: .now + LookupLimits.connectTimeout)
            connection = consume fresh
        } catch {
            throw LookupError(
                .source, "channel \(channel): \(error)", isRetryable: error.isRetryable || error.kind == .cancelled)
        }
    }

    /// Waits for something to be said.
    /// - Returns: whether something was, or may have been: what was said while there was no connection, nobody heard.
    func hears(until end: ContinuousClock.Instant, _ context: CommitContext) -> Bool {
        do {
            if connection == nil {
                guard .now >= nextTry else {
                    try context.pause(end - .now)
                    return false
                }
                try subscribe(context)
                return true
            }
            guard try connection!.nextNotification(until: end) != nil else { return false }
            // Several at once are one reason to look.
            while try connection!.nextNotification(until: .now) != nil {}
            return true
        } catch {
            // Whether the database is away is said by whoever reads from it, at the next refresh.
            connection = nil
            nextTry = .now + LookupLimits.pauseFirst
            return false
        }
    }
}
