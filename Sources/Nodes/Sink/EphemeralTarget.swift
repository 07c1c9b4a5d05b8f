import Dataflow
import Synchronization

/// The target of a topology without a `postgres` sink: positions last as long as the process.
public final class EphemeralTarget: CommitTarget {
    private let observers: [any EpochObserver]
    private let positions = Mutex<[PartitionKey: ClaimedPartition]>([:])

    /// Creates a target that tells `observers` of every epoch.
    public init(observers: [any EpochObserver]) { self.observers = observers }

    public func claim(_ keys: [PartitionKey], _ context: CommitContext) throws -> [ClaimedPartition] {
        positions.withLock { positions in
            keys.map { key in
                var partition =
                    positions[key] ?? ClaimedPartition(key: key, ownerEpoch: 0, nextOffset: nil, tail: nil)
                partition.ownerEpoch += 1
                positions[key] = partition
                return partition
            }
        }
    }

    public func begin(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        positions.withLock { positions in
            for partition in partitions { positions[partition.key]?.nextOffset = partition.nextOffset }
        }
    }

    public func owned(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition] {
        positions.withLock { positions in partitions.compactMap { positions[$0.key] } }
    }

    public func commit(_ epoch: ClosedEpoch, _ context: CommitContext) throws -> CommitOutcome {
        positions.withLock { positions in
            for advance in epoch.advances {
                positions[advance.key]?.nextOffset = advance.to
                positions[advance.key]?.tail = advance.tail
            }
        }
        for observer in observers { observer.committed(epoch) }
        return .committed
    }

    public func close() {}
}
