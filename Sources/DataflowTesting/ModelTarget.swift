public import Dataflow
import Platform
import Synchronization

/// One instance's view of a model database: the commit protocol, with faults.
public final class ModelTarget: CommitTarget {
    let database: ModelDatabase
    let random: Mutex<SeededRandom>
    let faults: Faults
    private let owner: String?
    private let flaw: Flaw
    let scheduler: SteppingScheduler?
    private let refusals: Refusals?
    private let incarnation = Mutex(0)
    /// In a simulation, lends and takes back as its seed says.
    public let permits: (any PermitLender)?

    /// What a target does wrong, so that checks can prove that they notice.
    public enum Flaw: String, Sendable, CaseIterable {
        /// Nothing.
        case none
        /// An epoch is written twice.
        case commitsTwice
        /// Neither owner nor position is looked at.
        case forgetsTheFence
        /// The tables stay as they are when the positions move.
        case losesTheTables
        /// Dead letters are not kept.
        case losesDeadLetters
        /// A record too many is booked.
        case miscounts
        /// The first epoch is never answered, not even when the pipeline gives up.
        case hangs
    }

    /// What calls meet, in so many of 100 cases.
    public struct Faults: Sendable {
        /// Commits meet a transient error before anything happened, or a connection lost with the COMMIT done, not done, or
        /// still to be decided by the server.
        public var commit = 0
        /// Calls take long: up to a minute of a simulation's time.
        public var frozen = 0
        /// Commits wait for a turn.
        public var turn = 33

        /// None.
        public init() {}
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
        var faults = Faults()
        faults.commit = faultPercent
        self.faults = faults
        scheduler = nil
        refusals = nil
        permits = nil
    }

    /// Creates a target of a simulation.
    /// - Parameter refusals: the records that the database refuses.
    package init(
        database: ModelDatabase, seed: UInt64, faults: Faults, owner: String, flaw: Flaw, refusals: Refusals,
        scheduler: SteppingScheduler
    ) {
        self.database = database
        self.owner = owner
        self.flaw = flaw
        self.refusals = refusals
        self.scheduler = scheduler
        permits = ModelLender(seed: seed)
        self.faults = faults
        random = Mutex(SeededRandom(seed: seed))
    }

    /// Takes the partitions over.
    public func claim(
        _ keys: [PartitionKey], origin: String?, _ context: CommitContext
    ) throws -> [ClaimedPartition] {
        try call("claims \(keys)", context)
        return database.contents.withLock { contents in
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
        try call("begins \(partitions.map(\.key))", context)
        database.contents.withLock { contents in
            for partition in partitions where contents.rows[partition.key]?.nextOffset == nil {
                contents.rows[partition.key]?.nextOffset = partition.nextOffset
            }
        }
    }

    /// The partitions as they stand.
    public func positions(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition] {
        try call("asks for \(partitions.map(\.key).sorted())", context)
        return database.contents.withLock { contents in
            partitions.map(\.key).filter { contents.rows[$0] != nil }.map { claimed($0, contents.rows[$0]) }
        }
    }

    private func claimed(_ key: PartitionKey, _ row: ModelDatabase.Row?) -> ClaimedPartition {
        ClaimedPartition(
            key: key, ownerEpoch: row?.ownerEpoch ?? 0, nextOffset: row?.nextOffset, tail: row?.tail,
            origin: row?.origin, owner: row?.owner, clock: row?.clock)
    }

    /// One time in three, as a target does that notices and forgets others.
    public var wantsTurn: Bool { random.withLock { $0.chance(faults.turn) } }

    /// Waits until no other target has the turn.
    public func takeTurn(_ context: CommitContext) throws {
        for tries in 0... {
            reach("waits for its turn")
            let now = scheduler?.now
            let isOurs = database.contents.withLock { contents in
                precondition(contents.turn != ObjectIdentifier(self), "a turn is taken twice")
                // The server ends a session that does nothing for long.
                if let now, let since = contents.turnSince, now - since > .seconds(30) { contents.turn = nil }
                guard contents.turn == nil else { return false }
                contents.turn = ObjectIdentifier(self)
                contents.turnSince = now
                contents.turns += 1
                return true
            }
            if isOurs { return }
            try pause(context, tries)
        }
    }

    /// Lets another target have the turn, unless a restore has taken it away.
    public func passTurn() {
        database.contents.withLock { if $0.turn == ObjectIdentifier(self) { $0.turn = nil } }
    }

    /// Writes one epoch, through whatever faults come.
    public func commit(_ epoch: ClosedEpoch, _ context: CommitContext) throws -> CommitOutcome {
        defer { passTurn() }
        note("commits epoch \(epoch.number): \(epoch.advances.map { "\($0.key) \($0.from)→\($0.to)" })")
        if flaw == .hangs, epoch.number == 1, let scheduler {
            let never: Int? = Monitor(0, schedule: Schedule(scheduler)).wait { _ in nil }
            note("never reached: \(never ?? 0)")
        }
        let outcome = try write(epoch, context)
        note("epoch \(epoch.number): \(outcome)")
        return outcome
    }

    private func write(_ epoch: ClosedEpoch, _ context: CommitContext) throws -> CommitOutcome {
        if isNewConnection, let outcome = resolve(epoch) { return outcome }
        if let refusals, refusals.refuse(epoch) { return .refused(reason: "the database refuses a row") }
        while true {
            let fault = random.withLock { nextFault(&$0) }
            if fault != .none { note("meets a fault: \(fault)") }
            try call("writes", context)
            switch fault {
            case .none:
                return apply(epoch) ? .committed : .fenced(reason: "fence")
            case .transient:
                try pause(context)
                continue
            case .lostAfterCommit: _ = apply(epoch)
            case .lostBeforeCommit: break
            case .lostUndecided: leave(epoch)
            }
            reach("connects again")
            if let outcome = resolve(epoch) { return outcome }
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
        try call("confirms", context)
        guard isNewConnection else { return .committed }
        return CommitVerdict.mismatch(standing, rows: rows(of: standing.map(\.key))).map { .fenced(reason: $0) }
            ?? .committed
    }

    private func rows(of keys: [PartitionKey]) -> [ClaimedPartition] {
        database.contents.withLock { contents in keys.map { claimed($0, contents.rows[$0]) } }
    }

    /// After a lost connection: what the database says. Nil: not committed, write it again.
    private func resolve(_ epoch: ClosedEpoch) -> CommitOutcome? {
        // What the server still has of the old connection is ended first.
        if let scheduler { database.settle(at: scheduler.now, ending: ObjectIdentifier(self)) }
        let found = rows(of: epoch.advances.map(\.key) + epoch.standing.map(\.key))
        switch CommitVerdict.decide(epoch.advances, rows: found) {
        case .committed: return .committed
        case .notCommitted:
            return CommitVerdict.mismatch(epoch.standing, rows: found).map { .fenced(reason: $0) }
        case .fenced(let reason): return .fenced(reason: reason)
        }
    }

    /// The server is left with a transaction whose client is gone.
    private func leave(_ epoch: ClosedEpoch) {
        guard let scheduler else { return }
        let delay = random.withLock { Duration.milliseconds($0.below(2_000)) }
        database.orphan(
            .init(client: ObjectIdentifier(self), due: scheduler.now + delay) { contents in
                _ = self.apply(epoch, to: &contents)
            })
    }

    private func apply(_ epoch: ClosedEpoch) -> Bool {
        database.contents.withLock { apply(epoch, to: &$0) }
    }

    /// The transaction: fence, ledger, table, dead letters.
    private func apply(_ epoch: ClosedEpoch, to contents: inout ModelDatabase.Contents) -> Bool {
        let isOurs = epoch.advances.allSatisfy { advance in
            let row = contents.rows[advance.key]
            return row?.ownerEpoch == advance.ownerEpoch && row?.nextOffset == advance.from
        }
        guard isOurs || flaw == .forgetsTheFence else {
            let isOwner = epoch.advances.allSatisfy { contents.rows[$0.key]?.ownerEpoch == $0.ownerEpoch }
            if isOwner, contents.incarnation == 0, contents.accepted.isEmpty {
                database.show(epoch, isCommitted: false)
            }
            return false
        }
        for advance in epoch.advances {
            contents.rows[advance.key]?.nextOffset = advance.to
            if let tail = advance.tail { contents.rows[advance.key]?.tail = tail }
            if let clock = advance.clock { contents.rows[advance.key]?.clock = clock }
            contents.rows[advance.key]?.counters += advance.counters
            if flaw == .miscounts { contents.rows[advance.key]?.counters.read += 1 }
        }
        for delta in epoch.deltas.values where flaw != .losesTheTables {
            guard let tally = delta as? TallyDelta else { continue }
            contents.table.merge(tally.table, uniquingKeysWith: +)
            if flaw == .commitsTwice { contents.table.merge(tally.table, uniquingKeysWith: +) }
        }
        if flaw != .losesDeadLetters {
            contents.deadLetters += epoch.deadLetters.map {
                ModelDatabase.DeadPlace(key: epoch.partitionKeys[$0.partition], offset: $0.offset)
            }
        }
        database.show(epoch, isCommitted: true)
        return true
    }

    /// Lets go of a turn.
    public func close() { passTurn() }
}
