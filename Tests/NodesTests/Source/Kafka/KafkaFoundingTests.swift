import Foundation
import Kafka
import Logging
import Testing

@testable import Dataflow
@testable import DataflowTesting
@testable import Nodes

/// Where topics begin that a topology meets for the first time: a real broker, a model of a database, a pipeline that does
/// not run.
@Suite struct KafkaFoundingTests {
    private struct Stand {
        let kafka: SourceStand
        let database = ModelDatabase()
        let troubles: KafkaTroubles
        let lines = LogLines()
        private let pipeline: Pipeline
        private let logger: Logger
        let intake: Intake

        init(_ kafka: SourceStand) {
            self.kafka = kafka
            let lines = lines
            let logger = Logger(label: "test") { _ in lines }
            self.logger = logger
            troubles = KafkaTroubles(logger)
            let memory = MemoryAccountant(budget: 256 << 20)
            let source = KafkaSource(Self.plan(kafka, .latest), memory: memory, logger: logger)
            pipeline = Pipeline(
                PipelinePlan(
                    sources: [PipelinePlan.SourceNode(name: "events", source: source, child: 0, layout: BatchLayout())],
                    nodes: [PipelinePlan.Node(name: "tally", make: TallyOperator(), children: [], concurrency: nil)],
                    target: ModelTarget(database: database, seed: 1, faultPercent: 0, owner: "first"),
                    settings: PipelineSettings(workers: 1, commitInterval: .seconds(60), batchBytes: 64 << 10),
                    memory: memory),
                logger: logger)
            intake = Intake(pipeline: pipeline, source: 0)
        }

        private static func plan(_ kafka: SourceStand, _ start: KafkaPlan.Start) -> KafkaPlan {
            let configuration = ConsumerConfiguration(connection: kafka.connection, group: "g", topics: ["t"])
            return KafkaPlan(configuration: configuration, start: start, topology: "model", framing: .document)
        }

        /// As a process that has just begun.
        func founding(_ start: KafkaPlan.Start) -> KafkaFounding {
            KafkaFounding(Self.plan(kafka, start), intake, troubles, logger)
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
