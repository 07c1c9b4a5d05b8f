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

    /// Creates a target; connects when first used.
    /// - Parameters:
    ///   - topology: the topology's name, part of every position's key.
    ///   - owner: names this process in `millrace.partitions`.
    ///   - sinks: for each summarizing node that has a table: its plan and the table's name.
    ///   - observers: told of every committed epoch.
    ///   - onNotice: gets what the server has to say.
    package init(
        topology: String, owner: String, settings: ConnectionSettings,
        sinks: [(node: Int, plan: SummaryPlan, table: String)], observers: [any EpochObserver] = [],
        onNotice: @escaping Notice.Handler
    ) {
        rows = PartitionRows(topology: topology, owner: owner)
        // Tables are written in the order of their names, in every process: that is the order of their locks.
        writers = sinks.sorted { $0.table < $1.table }
            .map { ($0.node, SummaryWriter(plan: $0.plan, tableName: $0.table)) }
        commits = PostgresSession(settings, onNotice: onNotice)
        claims = PostgresSession(settings, onNotice: onNotice)
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

    package func begin(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        try transaction(context) { connection throws(PostgresError) in try rows.begin(partitions, &connection) }
    }

    package func owned(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition] {
        let found = try transaction(context) { connection throws(PostgresError) in
            try rows.read(partitions.map(\.key), locking: true, &connection)
        }
        let mine = Dictionary(partitions.map { ($0.key, $0.ownerEpoch) }, uniquingKeysWith: { first, _ in first })
        return found.filter { mine[$0.key] == $0.ownerEpoch }
    }

    private func transaction<Result>(
        _ context: CommitContext, _ body: (inout Connection) throws(PostgresError) -> Result
    ) throws -> Result {
        claimLock.lock()
        defer { claimLock.unlock() }
        return try claims.run(context) { connection, _ in
            try connection.execute("BEGIN; SET LOCAL lock_timeout = \(SinkLimits.lockTimeoutMilliseconds)")
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
            return try write(epoch, &connection)
        }
        if outcome == .committed { for console in consoles { console.committed(epoch) } }
        return outcome
    }

    private func verdict(on epoch: ClosedEpoch, _ connection: inout Connection) throws -> CommitVerdict {
        try connection.execute("BEGIN")
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
            let found = try rows.read(standing.map(\.key), locking: false, &connection)
            return CommitVerdict.mismatch(standing, rows: found).map { .fenced(reason: $0) } ?? .committed
        }
    }

    private func write(_ epoch: ClosedEpoch, _ connection: inout Connection) throws -> CommitOutcome {
        let (advance, parameters) = rows.advanceStatement(epoch.advances)
        // Nested loops over the primary key are right for these joins whatever the statistics say.
        let answers = try connection.pipeline { pipeline in
            pipeline.query("BEGIN ISOLATION LEVEL READ COMMITTED")
            pipeline.query("SET LOCAL lock_timeout = \(SinkLimits.lockTimeoutMilliseconds)")
            pipeline.query("SET LOCAL enable_hashjoin = off")
            pipeline.query("SET LOCAL enable_mergejoin = off")
            pipeline.query("SET LOCAL enable_seqscan = off")
            pipeline.query(advance, parameters)
        }
        guard answers.last?.affectedRows == epoch.advances.count else {
            try connection.execute("ROLLBACK")
            return .fenced(reason: "a partition was taken over by another instance, or the database was restored")
        }
        for (node, writer) in writers {
            guard let delta = epoch.deltas[node] as? SummaryDelta else { continue }
            try writer.write(delta, &connection)
        }
        if !epoch.deadLetters.isEmpty { try write(epoch.deadLetters, epoch.partitionKeys, &connection) }
        try connection.execute("COMMIT")
        return .committed
    }

    private func write(
        _ letters: [DeadLetter], _ keys: [PartitionKey], _ connection: inout Connection
    ) throws(PostgresError) {
        var topics = ArrayBuilder(.text)
        var partitions = ArrayBuilder(.int4)
        var offsets = ArrayBuilder(.int8)
        var lines = ArrayBuilder(.int4)
        var reasons = ArrayBuilder(.text)
        var payloads = ArrayBuilder(.bytea)
        var times = ArrayBuilder(.timestamptz)
        for letter in letters {
            topics.append(keys[letter.partition].topic)
            partitions.append(keys[letter.partition].partition)
            offsets.append(letter.offset)
            lines.append(letter.line)
            reasons.append(letter.reason)
            payloads.append(letter.payload)
            if let time = letter.timestamp {
                times.append(microsecondsSince1970: time * 1_000)
            } else {
                times.appendNull()
            }
        }
        try connection.query(
            """
            INSERT INTO millrace.dead_letters
            (topology, topic, partition, "offset", line, reason, payload, message_time)
            SELECT $1, k.* FROM unnest($2::text[], $3::int[], $4::bigint[], $5::int[], $6::text[], $7::bytea[],
                $8::timestamptz[]) AS k
            """,
            [
                .text(rows.topology), .array(topics), .array(partitions), .array(offsets), .array(lines),
                .array(reasons), .array(payloads), .array(times),
            ])
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
