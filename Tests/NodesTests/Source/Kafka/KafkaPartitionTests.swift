import Dataflow
import Kafka
import Testing

@testable import Nodes

@Suite struct KafkaPartitionTests {
    private let start = ContinuousClock.now
    private var partition = KafkaPartition(
        index: 0,
        row: ClaimedPartition(key: PartitionKey(topic: "t", partition: 0), ownerEpoch: 1, nextOffset: 5, tail: nil),
        standing: .reading)

    /// How long it is put off.
    private func pause(_ partition: KafkaPartition, since now: ContinuousClock.Instant) -> Duration? {
        guard case .postponed(_, let next) = partition.standing else { return nil }
        return next - now
    }

    @Test func itIsPutOffForLongerEachTimeUpToABound() {
        var partition = partition
        var pauses: [Duration?] = []
        for _ in 0..<8 {
            partition.postpone("no leader", first: .seconds(1), start)
            pauses.append(pause(partition, since: start))
        }
        #expect(pauses == [1, 2, 4, 8, 16, 30, 30, 30].map { .seconds($0) })
        #expect(!partition.isReading)
    }

    @Test func aFirstPauseBeyondTheBoundStands() {
        var partition = partition
        for _ in 0..<3 { partition.postpone("no leader", first: .seconds(100), start) }
        #expect(pause(partition, since: start) == .seconds(100))
    }

    @Test func havingBeenReadForAWhileItBeginsWithAShortPauseAgain() {
        var partition = partition
        for _ in 0..<4 { partition.postpone("no leader", first: .seconds(1), start) }
        partition.resumed = start
        let soon = start + .seconds(10)
        partition.postpone("no leader", first: .seconds(1), soon)
        #expect(pause(partition, since: soon) == .seconds(16), "it was not read for long")
        partition.resumed = soon
        let late = soon + SourceLimits.postponeLongest * 2 + .seconds(1)
        partition.postpone("no leader", first: .seconds(1), late)
        #expect(pause(partition, since: late) == .seconds(1))
        #expect(partition.failures == 1)
    }

    @Test func theHintIsSQLThatCanBeRun() {
        let hint = KafkaPartition.hint(topology: "it's", TopicPartition("a.b", 3), goOn: 17)
        #expect(
            hint.contains(
                "UPDATE millrace.partitions SET next_offset = 17, tail_offset = NULL, tail_timestamp = NULL, "
                    + "tail_checksum = NULL, clock_time = NULL, clock_ahead = NULL, clock_candidate = NULL "
                    + "WHERE topology = 'it''s' AND topic = 'a.b' AND partition = 3;"
            ))
    }
}
