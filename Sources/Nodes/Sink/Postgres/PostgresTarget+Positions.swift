package import Dataflow
import Foundation
import Postgres

/// Positions, beside the commits: on a connection of their own, called by the threads of sources.
extension PostgresTarget {
    package func claim(
        _ keys: [PartitionKey], origin: String?, _ context: CommitContext
    ) throws -> [ClaimedPartition] {
        try checkReplacement()
        return try transaction(context) { connection in
            if let definition { try registration.check(definition, locking: true, &connection) }
            return try rows.claim(keys, origin: origin, &connection)
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
        try transaction(context) { connection in
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
