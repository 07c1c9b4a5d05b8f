/// Something `Consumer.poll` learned besides messages.
public enum ConsumerEvent: Sendable, Equatable {
    /// The partition has been read up to `offset`, where the next message will be (only if asked for).
    case partitionEnd(TopicPartition, offset: Int64)
    /// The offset to read next does not exist. The partition stands still; nothing was skipped.
    case offsetOutOfRange(TopicPartition, KafkaError)
    /// The client stopped reading the partition for a passing reason; `Consumer.rewind` to its position resumes it.
    case partitionStopped(TopicPartition, KafkaError)
    /// A subscribed topic does not exist (yet); the client keeps looking.
    case unknownTopic(String, KafkaError)
    /// We may not read a subscribed topic; the client keeps asking.
    case topicRefused(String, KafkaError)
    /// Not one broker is reachable; the client keeps trying.
    case brokersDown(KafkaError)
    /// A connection broke or could not be made; the client keeps trying.
    case transport(KafkaError)
    /// Credentials or TLS were refused; the client keeps trying, a person has to act.
    case authentication(KafkaError)
    /// The group took the partitions away because polls were too far apart.
    case pollTooLate(KafkaError)
    /// An offset commit to Kafka failed. Only lag tools notice: the true offsets live elsewhere.
    case commitFailed(KafkaError)
    /// A partition or group error with no case of its own.
    case failed(KafkaError)
    /// The client is unusable: close it.
    case fatal(KafkaError)

    /// The error carried, if any.
    public var error: KafkaError? {
        switch self {
        case .partitionEnd: nil
        case .offsetOutOfRange(_, let error), .partitionStopped(_, let error), .unknownTopic(_, let error),
            .topicRefused(_, let error),
            .brokersDown(let error),
            .transport(let error), .authentication(let error), .pollTooLate(let error), .commitFailed(let error),
            .failed(let error), .fatal(let error):
            error
        }
    }
}

/// What one call of `Consumer.poll` brought.
public struct PollResult: Sendable {
    /// Messages handed to the body.
    public var messages = 0
    /// Slots of partitions that were read up to their end.
    public var ends: [Int] = []
    /// Events in the order they happened; usually empty.
    public var events: [ConsumerEvent] = []
}
