import Testing

@testable import Kafka

@Suite struct QueueSizesTests {
    private static func configuration(
        brokers: Int = 1, _ settings: [String: String] = [:]
    ) -> ConsumerConfiguration {
        ConsumerConfiguration(
            connection: ConnectionConfiguration(brokers: (1...brokers).map { "b\($0):1" }, settings: settings),
            group: "g", topics: ["t"])
    }

    @Test func theMostIsQueueAndUnpackedFetchesWithOverheadPerMessage() {
        let fetch = KafkaLimits.fetchBytes
        let payload = KafkaLimits.queuedKilobytes * 1024 + 5 * fetch
        let bytes = Self.configuration().memoryBytesMax(messageBytes: 300)
        #expect(bytes == payload + payload / 300 * 300 + fetch)
        #expect(Self.configuration(brokers: 3).memoryBytesMax(messageBytes: 300) > bytes + 2 * 5 * fetch)
        #expect(
            Self.configuration().memoryBytesMax(brokers: 3) == Self.configuration(brokers: 3).memoryBytesMax(),
            "what the cluster says counts, not what was listed")
    }

    @Test func muchMemoryLeavesTheDefaults() {
        var configuration = Self.configuration()
        configuration.fitQueues(into: 1 << 30)
        #expect(configuration.queues == .standard)
    }

    @Test func queuesTakeAsMuchAsFitsAndNeverLessThanASixteenth() {
        var last = 0
        for mebibytes in 1...100 {
            var configuration = Self.configuration()
            configuration.fitQueues(into: mebibytes << 20)
            let bytes = configuration.memoryBytesMax()
            #expect(bytes <= mebibytes << 20 || configuration.queues == QueueSizes(sixteenths: 1))
            #expect(bytes >= last, "more memory never means smaller queues")
            last = bytes
        }
        var least = Self.configuration()
        least.fitQueues(into: 0)
        #expect(least.queues.queuedKilobytes == 1024)
        #expect(least.queues.fetchBytes == 256 << 10)
        #expect(least.memoryBytesMax() < 6 << 20)
    }

    @Test func whatTheUserSetsStays() throws {
        var configuration = Self.configuration(["queued.max.messages.kbytes": "65536"])
        configuration.fitQueues(into: 32 << 20)
        #expect(configuration.memoryBytesMax() > 100 << 20)
        let properties = try configuration.properties(library: .current)
        #expect(properties.filter { $0.key == "queued.max.messages.kbytes" }.map(\.value).last == "65536")
    }

    /// librdkafka refuses sizes that contradict each other.
    @Test(arguments: [0, 8, 16, 24, 48, 1_024])
    func librdkafkaTakesEverySize(mebibytes: Int) throws {
        var configuration = Self.configuration()
        configuration.fitQueues(into: mebibytes << 20)
        try Consumer(configuration).close(delegate: NobodyAssigns())
    }
}

private struct NobodyAssigns: RebalanceDelegate {
    func assigned(_ partitions: [TopicPartition]) -> [PartitionStart] { [] }
    func revoked(_ partitions: [TopicPartition]) {}
    func lost(_ partitions: [TopicPartition]) {}
}
