/// What a `NOTIFY` brings to those who listen.
public struct Notification: Sendable, Equatable {
    /// The channel.
    public var channel: String
    /// What was said, empty unless the sender gave something.
    public var payload: String
}

extension Connection {
    /// Waits for a notification on a channel that the session listens to (`LISTEN`), outside of a transaction.
    ///
    /// Sends nothing: whether the server is still there is known only when the system finds out, so whoever must not miss
    /// one looks for itself as well, now and then. Poolers in transaction mode have no sessions to listen in.
    /// - Parameters:
    ///   - deadline: when to stop waiting.
    ///   - bell: a descriptor whose input ends the wait as well; nil for none.
    /// - Returns: the first one that came, nil when none did in time.
    /// - Throws: ``PostgresError`` when the connection is gone.
    public mutating func nextNotification(
        until deadline: ContinuousClock.Instant, orInputOf bell: Int32? = nil
    ) throws(PostgresError) -> Notification? {
        try checkReady("")
        while true {
            if let found = handle.nextNotification() { return found }
            switch handle.wait(forWriting: false, until: deadline, orInputOf: bell) {
            case .timedOut, .rung: return nil
            case .ready, .failed: break
            }
            guard handle.consumeInput() else {
                giveUp()
                throw PostgresError(
                    .connection, "listen: \(handle.errorMessage)", isConnectionLost: true, isOutcomeUnknown: false)
            }
        }
    }
}
