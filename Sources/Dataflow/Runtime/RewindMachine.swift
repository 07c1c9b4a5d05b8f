/// The life of a rewind, as a value: events in, decisions out, no clock, no I/O.
///
/// ```
///               begin                    finish                reclaim, by every source
///   settled ────────────► discarding ────────────► due ─────────────────────────────────► settled
///                          ▲     │ ▲               │ │
///                          └─────┘ └───────────────┘ └──► begin: what was read since the first reclaims is dropped too
///                       begin: waits
/// ```
///
/// From `begin` on nothing is admitted, and from a source nothing until it has asked where its partitions stand: what it
/// read before does not follow on what the database holds.
public struct RewindMachine: Sendable {
    /// Where a rewind stands.
    public enum Phase: Hashable, Sendable {
        /// None is under way.
        case settled
        /// Everything since the last commit is being dropped; batches in the stages are waited for.
        case discarding
        /// It is dropped; some sources have not asked yet where to read on.
        case due
    }

    private var isDiscarding = false
    private var mustReclaim: [Bool]

    /// No rewind, for so many sources.
    public init(sources: Int) { mustReclaim = Array(repeating: false, count: sources) }

    /// Where the rewind stands.
    public var phase: Phase {
        if isDiscarding { return .discarding }
        return mustReclaim.contains(true) ? .due : .settled
    }

    /// Whether batches of a source may be handed over.
    public func admits(_ source: Int) -> Bool { !isDiscarding && !mustReclaim[source] }

    /// Whether a source must ask where its partitions stand. Not yet while everything is still being dropped.
    public func isDue(_ source: Int) -> Bool { mustReclaim[source] }

    /// Begins one. False when one is discarding already, whose end must be waited for: what was read since it began is
    /// dropped by it only in part.
    public mutating func begin() -> Bool {
        guard !isDiscarding else { return false }
        isDiscarding = true
        return true
    }

    /// Everything is dropped: every source has to rewind.
    public mutating func finish() {
        precondition(isDiscarding, "the end of a rewind that did not begin")
        isDiscarding = false
        mustReclaim = mustReclaim.map { _ in true }
    }

    /// A source asks where its partitions stand. What another rewind decides meanwhile, it is told by the next `isDue`.
    public mutating func reclaim(_ source: Int) { mustReclaim[source] = false }
}
