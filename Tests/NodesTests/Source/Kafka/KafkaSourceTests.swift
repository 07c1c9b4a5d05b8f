import Dataflow
import Foundation
import Kafka
import LocalServices
import PlatformTesting
import Synchronization
import Testing

@testable import DataflowTesting
@testable import Nodes

/// The source against `millrace broker`: rewinds, leaderless partitions, takeovers.
@Suite(.serialized) struct KafkaSourceTests {
    /// Before: a partition whose tail did not match was left out of the rewind and read on where it was, and what had been
    /// dropped of it was lost.
    @Test func aRewindStopsAPartitionThatItDoesNotRestart() async throws {
        let stand = try SourceStand(brokers: 1)
        let topic = try stand.topic(partitions: 2)
        for partition in Int32(0)..<2 { try stand.fill(topic, partition, with: 0..<100) }
        let run = try KafkaRun(stand, topics: [topic])
        try await run.waitFor("both are read, and their last records stored") {
            run.position(topic, 0) == 100 && run.position(topic, 1) == 100
                && run.tail(topic, 0)?.offset == 99 && run.tail(topic, 1)?.offset == 99
        }
        let tail = try #require(run.tail(topic, 0))
        run.mend(topic, 0, tail: Tail(offset: tail.offset, timestamp: tail.timestamp, checksum: tail.checksum ^ 1))
        run.refusals.add(1)
        for partition in Int32(0)..<2 { try stand.fill(topic, partition, with: 100..<150) }
        try await run.waitFor("one is read on, the other halted") {
            run.position(topic, 1) == 150 && run.troubles.contains("halted: \(topic)/0")
        }
        try stand.fill(topic, 0, with: 150..<200)
        try stand.fill(topic, 1, with: 150..<200)
        try await run.waitFor("the other goes on") { run.position(topic, 1) == 200 }
        #expect(run.position(topic, 0) == 100)
        #expect(run.lines.text.contains("WHERE topology = 'model' AND topic = '\(topic)' AND partition = 0"))
        // Its row is mended: it goes on without a restart, and nothing is lost.
        run.mend(topic, 0, tail: tail)
        try await run.waitFor("the halted one goes on") { run.position(topic, 0) == 200 }
        try await run.waitFor("no trouble is left") { run.troubles.isEmpty }
        try await run.stop()
        #expect(run.database.table == SourceStand.table(Array(0..<200) + Array(0..<200)))
    }

    /// Before: one partition without a leader ended the process.
    @Test func aPartitionWithoutALeaderKeepsNoOtherWaiting() async throws {
        let stand = try SourceStand(brokers: 2)
        let topic = try stand.topic(partitions: 3)
        for partition in Int32(0)..<3 { try stand.fill(topic, partition, with: 0..<50) }
        let orphan = TopicPartition(topic, 1)
        try stand.development!.apply(.leader(orphan, broker: -1))
        let database = ModelDatabase()
        let run = try KafkaRun(stand, topics: [topic], database: database)
        try await run.waitFor("the others are read") { run.position(topic, 0) == 50 && run.position(topic, 2) == 50 }
        try await run.waitFor("it is said") { run.troubles.contains("\(orphan): kafka: \(orphan) has no leader") }
        #expect(run.position(topic, 1) == nil)
        try await run.stop()
        // And the same when another instance takes the partitions over.
        try stand.fill(topic, 0, with: 50..<60)
        let next = try KafkaRun(stand, topics: [topic], database: database)
        try await next.waitFor("the others are read on") { next.position(topic, 0) == 60 }
        try await next.waitFor("it is said again") { next.troubles.contains("\(orphan)") }
        try stand.development!.apply(.leader(orphan, broker: 1))
        try await next.waitFor("it is read once it has a leader") { next.position(topic, 1) == 50 }
        try await next.waitFor("no trouble is left") { next.troubles.isEmpty }
        try await next.stop()
        #expect(database.table == SourceStand.table(Array(0..<50) + Array(0..<50) + Array(0..<60)))
    }

    /// Before: an answer OFFSET_OUT_OF_RANGE for a position that is in the log halted the partition.
    @Test func anOutOfRangeThatIsNotTrueHaltsNothing() async throws {
        let stand = try SourceStand(brokers: 1)
        let topic = try stand.topic(partitions: 1)
        try stand.fill(topic, with: 0..<20)
        let run = try KafkaRun(stand, topics: [topic])
        try await run.waitFor("it is read") { run.position(topic) == 20 }
        // 1 is Fetch and OFFSET_OUT_OF_RANGE.
        try stand.development!.apply(.error(api: 1, code: 1, count: 1))
        try stand.fill(topic, with: 20..<40)
        try await run.waitFor("it is read on") { run.position(topic) == 40 }
        try await run.stop()
        #expect(!run.lines.text.contains("halted"))
        #expect(run.database.table == SourceStand.table(0..<40))
    }

    /// Before: a process whose partitions another group had claimed stayed up without reading when that one had ended.
    @Test func partitionsTakenOverAreReadAgainWhenTheOtherHasEnded() async throws {
        let stand = try SourceStand(brokers: 1)
        let topic = try stand.topic(partitions: 1)
        try stand.fill(topic, with: 0..<20)
        let database = ModelDatabase()
        let first = try KafkaRun(stand, topics: [topic], database: database, group: "one")
        try await first.waitFor("it is read") { first.position(topic) == 20 }
        let second = try KafkaRun(stand, topics: [topic], database: database, group: "two")
        try await second.waitFor("the second claims it") {
            database.contents.withLock { $0.rows[PartitionKey(topic: topic, partition: 0)]?.ownerEpoch } == 2
        }
        try await second.stop()
        try stand.fill(topic, with: 20..<30)
        try await first.waitFor("the first is fenced, joins its group again and reads on") {
            first.position(topic) == 30
        }
        #expect(first.lines.text.contains("Joining the group again"))
        try await first.waitFor("no trouble is left") { first.troubles.isEmpty }
        try await first.stop()
        #expect(database.table == SourceStand.table(0..<30))
    }

    /// Before: nothing of a halted partition is written, so no fence said that somebody else had claimed it.
    @Test func aHaltedPartitionThatIsTakenOverIsSaidToBe() async throws {
        let stand = try SourceStand(brokers: 1)
        let topic = try stand.topic(partitions: 1)
        try stand.fill(topic, with: 0..<20)
        let run = try KafkaRun(stand, topics: [topic])
        try await run.waitFor("it is read") { run.position(topic) == 20 && run.tail(topic)?.offset == 19 }
        let tail = try #require(run.tail(topic))
        run.mend(topic, tail: Tail(offset: tail.offset, timestamp: tail.timestamp, checksum: tail.checksum ^ 1))
        run.refusals.add(1)
        try stand.fill(topic, with: 20..<30)
        try await run.waitFor("it is halted") { run.troubles.contains("halted: \(topic)/0") }
        run.database.contents.withLock { contents in
            contents.rows[PartitionKey(topic: topic, partition: 0)]?.ownerEpoch += 1
            contents.rows[PartitionKey(topic: topic, partition: 0)]?.owner = "another one"
        }
        try await run.waitFor("it is said who has it") { run.lines.text.contains("owner=another one") }
        run.mend(topic, tail: tail)
        try await run.waitFor("nobody reads it, so it is claimed and read on") { run.position(topic) == 30 }
        try await run.waitFor("no trouble is left") { run.troubles.isEmpty }
        try await run.stop()
        #expect(run.database.table == SourceStand.table(0..<30))
    }
}
