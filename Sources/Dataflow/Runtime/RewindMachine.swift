/// The life of a rewind, as a value: events in, decisions out, no clock, no I/O.
///
/// ```
///                    ask, nothing is being written; outcome: refused
///   settled ───────────────────────────────────────────────────────► draining ──drained──► clearing ──cleared──► settled
///      │                                                               ▲
///      └── ask, an epoch is being written ──► awaiting ──outcome, any ─┘
///
///   of each source:   reading ──drop──► mustReclaim ──beginReclaim──► reclaiming ──endReclaim──► reading
///                                           ▲                             │
///                                           └──────────── drop ───────────┘
/// ```
///
/// A drop is the step into `draining`. From the first `ask` on nothing is admitted, and of a source nothing until it has
/// asked the database where its partitions stand: what it read before does not follow on what the database holds. Whoever
/// asks while a drop is under way has his wish: nothing has been admitted since that it would leave.
public struct RewindMachine: Sendable {
    /// Where the dropping stands.
    public enum Phase: Hashable, Sendable, CaseIterable {
        /// Nothing is being dropped. Left by `ask` and by an outcome that is a refusal.
        case settled
        /// Everything is to be dropped as soon as the epoch being written has an outcome, which decides where reading
        /// continues. Left by that outcome.
        case awaiting
        /// Everything is dropped; batches of it are still in the stages. Left when the last of them is out.
        case draining
        /// What the workers gathered is being thrown away. Left when that is done.
        case clearing
    }

    /// How a source stands to the rewinds.
    public enum SourceState: Hashable, Sendable {
        /// It reads on from what it read before. Left by a drop.
        case reading
        /// What it reads does not follow on what the database holds. Left when it asks.
        case mustReclaim
        /// It is asking. Left by the answer, or by a drop that makes the answer worthless.
        case reclaiming
    }

    /// Where the dropping stands.
    public private(set) var phase = Phase.settled
    private var sources: [SourceState]

    /// No rewind, for so many sources.
    public init(sources: Int) { self.sources = Array(repeating: .reading, count: sources) }

    /// How a source stands to the rewinds.
    public func state(of source: Int) -> SourceState { sources[source] }

    /// Whether batches of a source may be handed over.
    public func admits(_ source: Int) -> Bool { phase == .settled && sources[source] == .reading }

    /// Whether a source must ask where its partitions stand. Not yet while something is still being dropped.
    public func isDue(_ source: Int) -> Bool { phase == .settled && sources[source] == .mustReclaim }

    /// Somebody wants everything since the last commit dropped.
    /// - Returns: whether the caller must drop it now; if not, that is or will be done by others.
    public mutating func ask(isWriting: Bool) -> Bool {
        guard phase == .settled else { return false }
        if isWriting {
            phase = .awaiting
            return false
        }
        drop()
        return true
    }

    /// The epoch being written has an outcome: it is committed, or refused whole.
    /// - Returns: whether the caller must drop everything else now.
    public mutating func outcome(isCommitted: Bool) -> Bool {
        switch phase {
        case .settled where isCommitted: return false
        case .settled, .awaiting:
            drop()
            return true
        case .draining, .clearing: preconditionFailure("an epoch was written while everything was being dropped")
        }
    }

    private mutating func drop() {
        phase = .draining
        for source in sources.indices { sources[source] = .mustReclaim }
    }

    /// The last dropped batch has left the stages.
    public mutating func drained() {
        precondition(phase == .draining, "the stages were drained of nothing")
        phase = .clearing
    }

    /// What the workers gathered is gone.
    public mutating func cleared() {
        precondition(phase == .clearing, "the end of a rewind that did not begin")
        phase = .settled
    }

    /// A source for which a rewind is due asks where its partitions stand.
    public mutating func beginReclaim(_ source: Int) {
        precondition(isDue(source), "a source asked for its positions although no rewind is due")
        sources[source] = .reclaiming
    }

    /// The answer is there.
    /// - Returns: whether it still holds; if not, the source must ask again when the next rewind is due.
    public mutating func endReclaim(_ source: Int) -> Bool {
        guard sources[source] == .reclaiming else { return false }
        sources[source] = .reading
        return true
    }
}
