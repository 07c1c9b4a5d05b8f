import Platform

/// Positions of partitions that stand still, and of topics that are met for the first time.
extension Intake {
    /// Records where the partitions of topics begin that this topology has never met: for each topic all that are given, or,
    /// when a position of the topic is recorded already, none. So every instance begins them at the same place, and whatever
    /// appears in a topic later can be told from what was there first.
    public func found(_ starts: [(key: PartitionKey, offset: Int64)], origin: String?) throws {
        guard !starts.isEmpty else { return }
        let partitions = starts.map {
            ClaimedPartition(key: $0.key, ownerEpoch: 0, nextOffset: $0.offset, tail: nil, origin: origin)
        }
        try pipeline.plan.target.found(partitions.sorted { $0.key < $1.key }, pipeline.stoppableContext)
    }

    /// The rows of partitions as the database has them, without taking them. May be called from any thread; blocks.
    public func stored(_ partitions: [ClaimedPartition]) throws -> [ClaimedPartition] {
        try pipeline.plan.target.positions(partitions.sorted { $0.key < $1.key }, pipeline.stoppableContext)
    }

    /// Goes on where a person has set the row of a partition of ours that stands still.
    public func adopt(_ partition: ClaimedPartition, index: Int) {
        pipeline.monitor.withLock { state in
            guard state.partitions[index].ownerEpoch == partition.ownerEpoch else { return }
            state.partitions[index].next = partition.nextOffset
            state.partitions[index].committed = partition.nextOffset
        }
    }
}
