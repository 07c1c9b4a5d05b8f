import Dataflow
import Kafka

/// A partition that is ours.
struct KafkaPartition {
    /// Whether it is read.
    enum Standing: Equatable {
        /// It is.
        case reading
        /// Its log cannot be asked or read now; it is tried again, at `next`.
        case postponed(reason: String, next: ContinuousClock.Instant)
        /// A person has to decide; `goOn` is where reading could.
        case halted(reason: String, goOn: Int64)
    }

    /// The engine's index of it.
    let index: Int
    /// Its row as we know it. While the partition stands still, `nextOffset` is where it will go on.
    var row: ClaimedPartition
    /// Whether it is read.
    var standing: Standing
    /// How often it was postponed without having been read for a while in between.
    var failures = 0
    /// When it was read on last.
    var resumed: ContinuousClock.Instant?
    /// Why its log could not be asked while it is read, by the last look.
    var unanswered: String?

    /// Whether it is read.
    var isReading: Bool { standing == .reading }

    /// Puts reading off, for longer each time.
    mutating func postpone(_ reason: String, first: Duration, _ now: ContinuousClock.Instant) {
        if let resumed, now - resumed > SourceLimits.postponeLongest * 2 { failures = 0 }
        resumed = nil
        let pause = min(
            first * (1 << min(failures, 10)), max(first, SourceLimits.postponeLongest))
        standing = .postponed(reason: reason, next: now + pause)
        failures += 1
    }

    /// What a person can do to have it read on.
    static func hint(topology: String, _ partition: TopicPartition, goOn: Int64) -> String {
        func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
        return "to go on with the oldest message there is: UPDATE millrace.partitions SET next_offset = \(goOn), "
            + "\(ClaimedPartition.forgetting) WHERE topology = \(quoted(topology)) "
            + "AND topic = \(quoted(partition.topic)) AND partition = \(partition.partition); it is noticed within "
            + "seconds, without a restart"
    }
}
