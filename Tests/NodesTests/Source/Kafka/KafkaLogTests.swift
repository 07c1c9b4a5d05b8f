import Dataflow
import Foundation
import Kafka
import PlatformTesting
import Testing

@testable import DataflowTesting
@testable import Nodes

/// The source against a broker that deletes, creates and grows topics and knows transactions.
@Suite(.serialized, .enabled(if: SourceStand.hasNoida, "needs noida-db")) struct KafkaLogTests {
    /// Before: read on in the middle of the new log, whose records then stood for the tail.
    @Test(arguments: [0, 60]) func aTopicCreatedAgainWhileItIsReadIsFoundOut(pause milliseconds: Int) async throws {
        let stand = try SourceStand()
        let topic = try stand.topic(partitions: 1)
        try stand.fill(topic, with: 0..<500)
        let database = ModelDatabase()
        let run = try KafkaRun(stand, topics: [topic], database: database, sessionTimeout: "6000")
        try await run.waitFor("it is read") { run.position(topic) == 500 && run.tail(topic)?.offset == 499 }
        let tail = run.tail(topic)
        try stand.admin().deleteTopic(topic)
        try await Task.sleep(for: .milliseconds(milliseconds))
        try stand.create(topic, partitions: 1)
        try stand.fill(topic, with: 10_000..<12_000)
        try await run.waitFor("it is halted") { run.troubles.contains("halted: \(topic)/0") }
        #expect(run.tail(topic) == tail, "the stored tail must stay one of the old log")
        try await run.stop()
        // A restart finds the same.
        let next = try KafkaRun(stand, topics: [topic], database: database, sessionTimeout: "6000")
        try await next.waitFor("it is halted again") { next.troubles.contains("halted: \(topic)/0") }
        #expect(next.lines.text.contains("re-created"))
        // A person decides for the new log.
        next.mend(topic, nextOffset: 0, tail: nil)
        try await next.waitFor("the new log is read") { next.position(topic) == 2_000 }
        try await next.stop()
    }

    /// Before: what was written before the first assignment of the new partition, or of the topic, was lost.
    @Test func whatAppearsLaterIsReadFromItsBeginning() async throws {
        let stand = try SourceStand()
        let topic = try stand.topic(partitions: 2)
        let missing = "later-\(topic)"
        try stand.fill(topic, 0, with: 0..<100)
        let database = ModelDatabase()
        let run = try KafkaRun(
            stand, topics: [topic, missing], database: database, start: .latest, sessionTimeout: "6000")
        try await run.waitFor("both topics were looked at") {
            run.position(topic, 0) == 100 && run.position(topic, 1) == 0 && run.position(missing) == 0
        }
        try await run.waitFor("the topic is assigned") { run.lines.text.contains("Partitions assigned") }
        try stand.admin().growTopic(topic, to: 3)
        try stand.fill(topic, 2, with: 100..<150)
        try stand.create(missing, partitions: 2)
        for partition in Int32(0)..<2 { try stand.fill(missing, partition, with: 0..<30) }
        try stand.fill(topic, 0, with: 150..<160)
        try await run.waitFor("all that came later is read") {
            run.position(topic, 0) == 110 && run.position(topic, 2) == 50 && run.position(missing, 0) == 30
                && run.position(missing, 1) == 30
        }
        try await run.stop()
        #expect(database.table == SourceStand.table(Array(100..<160) + Array(0..<30) + Array(0..<30)))
    }

    /// Before: the position stayed in front of the marker, and once retention had removed it the partition was halted; what
    /// cannot be read counted as lag for ever.
    @Test func positionsMoveOnBehindMarkersAndAbortedTransactions() async throws {
        let stand = try SourceStand()
        let topic = try stand.topic(partitions: 1)
        let run = try KafkaRun(stand, topics: [topic], sessionTimeout: "6000")
        for (number, commits) in [true, false].enumerated() {
            var connection = stand.connection
            connection.settings = ["transactional.id": "x-\(topic)-\(number)"]
            var producer = try Producer(
                ProducerConfiguration(connection: connection, compression: "none", linger: .milliseconds(2)))
            try producer.initializeTransactions()
            try producer.beginTransaction()
            let target = try producer.topic(topic)
            for value in Int64(0)..<10 {
                try producer.produce(
                    unsafe withUnsafeBytes(of: value) { unsafe [UInt8]($0) }, to: target, partition: 0)
            }
            if commits { try producer.commitTransaction() } else { try producer.abortTransaction() }
            try producer.close()
        }
        let admin = try stand.admin()
        let end = try admin.watermarks(of: TopicPartition(topic, 0)).high
        #expect(end > 10, "a marker takes an offset")
        try await run.waitFor("the position is behind everything") { run.position(topic) == end }
        try await run.waitFor("nothing is waited for") { run.pipeline.progress().lag == 0 }
        #expect(run.read(topic) == 10)
        try await run.stop()
        #expect(run.database.table == SourceStand.table(0..<10))
    }
}
