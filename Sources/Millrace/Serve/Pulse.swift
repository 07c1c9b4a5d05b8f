import Synchronization

/// A sign that a thread goes round.
final class Pulse: Sendable {
    private let last = Mutex(ContinuousClock.now)

    /// Another round.
    func beat() { last.withLock { $0 = .now } }

    /// How long ago the last round began.
    func silence(at now: ContinuousClock.Instant = .now) -> Duration { now - last.withLock { $0 } }
}
