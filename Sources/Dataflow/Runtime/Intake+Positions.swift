import Platform

/// Positions of partitions that stand still, and of topics that are met for the first time.
extension Intake {
    /// What blocking calls of the source may ask of the pipeline: whether it stops.
    public var stopping: CommitContext { pipeline.stoppableContext }

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

    /// Says where the log of a partition ends that is about to be read, or, when it is not the one that was read, how much of
    /// it counts. What was dropped beyond that does not exist any more, so its loss is not told at the end.
    public func note(end: Int64, of index: Int) {
        pipeline.monitor.withLock { $0.partitions[index].note(end: end) }
    }

    /// Goes on where a person has set the row of a partition of ours that stands still, which may be where it was.
    /// - Parameter row: the row as it is now; nil when there is none.
    public func adopt(_ row: ClaimedPartition?, index: Int) -> AdoptedRow {
        let adopted: AdoptedRow = pipeline.monitor.withLock { state in
            guard let row, state.partitions[index].isStillOurs(row) else { return .lost }
            guard state.partitions[index].isCommitted else { return .uncommitted }
            state.partitions[index].move(to: row)
            return .adopted
        }
        if adopted == .lost { pipeline.drop() }
        return adopted
    }
}

/// What became of the row of a partition that stands still.
public enum AdoptedRow: Sendable, Equatable {
    /// The partition goes on where the row says.
    case adopted
    /// The row is older than what was handed over of the partition; once that is committed, or dropped, the row tells more.
    case uncommitted
    /// The row is not ours any more: another instance has claimed it, or the database was restored. Everything since the last
    /// commit is being dropped, and `Intake.reclaim` says whose it is.
    case lost
}
