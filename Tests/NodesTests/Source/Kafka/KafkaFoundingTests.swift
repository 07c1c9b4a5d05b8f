import Foundation
import Kafka
import Testing

@testable import Dataflow
@testable import DataflowTesting
@testable import Nodes

/// Where topics begin that a topology meets for the first time: a real broker, a model of a database, a pipeline that does
/// not run.
@Suite struct KafkaFoundingTests {
    private struct Stand {
        private let source: IdleSource
        var database: ModelDatabase { source.database }

        init(_ kafka: SourceStand) { source = IdleSource(kafka.connection) }

        /// As a process that has just begun.
        func founding(_ start: KafkaPlan.Start) -> KafkaFounding {
            var plan = source.plan
            plan.start = start
            return KafkaFounding(plan, source.intake, KafkaTroubles(source.logger), source.logger)
        }

        func position(_ topic: String, _ partition: Int32) -> Int64? {
            database.positions[PartitionKey(topic: topic, partition: partition)]
        }
    }

    @Test func theLatestIsWhereEachPartitionEndsAtTheFirstLook() async throws {
        let kafka = try SourceStand(brokers: 1)
        let topic = try kafka.topic(partitions: 3)
        try kafka.fill(topic, 0, with: 0..<10)
        try kafka.fill(topic, 1, with: 0..<4)
        try await onThread {
            let stand = Stand(kafka)
            let founding = stand.founding(.latest)
            try founding.found([topic])
            #expect((0..<3).map { stand.position(topic, $0) } == [10, 4, 0])
            // What comes later is wanted, whoever looks again.
            try kafka.fill(topic, 0, with: 10..<20)
            try founding.found([topic])
            try stand.founding(.latest).found([topic])
            #expect((0..<3).map { stand.position(topic, $0) } == [10, 4, 0])
        }
    }

    @Test func theEarliestIsRecordedByNobody() async throws {
        let kafka = try SourceStand(brokers: 1)
        let topic = try kafka.topic(partitions: 1)
        try kafka.fill(topic, 0, with: 0..<10)
        try await onThread {
            let stand = Stand(kafka)
            try stand.founding(.earliest).found([topic])
            #expect(stand.database.positions.isEmpty)
        }
    }

    /// The development broker does not look for times.
    @Test(.enabled(if: SourceStand.hasNoida)) func aMomentIsTheFirstMessageThatIsNotOlder() async throws {
        let kafka = try SourceStand()
        let topic = try kafka.topic(partitions: 2)
        try kafka.fill(topic, 0, with: 0..<5)
        try await onThread {
            let stand = Stand(kafka)
            // Long before anything was written, and long after.
            try stand.founding(.timestamp(1_000)).found([topic])
            #expect((0..<2).map { stand.position(topic, $0) } == [0, 0])
            let later = try kafka.topic(partitions: 1)
            try kafka.fill(later, 0, with: 0..<5)
            try stand.founding(.timestamp(Int64(Date.now.timeIntervalSince1970 * 1_000) + 3_600_000)).found([later])
            #expect(stand.position(later, 0) == 5)
        }
    }
}
