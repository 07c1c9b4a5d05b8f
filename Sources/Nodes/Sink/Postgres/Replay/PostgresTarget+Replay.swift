import Dataflow
import Foundation
import Postgres
import Summaries

/// The target of a replay: the positions of the topology stay where they are.
extension PostgresTarget: ReplayShelf {
    func partitions(_ context: CommitContext) throws -> [(key: PartitionKey, count: Int64)] {
        guard let replay else { return [] }
        return try transaction(context) { connection in try replay.partitions(&connection) }
    }

    func letters(of key: PartitionKey, from offset: Int64, _ context: CommitContext) throws -> [ReplayLetter] {
        guard let replay else { return [] }
        return try transaction(context) { connection in try replay.letters(of: key, from: offset, &connection) }
    }

    /// Says what the sources have left alone, once they have ended by themselves.
    package func endReplay() { replay?.desk.leaveOthers(of: replayed) }

    /// Makes the replay known.
    func beginReplay(_ replay: ReplayBook, _ context: CommitContext) throws {
        try transaction(context) { connection in
            try replay.begin(as: registration.instance, &connection)
            // Whoever changes names has kept it waiting until now, and nothing of it is to stand under the old one.
            if let definition { try registration.check(definition, locking: false, &connection) }
        }
        replay.desk.shelf = self
        replayed = try partitions(context)
    }

    /// The partitions as the replay has got on with them.
    func replayed(_ keys: [PartitionKey], _ replay: ReplayBook, _ context: CommitContext) throws -> [ClaimedPartition] {
        try checkReplacement()
        let found = try transaction(context) { connection in
            if let definition { try registration.check(definition, locking: false, &connection) }
            return try rows.read(keys, locking: false, &connection)
        }
        replay.desk.note(found)
        return keys.sorted().map {
            ClaimedPartition(key: $0, ownerEpoch: 1, nextOffset: replay.desk.position(of: $0), tail: nil)
        }
    }

    /// Groups of windows whose rows are no longer kept: their partitions may have been dropped, and a part of a row is none.
    func refuseForgotten(_ epoch: ClosedEpoch) -> CommitOutcome? {
        let now = Int64(Date.now.timeIntervalSince1970 * 1e6)
        var count = 0
        for table in tables {
            guard table.partitions != nil || table.droppedBefore != nil, let delta = table.delta(in: epoch),
                let refused = refused[table.node]
            else { continue }
            let fault = RecordFault(
                "forgotten", node: table.sink,
                "its window is older than what table \(table.writer.table.name) keeps or has kept, and its row may be gone"
            )
            table.writer.withOrder(of: delta) { order in
                for entry in order.entries {
                    let groups = delta.sets[Int(entry.set)]
                    guard let start = groups.windowStart(ofGroup: Int(entry.group)),
                        table.isForgotten(start, at: now)
                    else { continue }
                    refused.insert(GroupOrder.identity(of: Int(entry.group), in: groups, as: groups.set), fault)
                    count += 1
                }
            }
        }
        return count == 0 ? nil : .refused(reason: "\(count) rows are of windows that are no longer kept")
    }
}
