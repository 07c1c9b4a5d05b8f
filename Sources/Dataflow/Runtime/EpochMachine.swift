import Platform

/// When epochs open, seal and end, as a value: events in, decisions out, no clock, no I/O.
///
/// ```
///            admit                 complete (last)             committed
///   open ───────────► filling ──seal──► draining ──────► writing ──────► done
///                        │                                  │
///                        └── the next epoch fills meanwhile ┘        fenced / discard: a new generation
/// ```
///
/// At most one epoch is sealed at a time, so two are alive: one being written, one being filled.
public struct EpochMachine: Sendable {
    /// Where the sealed epoch stands.
    public enum Sealed: Hashable, Sendable {
        /// No epoch is sealed.
        case none
        /// Sealed; batches of it are still in the stages.
        case draining(UInt64)
        /// Sealed and handed to the committer.
        case writing(UInt64)
    }

    /// The generation; every rewind starts a new one.
    public private(set) var generation: UInt64 = 0
    /// The epoch that batches are admitted to.
    public private(set) var open: UInt64 = 1
    /// The epoch on its way to the database.
    public private(set) var sealed = Sealed.none
    /// The last epoch that was committed, 0 before the first.
    public private(set) var committed: UInt64 = 0
    /// Batches admitted to the open epoch so far.
    public private(set) var openBatches = 0
    private var inFlight: [UInt64: Int] = [:]
    private var staleInFlight = 0

    /// A machine at its start.
    public init() {}

    /// Whether nothing is being read, drained or written, and nothing waits to be.
    public var isIdle: Bool { openBatches == 0 && sealed == .none && batchesInFlight == 0 }

    /// Whether the database is at work on an epoch.
    public var isWriting: Bool { if case .writing = sealed { true } else { false } }

    /// Batches in the stages, dropped generations included.
    public var batchesInFlight: Int { inFlight.values.reduce(staleInFlight, +) }

    /// Whether the sealed epoch only waits for being taken.
    public var isDrained: Bool {
        guard case .draining(let epoch) = sealed else { return false }
        return inFlight[epoch] == nil
    }

    /// Admits a batch to the open epoch.
    public mutating func admit() -> (epoch: UInt64, generation: UInt64) {
        openBatches += 1
        inFlight[open, default: 0] += 1
        return (open, generation)
    }

    /// Takes back a batch that every node is done with. False when it belongs to a generation that was dropped.
    public mutating func complete(epoch: UInt64, generation: UInt64) -> Bool {
        guard generation == self.generation else {
            staleInFlight -= 1
            precondition(staleInFlight >= 0, "a dropped batch was completed twice")
            return false
        }
        let left = inFlight[epoch, default: 0] - 1
        precondition(left >= 0, "a batch was completed twice")
        inFlight[epoch] = left == 0 ? nil : left
        return true
    }

    /// Whether the open epoch has anything and no other is sealed.
    public var canSeal: Bool { sealed == .none && openBatches > 0 }

    /// Seals the open epoch if it has anything, nothing else is sealed, and `isDue`.
    public mutating func seal(isDue: Bool) -> Bool {
        guard canSeal, isDue else { return false }
        sealed = .draining(open)
        open += 1
        openBatches = 0
        return true
    }

    /// The sealed epoch once its last batch is through; it then counts as being written.
    public mutating func takeDrained() -> UInt64? {
        guard isDrained, case .draining(let epoch) = sealed else { return nil }
        sealed = .writing(epoch)
        return epoch
    }

    /// The written epoch is in the database.
    public mutating func commit() {
        guard case .writing(let epoch) = sealed else { preconditionFailure("a commit without an epoch being written") }
        committed = epoch
        sealed = .none
    }

    /// Drops everything since the last commit: batches in flight become stale, both epochs are emptied. An epoch being
    /// written must be over first: its outcome decides where reading continues.
    public mutating func discard() {
        if case .writing = sealed { preconditionFailure("an epoch being written cannot be dropped") }
        dropAll()
    }

    /// The epoch being written was refused by the database: another instance owns a partition.
    public mutating func fence() {
        guard case .writing = sealed else { preconditionFailure("a fence without an epoch being written") }
        dropAll()
    }

    private mutating func dropAll() {
        generation += 1
        staleInFlight += inFlight.values.reduce(0, +)
        inFlight = [:]
        sealed = .none
        // Waiters for the open epoch must not take a later one for it.
        open += 1
        openBatches = 0
    }
}
