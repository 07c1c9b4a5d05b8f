/// Looks after the calls of a connection while its server says nothing.
///
/// A deadline bounds a call as a whole; a watch bounds silence. Every byte that moves, in either direction, ends a
/// silence, so a long transaction whose answers keep coming is never given up.
public struct SilenceWatch: Sendable {
    /// One silence of the server during a call.
    public struct Silence: Sendable {
        /// When bytes moved last; tells one silence from the next.
        public var since: ContinuousClock.Instant
        /// How long it has lasted.
        public var duration: Duration
        /// The server process that the call waits for, if it is known.
        public var process: ServerProcess?
    }

    /// What becomes of the call.
    public enum Verdict: Sendable, Equatable {
        /// Wait on, and ask again after the interval.
        case wait
        /// Ask the server to cancel, close the connection, and throw ``PostgresError/Kind/cancelled``.
        case cancel
        /// Ask the server to cancel, close the connection, and throw ``PostgresError/Kind/timeout`` with this message.
        case giveUp(String)
    }

    /// How often `decide` is asked during a silence.
    public let interval: Duration
    /// Called on the thread of the call; should return at once.
    public let decide: @Sendable (Silence) -> Verdict

    /// Creates a watch.
    public init(interval: Duration = .milliseconds(200), decide: @escaping @Sendable (Silence) -> Verdict) {
        self.interval = interval
        self.decide = decide
    }
}

/// A server process, told from others that had or will have its number.
public struct ServerProcess: Sendable, Equatable {
    /// Its process id.
    public var id: Int32
    /// When it began, in microseconds since 1970; nil behind a pooler, where it changes from transaction to transaction.
    public var started: Int64?
    /// When the last transaction of ours began in it, in microseconds since 1970.
    public var transactionStarted: Int64?
}
