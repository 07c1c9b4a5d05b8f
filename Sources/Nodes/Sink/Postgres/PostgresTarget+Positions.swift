package import Dataflow
import Foundation
import Postgres
import Synchronization

/// Positions, beside the commits: on a connection of their own, called by the threads of sources.
extension PostgresTarget {
    package func claim(
        _ keys: [PartitionKey], origin: String?, _ context: CommitContext
    ) throws -> [ClaimedPartition] {
        if let replay { return try replayed(keys, replay, context) }
        try checkReplacement()
        return try transaction(context) { connection in
            if let definition { try registration.check(definition, locking: true, &connection) }
            let claimed = try rows.claim(keys, origin: origin, &connection)
            try refuseLostPositions(claimed, &connection)
            return claimed
        }
    }

    /// Partitions of which this process has committed records and of which nothing is recorded any more: a database that was restored has lost
    /// the tables' rows too. If those are there and no position of the topology is, somebody has deleted the positions, and
    /// everything read again would count twice.
    private func refuseLostPositions(_ claimed: [ClaimedPartition], _ connection: inout Connection) throws {
        let fresh = claimed.filter { $0.nextOffset == nil }.map(\.key)
        // The rows of a shared table may be another topology's.
        guard committed.withLock({ !$0.isDisjoint(with: fresh) }), !sinks.contains(where: \.isShared) else { return }
        let read = try connection.query(
            "SELECT coalesce(sum(p.read), 0)::bigint FROM millrace.partitions p WHERE p.topology = $1",
            [.text(rows.topology)]
        ).int64(0, 0)
        guard read == 0 else { return }
        for writer in tables.map(\.writer) where try writer.table.place.hasRows(&connection) {
            throw SinkError(
                code: .historyMismatch,
                description: "table \(writer.table.place.shown): it holds rows, and the positions of topology "
                    + "\(rows.topology) that belong to them were deleted while it ran (millrace.partitions): everything read "
                    + "again would count twice; the next start says what can be done")
        }
    }

    package func known(topicPrefix: String, _ context: CommitContext) throws -> [ClaimedPartition] {
        try transaction(context) { connection in
            try rows.known(topicPrefix: topicPrefix, &connection)
        }
    }

    package func begin(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        try transaction(context) { connection in try rows.begin(partitions, &connection) }
    }

    package func found(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        try transaction(context) { connection in try rows.found(partitions, &connection) }
    }

    package func positions(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition] {
        if let replay { return try replayed(partitions.map(\.key), replay, context) }
        return try transaction(context) { connection in
            try rows.read(partitions.map(\.key), locking: true, &connection)
        }
    }

    func transaction<Result>(
        _ context: CommitContext, _ body: (inout Connection) throws -> Result
    ) throws -> Result {
        claimLock.lock()
        defer { claimLock.unlock() }
        return try claims.run(context) { connection, _ in
            try connection.begin(.positions)
            let result = try body(&connection)
            try connection.commit()
            return result
        }
    }
}
