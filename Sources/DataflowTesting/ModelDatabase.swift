public import Dataflow
import Platform
import Synchronization

/// A database in memory with the semantics the commit protocol relies on: one transaction at a time, whole or not at
/// all; shared by the targets of several instances.
public final class ModelDatabase: Sendable {
    struct Row {
        var nextOffset: Int64?
        var ownerEpoch: Int64 = 0
        var owner: String?
        var tail: Tail?
        var counters = LedgerCounters()
        var origin: String?
        var clock: EventClock?
    }

    struct Contents {
        var rows: [PartitionKey: Row] = [:]
        var table: [Int64: Int64] = [:]
        var deadLetters: [DeadPlace] = []
        /// Counts the restores: every connection made before the last one is cut.
        var incarnation = 0
        /// Counts the partitions claimed.
        var claims = 0
        /// Whose turn it is to write, of those who asked.
        var turn: ObjectIdentifier?
        /// Counts the turns.
        var turns = 0
        /// Since when somebody has the turn, by the clock of a simulation.
        var turnSince: ContinuousClock.Instant?
        /// Of partitions whose log was replaced: where the old log ended when a person accepted the new one.
        var accepted: [PartitionKey: Int64] = [:]
    }

    /// Where a dead letter came from.
    public struct DeadPlace: Hashable, Sendable {
        /// The partition.
        public var key: PartitionKey
        /// The offset.
        public var offset: Int64
    }

    let contents = Mutex(Contents())
    private let backups = Mutex<[Contents]>([])
    /// Transactions whose client has lost its connection, and which the server has not decided yet.
    private let orphans = Mutex<[Orphan]>([])
    /// Looks at each epoch that is committed, or refused for no reason.
    private let audit: @Sendable (ClosedEpoch, Bool) -> Void

    struct Orphan {
        var client: ObjectIdentifier
        var due: ContinuousClock.Instant
        var decide: @Sendable (inout Contents) -> Void
    }

    /// An empty database.
    /// - Parameter audit: is shown every epoch that is committed, and, with false, every one that the fence refused although
    ///   nobody else owned a partition and nobody had set it back.
    public init(audit: @escaping @Sendable (ClosedEpoch, Bool) -> Void = { _, _ in }) { self.audit = audit }

    func show(_ epoch: ClosedEpoch, isCommitted: Bool) { audit(epoch, isCommitted) }

    /// Leaves a transaction to the server, which decides it at a moment, or when it is ended.
    func orphan(_ orphan: Orphan) { orphans.withLock { $0.append(orphan) } }

    /// The server decides what is due; transactions of a client are ended first.
    func settle(at now: ContinuousClock.Instant, ending client: ObjectIdentifier? = nil) {
        let due = orphans.withLock { orphans in
            orphans.removeAll { $0.client == client }
            defer { orphans.removeAll { $0.due <= now } }
            return orphans.filter { $0.due <= now }
        }
        guard !due.isEmpty else { return }
        contents.withLock { contents in for orphan in due { orphan.decide(&contents) } }
    }

    /// A person decides that the log of a partition is another one and is read from its beginning.
    package func accept(_ key: PartitionKey) {
        contents.withLock { contents in
            contents.accepted[key] = contents.rows[key]?.nextOffset
            contents.rows[key]?.nextOffset = 0
            contents.rows[key]?.tail = nil
            contents.rows[key]?.clock = nil
        }
    }

    /// Where old logs ended.
    package var accepted: [PartitionKey: Int64] { contents.withLock { $0.accepted } }

    /// The last record of a partition that is in the table.
    package func tail(of key: PartitionKey) -> Tail? { contents.withLock { $0.rows[key]?.tail } }

    /// The table.
    public var table: [Int64: Int64] { contents.withLock { $0.table } }

    /// The dead letters.
    public var deadLetters: [DeadPlace] { contents.withLock { $0.deadLetters } }

    /// The ledger by partition.
    public var counters: [PartitionKey: LedgerCounters] { contents.withLock { $0.rows.mapValues(\.counters) } }

    /// The positions by partition.
    public var positions: [PartitionKey: Int64] { contents.withLock { $0.rows.compactMapValues(\.nextOffset) } }

    /// How often a partition was claimed, restores notwithstanding.
    public var claims: Int { contents.withLock { $0.claims } }

    /// How often somebody waited for a turn, restores notwithstanding.
    public var turns: Int { contents.withLock { $0.turns } }

    /// How often it was restored.
    package var restores: Int { contents.withLock { $0.incarnation } }

    /// Keeps a copy of everything, for `restore`.
    public func backUp() { backups.withLock { backups in backups.append(contents.withLock { $0 }) } }

    /// Goes back to the last copy, owner epochs and all: what an asynchronous failover or a point-in-time restore does.
    public func restore() {
        guard let copy = backups.withLock({ $0.popLast() }) else { return }
        orphans.withLock { $0 = [] }
        contents.withLock { contents in
            let (incarnation, claims, turns) = (contents.incarnation, contents.claims, contents.turns)
            contents = copy
            contents.turns = turns
            contents.turn = nil
            contents.incarnation = incarnation + 1
            contents.claims = claims
        }
    }
}
