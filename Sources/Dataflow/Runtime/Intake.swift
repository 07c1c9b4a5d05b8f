/// A source's side of the pipeline: where it gets empty batches, hands over full ones, and keeps its positions.
///
/// All calls come from the source's own thread.
public final class Intake: Sendable {
    private let pipeline: Pipeline
    private let source: Int

    init(pipeline: Pipeline, source: Int) {
        self.pipeline = pipeline
        self.source = source
    }

    /// The engine's settings.
    public var settings: PipelineSettings { pipeline.plan.settings }

    /// Whether the source is to hand over what it has and return.
    public var isStopping: Bool { pipeline.monitor.withLock { $0.isStopping } }

    /// Whether everything since the last commit was dropped: the source must call `reclaim` and continue from there.
    public var needsRewind: Bool { pipeline.monitor.withLock { $0.rewind.isDue(source) } }

    /// An empty batch, or nil when none came free within `timeout`, when a rewind is due, or when stopping.
    public func makeBatch(timeout: Duration) -> Batch? {
        pipeline.makeBatch(source: source, timeout: timeout)
    }

    /// An empty batch although none is free, small and not kept: for a source that must take a message now and then.
    public func makeBatchBeyondBounds() -> Batch { pipeline.makeBatchBeyondBounds(source: source) }

    /// Hands over a filled batch; it becomes part of the open epoch. A batch begun before a rewind, or handed over while
    /// one is under way or due, is dropped. One that does not follow on what was handed over before is refused, loudly:
    /// everything since the last commit is dropped and read again.
    public func submit(_ batch: Batch) { pipeline.submit(batch) }

    /// Gives back a batch unused.
    public func recycle(_ batch: Batch) { pipeline.recycle(batch) }

    /// Takes partitions over in the database; to be called only when they were assigned to this process.
    /// - Returns: an index for `BatchRun.partition` beside each claimed partition.
    /// - Throws: `ReadTwice` when another source of this pipeline reads one of them, whatever it is called there.
    /// - Parameter origin: the cluster the partitions are of, nil for files.
    public func claim(
        _ keys: [PartitionKey], origin: String? = nil
    ) throws -> [(index: Int, partition: ClaimedPartition)] {
        try pipeline.checkNobodyReads(keys, but: source)
        let claimed = try pipeline.plan.target.claim(keys.sorted(), origin: origin, pipeline.stoppableContext)
        return pipeline.register(claimed, source: source)
    }

    /// Says where a partition that was never read begins; stored at once, so that a restart begins there too.
    public func begin(_ starts: [(index: Int, offset: Int64)]) throws {
        try pipeline.begin(starts)
    }

    /// Reads again where this source's partitions stand, after `needsRewind`. Those of a restored database are claimed
    /// again; those that somebody else has taken over are named, and are a trouble of the pipeline until they are claimed
    /// again, which only an assignment by the group decides, or released.
    public func reclaim() throws -> Reclaimed {
        try pipeline.reclaim(source: source)
    }

    /// Commits everything submitted so far. False when it took longer than `timeout`, was refused, or a rewind is due.
    public func flush(within timeout: Duration) -> Bool { pipeline.flush(source: source, within: timeout) }

    /// Drops everything since the last commit, of every source: some of it belongs to partitions that were lost.
    public func discard() { pipeline.discard() }

    /// Forgets partitions that were revoked or lost.
    public func release(_ indices: [Int]) { pipeline.release(indices) }

    /// Says how many records wait to be read; some times a second.
    public func report(waiting: Int64) {
        pipeline.monitor.update { state, woken in
            state.waiting[source] = waiting
            woken = .committer
        }
    }

    /// What was committed since the last call: for offset commits to Kafka, which only lag tools read.
    public func takeCommitted() -> [PartitionKey: Int64] {
        pipeline.monitor.withLock { state in
            defer { state.committedOffsets[source] = [:] }
            return state.committedOffsets[source]
        }
    }
}

/// What `Intake.reclaim` found.
public struct Reclaimed: Sendable {
    /// Partitions that are ours, with an index for `BatchRun.partition` and where they continue (nil: they were never read).
    public var owned: [(index: Int, partition: ClaimedPartition)]
    /// Partitions that are not ours any more.
    public var lost: [LostPartition]
}

/// A partition that the database says is not ours any more.
public struct LostPartition: Sendable, Hashable {
    /// The partition.
    public var key: PartitionKey
    /// Who has taken it over, as far as known.
    public var owner: String?
    /// Whether its position is gone from the database.
    public var isGone: Bool

    /// What is in the way of reading it, as a phrase.
    public var trouble: String {
        if isGone { return "the position of \(key) is gone from millrace.partitions" }
        return "\(key) was taken over by \(owner ?? "another instance")"
    }
}
