package import Dataflow
import Foundation
package import Postgres

/// Commits epochs to Postgres: fence, tables, dead letters and ledger in one transaction.
///
/// `@unchecked Sendable`: `claims` is used by source threads under its lock, `commits` by the commit thread only.
package final class PostgresTarget: CommitTarget, @unchecked Sendable {
    private let rows: PartitionRows
    private let writers: [(node: Int, writer: SummaryWriter)]
    private let commits: PostgresSession
    private let claims: PostgresSession
    private let claimLock = NSLock()
    private let consoles: [any EpochObserver]
    private let functions: String
    private let refused: [Int: RefusedGroups]
    private let memory: MemoryAccountant
    /// Groups refused since the last commit.
    private var refusedInARow = 0

    /// Creates a target; connects when first used.
    /// - Parameters:
    ///   - topology: the topology's name, part of every position's key.
    ///   - owner: names this process in `millrace.partitions`.
    ///   - sinks: for each summarizing node that has a table: its plan and the table's name.
    ///   - refused: by summarizing node, the groups whose records it leaves out, which this target adds to. Without a
    ///     set of its own, a node's refused rows stop the pipeline.
    ///   - memory: what rows on their way are drawn from.
    ///   - observers: told of every committed epoch.
    ///   - onNotice: gets what the server has to say.
    package init(
        topology: String, owner: String, settings: ConnectionSettings,
        sinks: [(node: Int, plan: SummaryPlan, table: String)], refused: [Int: RefusedGroups] = [:],
        memory: MemoryAccountant, observers: [any EpochObserver] = [],
        onNotice: @escaping Notice.Handler
    ) {
        rows = PartitionRows(topology: topology, owner: owner)
        // Tables are written in the order of their names, in every process: that is the order of their locks.
        writers = sinks.sorted { $0.table < $1.table }
            .map { ($0.node, SummaryWriter(plan: $0.plan, tableName: $0.table, memory: memory)) }
        self.memory = memory
        self.refused = refused
        let board = TroubleBoard()
        commits = PostgresSession(settings, name: "commits", board: board, onNotice: onNotice)
        claims = PostgresSession(settings, name: "claims", board: board, onNotice: onNotice)
        consoles = observers
        functions = String(
            decoding: PackageResources.functions_sql + PackageResources.functions_hll_sql, as: UTF8.self)
    }

    /// Makes schema and tables, or checks them.
    /// - Throws: `SinkError` naming the table or the refusal.
    package func prepare(_ context: CommitContext) throws {
        let tables = writers.map(\.writer.table)
        try commits.run(context) { connection, _ in
            try SchemaSetup.run(tables, functions: functions, &connection)
        }
    }

    package func claim(
        _ keys: [PartitionKey], origin: String?, _ context: CommitContext
    ) throws -> [ClaimedPartition] {
        try transaction(context) { connection throws(PostgresError) in
            try rows.claim(keys, origin: origin, &connection)
        }
    }

    package func known(topicPrefix: String, _ context: CommitContext) throws -> [ClaimedPartition] {
        try transaction(context) { connection throws(PostgresError) in
            try rows.known(topicPrefix: topicPrefix, &connection)
        }
    }

    package func begin(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        try transaction(context) { connection throws(PostgresError) in try rows.begin(partitions, &connection) }
    }

    package func found(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        try transaction(context) { connection throws(PostgresError) in try rows.found(partitions, &connection) }
    }

    package func positions(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition] {
        try transaction(context) { connection throws(PostgresError) in
            try rows.read(partitions.map(\.key), locking: true, &connection)
        }
    }

    private func transaction<Result>(
        _ context: CommitContext, _ body: (inout Connection) throws(PostgresError) -> Result
    ) throws -> Result {
        claimLock.lock()
        defer { claimLock.unlock() }
        return try claims.run(context) { connection, _ in
            try connection.begin(.positions)
            let result = try body(&connection)
            try connection.execute("COMMIT")
            return result
        }
    }

    package func commit(_ epoch: ClosedEpoch, _ context: CommitContext) throws -> CommitOutcome {
        // The first try on a connection that this epoch has not used yet asks the database what it holds: the COMMIT
        // before may have happened although its answer was lost, and the server may be a restored one.
        let outcome = try commits.run(context) { connection, isNew in
            if isNew {
                switch try verdict(on: epoch, &connection) {
                case .committed: return CommitOutcome.committed
                case .fenced(let reason): return .fenced(reason: reason)
                case .notCommitted: break
                }
            }
            do {
                return try write(epoch, &connection)
            } catch let error as PostgresError where error.isRowRefusal || commits.doesNotPass(error) {
                return try findRefusals(in: epoch, after: error, &connection)
            }
        }
        if outcome == .committed {
            refusedInARow = 0
            for console in consoles { console.committed(epoch) }
        }
        return outcome
    }

    private func verdict(on epoch: ClosedEpoch, _ connection: inout Connection) throws -> CommitVerdict {
        try connection.begin(.positions)
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
        try commits.run(context) { connection, isNew in
            guard isNew else { return .committed }
            try connection.begin(.positions)
            let found = try rows.read(standing.map(\.key), locking: false, &connection)
            try connection.execute("COMMIT")
            return CommitVerdict.mismatch(standing, rows: found).map { .fenced(reason: $0) } ?? .committed
        }
    }

    private func write(_ epoch: ClosedEpoch, _ connection: inout Connection) throws -> CommitOutcome {
        guard try begin(epoch, &connection) else { return fenced }
        for (node, writer) in writers {
            guard let delta = epoch.deltas[node] as? SummaryDelta else { continue }
            try writer.write(delta, &connection)
        }
        let letters = DeadLetterRows(topology: rows.topology, memory: memory)
        try letters.write(epoch.deadLetters, epoch.partitionKeys, &connection)
        try connection.execute("COMMIT")
        return .committed
    }

    /// Opens the transaction of an epoch with the fence. False, and no transaction, when a partition is no longer ours.
    private func begin(_ epoch: ClosedEpoch, _ connection: inout Connection) throws -> Bool {
        let (advance, parameters) = rows.advanceStatement(epoch.advances)
        let answers = try connection.begin(.commit) { $0.query(advance, parameters) }
        if answers.last?.affectedRows == epoch.advances.count { return true }
        try connection.execute("ROLLBACK")
        return false
    }

    private var fenced: CommitOutcome {
        .fenced(reason: "a partition was taken over by another instance, or the database was restored")
    }

    /// Finds the groups whose rows the database refuses and adds them to the sets that the workers look at. Nothing is
    /// written: the epoch's records are read again, and those of refused groups become dead letters.
    /// - Throws: `error` when no single row is to blame, `SinkError` when so many are that they are no exceptions.
    private func findRefusals(
        in epoch: ClosedEpoch, after error: PostgresError, _ connection: inout Connection
    ) throws -> CommitOutcome {
        try connection.execute("ROLLBACK")
        guard try begin(epoch, &connection) else { return fenced }
        // Constraints that are checked at COMMIT would blame nobody.
        try connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        var room = SinkLimits.refusedGroupsPerSearch
        var finds: [(refused: RefusedGroups, group: RefusedGroups.Group, reason: String)] = []
        var reports: [String] = []
        for (node, writer) in writers where room > 0 {
            guard let delta = epoch.deltas[node] as? SummaryDelta, let refused = refused[node] else { continue }
            let found = try writer.findRefusals(in: delta, after: error, limit: room, &connection)
            let table = writer.table.name
            finds += found.map {
                (refused, $0.group, "the database refuses this row of \(table): \($0.error.rowRefusal)")
            }
            room -= found.count
            guard let last = found.last else { continue }
            reports.append("\(found.count) row(s) of table \(table), the last with \(last.error.publicRowRefusal)")
        }
        try connection.execute("ROLLBACK")
        guard !finds.isEmpty else { throw error }
        refusedInARow += finds.count
        let report = "the database refuses \(reports.joined(separator: "; "))"
        guard refusedInARow <= SinkLimits.refusedInARowMax else {
            throw SinkError(
                code: .refused,
                description: "postgres: \(report); more than \(SinkLimits.refusedInARowMax) rows in a row are no "
                    + "exceptions; change the constraint, trigger or column that refuses them")
        }
        // From here on the epoch must not be tried again: its groups hold the records that are to be left out.
        for find in finds { find.refused.insert(find.group, reason: find.reason) }
        return .refused(reason: report + "; their records go to millrace.dead_letters")
    }

    package func close() {
        commits.close()
        claims.close()
    }
}

/// Somebody who looks at committed epochs, such as the `console` sink.
package protocol EpochObserver: Sendable {
    /// The epoch is in the database (or, without one, final). Called on the commit thread; should be quick.
    func committed(_ epoch: ClosedEpoch)
}
