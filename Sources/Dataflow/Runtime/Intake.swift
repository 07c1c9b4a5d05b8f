import Platform

/// A source's side of the pipeline: where it gets empty batches, hands over full ones, and keeps its positions.
///
/// All calls come from the source's own thread.
public final class Intake: Sendable {
    let pipeline: Pipeline
    private let source: Int

    init(pipeline: Pipeline, source: Int) {
        self.pipeline = pipeline
        self.source = source
    }

    /// The engine's settings.
    public var settings: PipelineSettings { pipeline.plan.settings }

    /// Whether the source is to hand over what it has and return.
    public var isStopping: Bool { pipeline.monitor.withLock { $0.life.isStopping } }

    /// Whether everything since the last commit was dropped: the source must call `reclaim` and continue from there.
    public var needsRewind: Bool { pipeline.monitor.withLock { $0.rewind.isDue(source) } }

    /// Has `wake` called, from any thread, whenever the source is to stop or a rewind is due: it ends a wait for messages, so
    /// that such waits may be long. Does not block, and is not called any more once nil has been set.
    public func setWaker(_ wake: (@Sendable () -> Void)?) { pipeline.setWaker(wake, of: source) }

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
        return try pipeline.claim(keys, origin: origin, source: source)
    }

    /// The positions that the topology has of topics with such a beginning, without taking them over.
    public func known(topicPrefix: String) throws -> [ClaimedPartition] {
        try pipeline.plan.target.known(topicPrefix: topicPrefix, pipeline.stoppableContext)
    }

    /// Says where a partition that was never read begins; stored at once, so that a restart begins there too.
    public func begin(_ starts: [(index: Int, offset: Int64)]) throws {
        try pipeline.begin(starts)
    }

    /// Reads again where this source's partitions stand, after `needsRewind`. What was read before must be forgotten, batches
    /// that were begun included. Partitions of a restored database are claimed again. Those that another instance has claimed
    /// are lost: a trouble that is shown until they are claimed (see `takeClaimable`) or released.
    ///
    /// Without a rewind that is due, everything since the last commit is dropped first. Blocks.
    public func reclaim() throws -> Reclaimed {
        try pipeline.reclaim(source: source)
    }

    /// Partitions that another instance has claimed and seems not to read: their positions have not moved for
    /// `PipelineSettings.takeoverPatience`, doubled each time this happens soon again. Each is named once, until it is taken over
    /// again.
    ///
    /// A member of a group joins it anew, so that an assignment decides who claims; a source whose partitions nobody assigns may
    /// claim them. Asks no database; may be called in every round.
    public func takeClaimable() -> [PartitionKey] { pipeline.takeClaimable(source: source) }

    /// Commits everything submitted so far. False when it took longer than `timeout`, was refused, or a rewind is due.
    public func flush(within timeout: Duration) -> Bool { pipeline.flush(source: source, within: timeout) }

    /// Drops everything since the last commit, of every source: some of it belongs to partitions that were lost.
    public func discard() { pipeline.discard() }

    /// Forgets partitions that were revoked or lost.
    public func release(_ indices: [Int]) { pipeline.release(indices) }

    /// Says how many records wait to be read; some times a second.
    public func report(waiting: Int64) {
        pipeline.monitor.update { state, woken in
            // That still nothing waits wakes nobody: a source without messages says so ten times a second.
            woken = waiting == 0 && state.waiting[source] == 0 ? [] : .committer
            state.waiting[source] = waiting
        }
    }

    /// Says where the logs of partitions end.
    public func report(ends: [(index: Int, end: Int64)]) {
        pipeline.monitor.withLock { state in
            for (index, end) in ends { state.partitions[index].logEnd = end }
        }
    }

    /// What was committed since the last call: for those who show from outside how far it is.
    public func takeCommitted() -> [PartitionKey: Int64] {
        pipeline.monitor.withLock { state in
            defer { state.committedOffsets[source] = [:] }
            return state.committedOffsets[source]
        }
    }
}

/// What `Intake.reclaim` found: a collection of the partitions that are ours, and beside it those that are not.
public struct Reclaimed: Sendable, RandomAccessCollection {
    /// Partitions that are ours, with an index for `BatchRun.partition` and where they continue (nil: they were never read).
    public var owned: [(index: Int, partition: ClaimedPartition)]
    /// Partitions that another instance has claimed.
    public var lost: [LostPartition]

    /// 0.
    public var startIndex: Int { 0 }
    /// How many are ours.
    public var endIndex: Int { owned.count }

    /// One that is ours.
    public subscript(position: Int) -> (index: Int, partition: ClaimedPartition) { owned[position] }
}

/// A partition that another instance has claimed, although this one believed it to be its own.
public struct LostPartition: Sendable, Hashable {
    /// The partition.
    public var key: PartitionKey
    /// Who has claimed it, as far as known.
    public var owner: String?

    /// Creates a lost partition.
    public init(key: PartitionKey, owner: String?) {
        self.key = key
        self.owner = owner
    }

    /// What is in the way of reading it, as a phrase.
    public var trouble: String { "\(key) was taken over by \(owner ?? "another instance")" }
}
