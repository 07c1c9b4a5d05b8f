/// One partition of one topic.
public struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The topic's name.
    public let topic: String
    /// The partition's number, from 0.
    public let partition: Int32

    /// Names partition `partition` of `topic`.
    public init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// By topic, then by number: the order in which several instances lock without deadlock.
    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }

    /// `topic/3`.
    public var description: String { "\(topic)/\(partition)" }
}

/// Where reading of a partition begins.
public enum StartOffset: Hashable, Sendable {
    /// The oldest message that still exists when the first fetch is made.
    case earliest
    /// The end of the partition at the moment of assignment; resolved to a number then.
    case latest
    /// Exactly this offset; if it no longer exists, `offsetOutOfRange` is reported and nothing is skipped.
    case at(Int64)
}

/// A partition together with where to begin reading it.
public struct PartitionStart: Hashable, Sendable {
    /// The partition.
    public let partition: TopicPartition
    /// The first message wanted.
    public let offset: StartOffset

    /// Begin `partition` at `offset`.
    public init(_ partition: TopicPartition, _ offset: StartOffset) {
        self.partition = partition
        self.offset = offset
    }
}

/// The range of offsets a partition holds: `low` is the oldest message's, `high` the next one to be written.
public struct Watermarks: Hashable, Sendable {
    /// Offset of the oldest message that exists (equal to `high` in an empty partition).
    public let low: Int64
    /// Offset the next message will get.
    public let high: Int64

    /// A range.
    public init(low: Int64, high: Int64) {
        self.low = low
        self.high = high
    }
}
