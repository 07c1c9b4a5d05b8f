/// Decides what happens when a consumer group moves partitions; called by `Consumer.poll`, on its thread.
public protocol RebalanceDelegate {
    /// The group gave us `partitions` (sorted, never empty). Claim them, then say where to begin each.
    ///
    /// A partition left out of the answer stays ours and is not read. May block; polls must not be more than
    /// `max.poll.interval.ms` apart.
    /// - Throws: if they cannot be claimed now. Nothing is read then, `poll` throws, and the next `poll` asks again.
    func assigned(_ partitions: [TopicPartition]) throws -> [PartitionStart]

    /// The group takes `partitions` back in good order: every message handed out so far may still be committed.
    ///
    /// They are given up when this returns.
    func revoked(_ partitions: [TopicPartition])

    /// `partitions` are already someone else's. What was not committed must be dropped, never flushed.
    func lost(_ partitions: [TopicPartition])
}
