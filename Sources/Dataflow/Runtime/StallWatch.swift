/// Since when records wait and nothing is committed.
///
/// A value without a clock: what is seen at a moment goes in, what is to be said comes out.
struct StallWatch {
    /// Something to log.
    enum News: Equatable {
        case began(String)
        case over
    }

    /// Since when records wait and nothing was committed; nil when none wait.
    private(set) var since: ContinuousClock.Instant?
    private var epochs: Int64 = 0
    /// When a stall was said last: one that comes and goes is not said each time.
    private var said: ContinuousClock.Instant?
    /// Whether a stall was said that is not over.
    private(set) var isSaid = false

    /// Takes note of how things are.
    /// - Parameters:
    ///   - waiting: records that are not committed, as far as known.
    ///   - epochs: how many were committed since the start.
    mutating func look(waiting: Int64, epochs: Int64, at now: ContinuousClock.Instant) {
        if waiting <= 0 {
            since = nil
        } else if since == nil || epochs != self.epochs {
            since = now
        }
        self.epochs = epochs
    }

    /// What is to be logged of a stall, which is nil when there is none.
    mutating func news(_ stall: String?, at now: ContinuousClock.Instant) -> News? {
        guard let stall else {
            defer { isSaid = false }
            return isSaid ? .over : nil
        }
        guard !isSaid, said.map({ now - $0 >= Limits.stallRepeat }) ?? true else { return nil }
        (isSaid, said) = (true, now)
        return .began(stall)
    }
}
