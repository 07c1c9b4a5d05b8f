package import Dataflow
import Foundation
package import Postgres
package import Summaries
import Synchronization

/// Commits epochs to Postgres: fence, tables, dead letters and ledger in one transaction.
///
/// `@unchecked Sendable`: `claims` is used by source threads under its lock, `commits` by the commit thread only; what
/// `prepare` finds is written before there is either.
package final class PostgresTarget: CommitTarget, @unchecked Sendable {
    let rows: PartitionRows
    let sinks: [TableSink]
    let registration: Registration
    private let acceptsGaps: Bool
    /// What is replayed; nil for a topology that runs.
    let replay: ReplayBook?
    /// The letters of the replay at its start, by partition.
    var replayed: [(key: PartitionKey, count: Int64)] = []
    /// The tables of summaries, in one order in every process.
    var tables: [TableRows] = []
    /// What is run after commits, by table.
    let keepers = Mutex<[StepKeeper]>([])
    let makeStepSession: @Sendable () -> PostgresSession
    /// Everything that is written in the transaction of a commit.
    var epochSinks: [any EpochSink] = []
    /// The definition that this instance runs; nil before `prepare`.
    var definition: TableDefinition?
    /// The context of the start, which tells the user of troubles.
    private(set) var starting: CommitContext?
    /// Whether the tables are still those of the start.
    var tableWatch = TableWatch([])
    /// By node, tables that the first commit that writes rows marks as having some.
    var unmarked: [Int: [TablePlace]] = [:]
    private let lifeSigns = LifeSigns()
    /// Signs given; used by the thread that gives them.
    private var signs = 0
    /// Set when another definition took over: whatever is asked next says so.
    private let replacement = Mutex(Replacement())
    private let onWarning: @Sendable (String) -> Void
    let onRetention: @Sendable (String, Int, String) -> Void
    /// Lends what nodes share with other processes.
    package let permits: (any PermitLender)?
    let commits: PostgresSession
    let claims: PostgresSession
    let claimLock = NSLock()
    /// Partitions of which this process has committed records.
    let committed = Mutex<Set<PartitionKey>>([])
    private let consoles: [any EpochObserver]
    private let functions: String
    let refused: [Int: RefusedGroups]
    let memory: MemoryAccountant
    /// Groups refused since the last commit.
    var refusedInARow = 0
    /// Whether the last ticket had to be waited for; read by whoever asks whether an epoch is due.
    private let isContended = Atomic(false)
    /// Whether the tickets of all tables are held by a transaction that stands open on `commits`.
    var hasTickets = false

    /// Creates a target; connects when first used.
    /// - Parameters:
    ///   - topology: the topology's name, part of every position's key.
    ///   - owner: names this process in `millrace.partitions`.
    ///   - sinks: for each summarizing node that has a table: the table, and what its rows mean.
    ///   - acceptsGaps: whether tables that lack what was read before are accepted as they are.
    ///   - refused: by summarizing node, the groups whose records it leaves out, which this target adds to. Without a
    ///     set of its own, a node's refused rows stop the pipeline.
    ///   - memory: what rows on their way are drawn from.
    ///   - observers: told of every committed epoch.
    ///   - desk: what is replayed; nil for a topology that runs.
    ///   - onWarning: gets what a person should know about the tables at the start.
    ///   - onRetention: is told which table has dropped how many partitions, and up to when rows are gone.
    ///   - onNotice: gets what the server has to say.
    package init(
        topology: String, owner: String, settings: ConnectionSettings,
        sinks: [TableSink], acceptsGaps: Bool = false, refused: [Int: RefusedGroups] = [:],
        memory: MemoryAccountant, observers: [any EpochObserver] = [], replaying desk: ReplayDesk? = nil,
        onWarning: @escaping @Sendable (String) -> Void = { _ in },
        onRetention: @escaping @Sendable (String, Int, String) -> Void = { _, _, _ in },
        onNotice: @escaping Notice.Handler
    ) {
        rows = PartitionRows(topology: topology, owner: owner)
        self.sinks = sinks
        self.acceptsGaps = acceptsGaps
        replay = desk.map { ReplayBook(topology: topology, desk: $0) }
        self.onWarning = onWarning
        self.onRetention = onRetention
        // A process number comes again, in containers at every start.
        let mark = String(UInt32.random(in: .min ... .max), radix: 16)
        registration = Registration(topology: topology, instance: "\(owner):\(mark)")
        permits = PermitKeeper(settings, PermitRows(topology: topology, instance: registration.instance))
        self.memory = memory
        self.refused = refused
        let board = TroubleBoard()
        commits = PostgresSession(settings, name: "commits", board: board, onNotice: onNotice)
        claims = PostgresSession(settings, name: "claims", board: board, onNotice: onNotice)
        makeStepSession = {
            PostgresSession(settings, name: "steps", board: TroubleBoard(), onNotice: onNotice)
        }
        consoles = observers
        functions = SketchFunctions.script
    }

    /// Makes schema and tables, or checks that they are this topology's and hold what its positions say. Waits for
    /// instances of another definition that may still be alive.
    /// - Throws: `SinkError` naming the table or the refusal.
    package func prepare(_ context: CommitContext) throws {
        if replay == nil { try checkSteps() }
        var setup = SchemaSetup(
            registration: registration, sinks: sinks, functions: functions, acceptsGaps: acceptsGaps)
        setup.mayRegister = replay == nil
        var known: [Registration.Sighting] = []
        while true {
            let outcome = try commits.run(context) { connection, _ in try setup.run(known, &connection) }
            switch outcome {
            case .ready(let prepared):
                if !known.isEmpty { context.report(trouble: nil) }
                starting = context
                try begin(prepared)
                if let replay { try beginReplay(replay, context) }
                return dropOldRows { body in try self.commits.run(context) { connection, _ in try body(&connection) } }
            case .waiting(let others):
                known += others.filter { other in !known.contains { $0.instance == other.instance } }
                context.report(
                    trouble: "instance \(others[0].instance) of topology \(registration.topology) ran with another "
                        + "definition a moment ago; it counts as gone when it has been silent for "
                        + "\(SinkLimits.instanceSilence.components.seconds) s")
                try context.pause(SinkLimits.instanceLook)
            }
        }
    }

    private func begin(_ prepared: SchemaSetup.Prepared) throws {
        definition = prepared.definition
        // What keeps instances from each other is the ticket, not the order.
        tables = zip(zip(sinks, prepared.droppedBefore), zip(prepared.places, prepared.partitions))
            .sorted { ($0.1.0.schema, $0.1.0.name) < ($1.1.0.schema, $1.1.0.name) }
            .map { known, found in
                let sink = known.0
                let writer = SummaryWriter(
                    plan: sink.plan, window: sink.window, place: found.0, name: sink.table, memory: memory)
                return TableRows(
                    node: sink.node, sink: sink.name, writer: writer, partitions: found.1, droppedBefore: known.1)
            }
        if let replay {
            // Its locks on the ledger come before those on rows, as in every commit.
            epochSinks = [ReplayRows(replay, registration, prepared.definition, memory: memory)] + tables
        } else {
            epochSinks =
                tables + [
                    DeadLetterRows(topology: rows.topology, memory: memory),
                    GenerationRows(topology: rows.topology, onWarning: onWarning),
                ]
        }
        try beginSteps()
        tableWatch = TableWatch(prepared.places)
        for (index, sink) in sinks.enumerated() where !prepared.hasRows[index] {
            unmarked[sink.node, default: []].append(prepared.places[index])
        }
        prepared.warnings.forEach(onWarning)
        lifeSigns.start(every: SinkLimits.signOfLife) { [weak self] context in self?.giveSign(context) }
    }

    /// Tells the database that this instance is alive, and learns whether its definition still is.
    private func giveSign(_ stopping: CommitContext) {
        guard let definition, let starting else { return }
        signs += 1
        // It holds the lock of the claims: a sign that takes long is given up, and the next one tries again.
        let end = ContinuousClock.now + SinkLimits.signTime
        let context = CommitContext(
            isCancelled: { stopping.isCancelled || starting.isCancelled || ContinuousClock.now >= end },
            reportTrouble: { starting.report(trouble: $0) }, wait: { _ = try? stopping.pause($0) })
        do {
            try transaction(context) { connection in
                try registration.check(definition, locking: false, &connection)
                try registration.signIn(definition.digest, &connection)
            }
        } catch let error as SinkError where error.code == .replaced {
            let tell = replacement.withLock { state in
                state.error = error
                return state.tell
            }
            tell?()
        } catch {
            // The database is away, which those who commit say; the next sign is given in a moment.
        }
        guard signs.isMultiple(of: SinkLimits.signsBetweenDrops) else { return }
        let whole = CommitContext(
            isCancelled: { stopping.isCancelled || starting.isCancelled }, reportTrouble: { _ in },
            wait: { _ = try? stopping.pause($0) })
        dropOldRows { body in try transaction(whole) { connection in try body(&connection) } }
    }

    private struct Replacement {
        var error: SinkError?
        var tell: (@Sendable () -> Void)?
    }

    /// Tells somebody, at most seconds later, that another definition took over; also an instance that has nothing to do
    /// must end then. `checkReplacement` says which.
    package func onReplacement(_ tell: @escaping @Sendable () -> Void) {
        let isReplaced = replacement.withLock { state in
            state.tell = tell
            return state.error != nil
        }
        if isReplaced { tell() }
    }

    /// - Throws: `SinkError` when another definition took over.
    package func checkReplacement() throws {
        if let error = replacement.withLock({ $0.error }) { throw error }
    }

    /// Whether a fence that refused did so because of another definition.
    private func checkRegistration(_ connection: inout Connection) throws {
        guard let definition else { return }
        try connection.begin(.positions)
        try registration.check(definition, locking: false, &connection)
        try connection.execute("COMMIT")
    }

    /// Whether the last commit had to wait for its tickets.
    package var wantsTurn: Bool { isContended.load(ordering: .relaxed) }

    /// Opens the transaction of the next commit with the tickets of all tables.
    package func takeTurn(_ context: CommitContext) throws {
        try commits.run(context) { connection, isNew in
            // What the database holds is asked first, and by the commit.
            guard !isNew else { return }
            let names = Self.names(tables.map(\.writer.table.place.quoted))
            let asked = ContinuousClock.now
            try connection.begin(.commit) { $0.query(CommitTicket.sql, [.array(names)]) }
            noteWait(since: asked)
            hasTickets = true
        }
    }

    package func passTurn() {
        hasTickets = false
        commits.leaveTransaction()
    }

    func noteWait(since asked: ContinuousClock.Instant) {
        isContended.store(.now - asked > SinkLimits.ticketWait, ordering: .relaxed)
    }

    package func commit(_ epoch: ClosedEpoch, _ context: CommitContext) throws -> CommitOutcome {
        if replay != nil, let refusal = refuseForgotten(epoch) {
            passTurn()
            return refusal
        }
        // With tickets in hand a transaction is open already.
        if !hasTickets { for sink in epochSinks { sink.prepare(epoch) } }
        defer { for sink in epochSinks { sink.forgetPrepared() } }
        // The first try on a connection that this epoch has not used yet asks the database what it holds: the COMMIT
        // before may have happened although its answer was lost, and the server may be a restored one.
        let outcome = try commits.run(context) { connection, isNew in
            if isNew {
                for table in tables { table.partitions?.forget() }
                switch try verdict(on: epoch, &connection) {
                case .committed: return CommitOutcome.committed
                case .fenced(let reason): return .fenced(reason: reason)
                case .notCommitted: break
                }
            }
            do {
                return try writeAgainstRaces(epoch, &connection)
            } catch let error as PostgresError where Self.mayBlameRow(error) || commits.doesNotPass(error) {
                return try findRefusals(in: epoch, after: error, &connection)
            } catch let error as LostRows {
                throw try error.explained(&connection)
            } catch let error as LettersMoved {
                try connection.execute("ROLLBACK")
                return .fenced(reason: error.reason)
            }
        }
        if case .fenced = outcome {
            try commits.run(context) { connection, _ in try checkRegistration(&connection) }
        }
        if outcome == .committed {
            committed.withLock { $0.formUnion(epoch.advances.map(\.key)) }
            unmarked = unmarked.filter { epoch.deltas[$0.key] == nil }
            refusedInARow = 0
            if replay?.desk.isRehearsal == true { for table in tables { table.partitions?.forget() } }
            for sink in epochSinks { sink.committed(epoch) }
            for console in consoles { console.committed(epoch) }
        }
        return outcome
    }

    func verdict(on epoch: ClosedEpoch, _ connection: inout Connection) throws -> CommitVerdict {
        try connection.begin(.positions)
        if let replay {
            let verdict = try replay.verdict(&connection)
            try connection.execute("COMMIT")
            return verdict
        }
        let keys = epoch.advances.map(\.key) + epoch.standing.map(\.key)
        let found = try rows.read(keys.sorted(), locking: true, &connection)
        try connection.execute("COMMIT")
        let verdict = CommitVerdict.decide(epoch.advances, rows: found)
        if verdict != .committed, let mismatch = CommitVerdict.mismatch(epoch.standing, rows: found) {
            return .fenced(reason: mismatch)
        }
        return verdict
    }

    package func confirm(_ standing: [ClaimedPartition], _ context: CommitContext) throws -> CommitOutcome {
        try checkReplacement()
        return try commits.run(context) { connection, isNew in
            guard isNew, replay == nil else { return .committed }
            try connection.begin(.positions)
            let found = try rows.read(standing.map(\.key), locking: false, &connection)
            try connection.execute("COMMIT")
            return CommitVerdict.mismatch(standing, rows: found).map { .fenced(reason: $0) } ?? .committed
        }
    }

    private static func mayBlameRow(_ error: PostgresError) -> Bool {
        error.isRowRefusal || (error.isRaised && !error.isRetryable)
    }

    deinit {
        lifeSigns.stop()
        endSteps()
    }

    package func close() {
        lifeSigns.stop()
        signOut()
        commits.close()
        claims.close()
    }
}

extension PostgresTarget {
    /// Says that this instance is gone, so that another definition need not wait for its silence.
    private func signOut() {
        guard definition != nil else { return }
        let end = ContinuousClock.now + SinkLimits.signOut
        let context = CommitContext(
            isCancelled: { ContinuousClock.now >= end }, reportTrouble: { _ in }, wait: { _ in })
        // The row that stays behind when the database is away counts as gone after a while.
        _ = try? transaction(context) { connection in
            try replay?.end(&connection)
            try registration.signOut(&connection)
        }
    }
}
