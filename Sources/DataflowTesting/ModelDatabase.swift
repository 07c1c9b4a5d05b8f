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

    /// An empty database.
    public init() {}

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

    /// Keeps a copy of everything, for `restore`.
    public func backUp() { backups.withLock { backups in backups.append(contents.withLock { $0 }) } }

    /// Goes back to the last copy, owner epochs and all: what an asynchronous failover or a point-in-time restore does.
    public func restore() {
        guard let copy = backups.withLock({ $0.popLast() }) else { return }
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

/// One instance's view of a model database: the commit protocol, with faults.
public final class ModelTarget: CommitTarget {
    private let database: ModelDatabase
    private let random: Mutex<SeededRandom>
    private let faultPercent: Int
    private let owner: String?
    private let flaw: Flaw
    private let pause: @Sendable (CommitContext) throws -> Void
    private let incarnation = Mutex(0)

    /// What a target does wrong, so that checks can prove that they notice.
    public enum Flaw: Sendable, CaseIterable {
        /// Nothing.
        case none
        /// An epoch is written twice.
        case commitsTwice
        /// Neither owner nor position is looked at.
        case forgetsTheFence
        /// The tables stay as they are when the positions move.
        case losesTheTables
    }

    /// Creates a target whose commits meet a fault in `faultPercent` of 100 cases: a transient error before anything
    /// happened, or a connection lost with the COMMIT done or not done.
    /// - Parameter owner: how the instance names itself in the database.
    public init(
        database: ModelDatabase, seed: UInt64, faultPercent: Int, owner: String? = nil, flaw: Flaw = .none
    ) {
        self.database = database
        self.owner = owner
        self.flaw = flaw
        random = Mutex(SeededRandom(seed: seed))
        self.faultPercent = faultPercent
        pause = { context in try context.pause(.microseconds(200)) }
    }

    /// Takes the partitions over.
    public func claim(
        _ keys: [PartitionKey], origin: String?, _ context: CommitContext
    ) throws -> [ClaimedPartition] {
        database.contents.withLock { contents in
            contents.claims += keys.count
            return keys.map { key in
                contents.rows[key, default: .init()].ownerEpoch += 1
                if contents.rows[key]?.origin == nil { contents.rows[key]?.origin = origin }
                contents.rows[key]?.owner = owner
                return claimed(key, contents.rows[key])
            }
        }
    }

    /// The positions of topics with such a beginning.
    public func known(topicPrefix: String, _ context: CommitContext) throws -> [ClaimedPartition] {
        rows(of: database.contents.withLock { $0.rows.keys.filter { $0.topic.hasPrefix(topicPrefix) } })
    }

    /// Stores where topics begin of which nothing is stored.
    public func found(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        database.contents.withLock { contents in
            let known = Set(contents.rows.filter { $0.value.nextOffset != nil }.map(\.key.topic))
            for partition in partitions where !known.contains(partition.key.topic) {
                contents.rows[partition.key, default: .init()].nextOffset = partition.nextOffset
            }
        }
    }

    /// Stores where partitions that were never read begin.
    public func begin(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        database.contents.withLock { contents in
            for partition in partitions where contents.rows[partition.key]?.nextOffset == nil {
                contents.rows[partition.key]?.nextOffset = partition.nextOffset
            }
        }
    }

    /// The partitions as they stand.
    public func positions(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition] {
        database.contents.withLock { contents in
            partitions.map(\.key).filter { contents.rows[$0] != nil }.map { claimed($0, contents.rows[$0]) }
        }
    }

    private func claimed(_ key: PartitionKey, _ row: ModelDatabase.Row?) -> ClaimedPartition {
        ClaimedPartition(
            key: key, ownerEpoch: row?.ownerEpoch ?? 0, nextOffset: row?.nextOffset, tail: row?.tail,
            origin: row?.origin, owner: row?.owner)
    }

    private enum Fault { case none, transient, lostAfterCommit, lostBeforeCommit }

    /// One time in three, as a target does that notices and forgets others.
    public var wantsTurn: Bool { random.withLock { $0.chance(33) } }

    /// Waits until no other target has the turn.
    public func takeTurn(_ context: CommitContext) throws {
        while true {
            let isOurs = database.contents.withLock { contents in
                precondition(contents.turn != ObjectIdentifier(self), "a turn is taken twice")
                guard contents.turn == nil else { return false }
                contents.turn = ObjectIdentifier(self)
                contents.turns += 1
                return true
            }
            if isOurs { return }
            try pause(context)
        }
    }

    /// Lets another target have the turn, unless a restore has taken it away.
    public func passTurn() {
        database.contents.withLock { if $0.turn == ObjectIdentifier(self) { $0.turn = nil } }
    }

    /// Writes one epoch, through whatever faults come.
    public func commit(_ epoch: ClosedEpoch, _ context: CommitContext) throws -> CommitOutcome {
        defer { passTurn() }
        if isNewConnection, let outcome = resolve(epoch) { return outcome }
        while true {
            switch random.withLock({ nextFault(&$0) }) {
            case .none:
                return apply(epoch) ? .committed : .fenced(reason: "fence")
            case .transient:
                try pause(context)
            case .lostAfterCommit:
                _ = apply(epoch)
                if let outcome = resolve(epoch) { return outcome }
            case .lostBeforeCommit:
                if let outcome = resolve(epoch) { return outcome }
            }
        }
    }

    /// Whether the database was restored since the last call, which cuts the connection.
    private var isNewConnection: Bool {
        let now = database.contents.withLock { $0.incarnation }
        return incarnation.withLock { known in
            defer { known = now }
            return known != now
        }
    }

    /// Compares, after a restore.
    public func confirm(_ standing: [ClaimedPartition], _ context: CommitContext) throws -> CommitOutcome {
        guard isNewConnection else { return .committed }
        return CommitVerdict.mismatch(standing, rows: rows(of: standing.map(\.key))).map { .fenced(reason: $0) }
            ?? .committed
    }

    private func rows(of keys: [PartitionKey]) -> [ClaimedPartition] {
        database.contents.withLock { contents in keys.map { claimed($0, contents.rows[$0]) } }
    }

    private func nextFault(_ random: inout SeededRandom) -> Fault {
        guard random.chance(faultPercent) else { return .none }
        return [.transient, .lostAfterCommit, .lostBeforeCommit].randomElement(using: &random) ?? .none
    }

    /// After a lost connection: what the database says. Nil: not committed, write it again.
    private func resolve(_ epoch: ClosedEpoch) -> CommitOutcome? {
        let found = rows(of: epoch.advances.map(\.key) + epoch.standing.map(\.key))
        switch CommitVerdict.decide(epoch.advances, rows: found) {
        case .committed: return .committed
        case .notCommitted:
            return CommitVerdict.mismatch(epoch.standing, rows: found).map { .fenced(reason: $0) }
        case .fenced(let reason): return .fenced(reason: reason)
        }
    }

    /// The transaction: fence, ledger, table, dead letters.
    private func apply(_ epoch: ClosedEpoch) -> Bool {
        database.contents.withLock { contents in
            let isOurs = epoch.advances.allSatisfy { advance in
                let row = contents.rows[advance.key]
                return row?.ownerEpoch == advance.ownerEpoch && row?.nextOffset == advance.from
            }
            guard isOurs || flaw == .forgetsTheFence else { return false }
            for advance in epoch.advances {
                contents.rows[advance.key]?.nextOffset = advance.to
                if let tail = advance.tail { contents.rows[advance.key]?.tail = tail }
                contents.rows[advance.key]?.counters += advance.counters
            }
            for delta in epoch.deltas.values where flaw != .losesTheTables {
                guard let tally = delta as? TallyDelta else { continue }
                contents.table.merge(tally.table, uniquingKeysWith: +)
                if flaw == .commitsTwice { contents.table.merge(tally.table, uniquingKeysWith: +) }
            }
            contents.deadLetters += epoch.deadLetters.map {
                ModelDatabase.DeadPlace(key: epoch.partitionKeys[$0.partition], offset: $0.offset)
            }
            return true
        }
    }

    /// Lets go of a turn.
    public func close() { passTurn() }
}
