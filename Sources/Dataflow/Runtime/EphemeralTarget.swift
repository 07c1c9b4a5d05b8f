import Synchronization

/// The target of a topology that stores nothing: positions last as long as the process.
public final class EphemeralTarget: CommitTarget {
    private let observers: [any EpochObserver]
    private let rows = Mutex<[PartitionKey: ClaimedPartition]>([:])

    /// Creates a target that tells `observers` of every epoch.
    public init(observers: [any EpochObserver]) { self.observers = observers }

    /// Gives every partition an owner epoch of its own.
    public func claim(
        _ keys: [PartitionKey], origin: String?, _ context: CommitContext
    ) throws -> [ClaimedPartition] {
        rows.withLock { positions in
            keys.map { key in
                var partition =
                    positions[key]
                    ?? ClaimedPartition(key: key, ownerEpoch: 0, nextOffset: nil, tail: nil, origin: origin)
                partition.ownerEpoch += 1
                positions[key] = partition
                return partition
            }
        }
    }

    /// Keeps where partitions begin.
    public func begin(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        rows.withLock { positions in
            for partition in partitions { positions[partition.key]?.nextOffset = partition.nextOffset }
        }
    }

    /// Keeps where partitions of a new topic begin, unless the topic is known.
    public func found(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        rows.withLock { positions in
            let known = Set(positions.values.filter { $0.nextOffset != nil }.map(\.key.topic))
            for partition in partitions where !known.contains(partition.key.topic) {
                positions[partition.key, default: partition].nextOffset = partition.nextOffset
            }
        }
    }

    /// Where partitions stand.
    public func positions(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition] {
        rows.withLock { positions in partitions.compactMap { positions[$0.key] } }
    }

    /// Moves the positions and tells the observers.
    public func commit(_ epoch: ClosedEpoch, _ context: CommitContext) throws -> CommitOutcome {
        rows.withLock { positions in
            for advance in epoch.advances {
                positions[advance.key]?.nextOffset = advance.to
                if let tail = advance.tail { positions[advance.key]?.tail = tail }
                if let clock = advance.clock { positions[advance.key]?.clock = clock }
            }
        }
        for observer in observers { observer.committed(epoch) }
        return .committed
    }

    /// Nobody else could have claimed anything.
    public func confirm(_ standing: [ClaimedPartition], _ context: CommitContext) throws -> CommitOutcome {
        .committed
    }

    /// Nothing to close.
    public func close() {}
}

/// Somebody who looks at committed epochs.
public protocol EpochObserver: Sendable {
    /// The epoch is in the database (or, without one, final). Called on the commit thread; should be quick.
    func committed(_ epoch: ClosedEpoch)
}
