import PlatformTesting
import Testing

@testable import Kafka

@Suite(.serialized) struct ClusterClientTests {
    @Test(arguments: Stand.available)
    func topicsPartitionsBrokersAndRangesAreTold(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 3)
            try stand.fill(TopicPartition(name, 1), with: 0..<42)
            let client = try ClusterClient(stand.connection)
            let one = try client.metadata(topic: name)
            #expect(one.topics == [name: 3])
            #expect(!one.brokers.isEmpty)
            #expect(try client.metadata().topics[name] == 3)
            #expect(try client.watermarks(of: TopicPartition(name, 1)) == Watermarks(low: 0, high: 42))
            #expect(try client.watermarks(of: TopicPartition(name, 0)) == Watermarks(low: 0, high: 0))
        }
    }

    /// `millrace generate` asks with the settings that it writes with.
    @Test func settingsOfProducersMeanNothingToIt() throws {
        let connection = ConnectionConfiguration(
            brokers: ["127.0.0.1:1"], settings: ["batch.num.messages": "100", "linger.ms": "5", "client.id": "x"])
        _ = try ClusterClient(connection)
        let error = #expect(throws: KafkaError.self) {
            _ = try ClusterClient(ConnectionConfiguration(brokers: ["127.0.0.1:1"], settings: ["batch.sise": "1"]))
        }
        #expect(error?.description.contains("batch.sise") == true)
    }

    @Test(arguments: Stand.available)
    func oneMessageIsFetchedOrSaidToBeBeyondTheEnd(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let partition = TopicPartition(try stand.topic(), 0)
            try stand.fill(partition, with: 0..<30, compression: "lz4")
            let client = try ClusterClient(stand.connection)
            for offset in [Int64(0), 17, 29, 17] {
                guard case .found(let payload, let key, let time) = try client.fetchOne(partition, offset: offset)
                else {
                    Issue.record("offset \(offset) is there")
                    continue
                }
                #expect(payload == Array(String(offset).utf8))
                #expect(key == nil)
                #expect(time != nil)
            }
            #expect(try client.fetchOne(partition, offset: 30) == .beyondEnd(end: 30))
            #expect(try client.fetchOne(partition, offset: 5000) == .beyondEnd(end: 30))
        }
    }

    @Test(arguments: Stand.available)
    func theTailsOfManyPartitionsAreFetchedAtOnce(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 64)
            var producer = try stand.producer("lz4")
            let topic = try producer.topic(name)
            for number in 0..<640 {
                try producer.produce(Array(String(number).utf8), to: topic, partition: Int32(number % 64))
            }
            try producer.close()
            let partitions = (0..<64).map { TopicPartition(name, Int32($0)) }
            let client = try ClusterClient(stand.connection)
            let offsets = Dictionary(
                uniqueKeysWithValues: partitions.map { ($0, $0.partition == 7 ? 99 : Int64($0.partition) % 10) })
            for _ in 0..<2 {
                let fetched = client.fetchEach(offsets)
                for partition in partitions where partition.partition != 7 {
                    let number = Int(partition.partition) + 64 * Int(offsets[partition]!)
                    guard case .success(.found(let payload, _, _)) = fetched[partition] else {
                        Issue.record("\(partition): \(String(describing: fetched[partition]))")
                        continue
                    }
                    #expect(payload == Array(String(number).utf8))
                }
                #expect(fetched[partitions[7]] == .success(.beyondEnd(end: 10)))
            }
        }
    }

    /// The mock cluster drops the oldest messages beyond 5 MiB: retention as it comes.
    @Test func aMessageRemovedByRetentionIsGone() async throws {
        try await onOwnThread {
            let stand = try Stand(.development)
            let partition = TopicPartition(try stand.topic(), 0)
            var producer = try stand.producer()
            let topic = try producer.topic(partition.topic)
            let value = [UInt8](repeating: 1, count: 100_000)
            for _ in 0..<100 { try producer.produce(value, to: topic, partition: 0) }
            try producer.close()
            let client = try ClusterClient(stand.connection)
            #expect(try client.watermarks(of: partition).low > 0)
            #expect(try client.fetchOne(partition, offset: 0) == .gone)
        }
    }

    @Test(arguments: Stand.complete)
    func timesBecomeOffsets(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 2)
            var producer = try stand.producer()
            let topic = try producer.topic(name)
            for number in 0..<10 {
                try producer.produce([1], to: topic, partition: 0, timestamp: 1_700_000_000_000 + Int64(number) * 1000)
            }
            try producer.close()
            let client = try ClusterClient(stand.connection)
            let partitions = [TopicPartition(name, 0), TopicPartition(name, 1)]
            let offsets = try client.offsets(at: 1_700_000_003_500, of: partitions)
            #expect(offsets == [partitions[0]: 4, partitions[1]: nil])
            #expect(
                try client.offsets(at: 1_800_000_000_000, of: partitions) == [partitions[0]: nil, partitions[1]: nil])
        }
    }

    @Test(arguments: Stand.available)
    func offsetsForLagToolsAreSeenByTheGroup(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let partition = TopicPartition(try stand.topic(), 0)
            try stand.fill(partition, with: 0..<10)
            let group = "g-\(partition.topic)"
            let client = try ClusterClient(stand.connection, group: group)
            #expect(try client.committed([partition]) == [partition: nil])
            let delegate = RecordingDelegate()
            var consumer = try stand.consumer(
                group: group, topics: [partition.topic], settings: stand.quickGroup)
            _ = try consumer.read(10, delegate)
            consumer.commitForLagTools([partition: 7])
            var received = Received()
            try eventually("committed") {
                try consumer.pollOnce(delegate, into: &received)
                return try client.committed([partition])[partition] == 7
            }
            #expect(!received.events.contains { if case .commitFailed = $0 { true } else { false } })
            try consumer.close(delegate: delegate)
        }
    }

    /// Not with the mock cluster: it creates every topic it is asked about.
    @Test(arguments: Stand.complete)
    func anUnknownTopicIsNamed(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let client = try ClusterClient(stand.connection)
            let error = #expect(throws: KafkaError.self) { try client.metadata(topic: "no-such-topic") }
            #expect(error?.code == .unknownTopic)
            #expect(error?.description.contains("no-such-topic") == true)
            let delegate = RecordingDelegate()
            var consumer = try stand.consumer(
                group: "g", topics: ["no-such-topic"], settings: stand.quickGroup)
            var received = Received()
            try consumer.read(delegate, into: &received) { received in
                received.events.contains { if case .unknownTopic("no-such-topic", _) = $0 { true } else { false } }
            }
            try consumer.close(delegate: delegate)
        }
    }

    @Test func anUnreachableBrokerIsNamedWithTheLikelyCauses() async throws {
        try await onOwnThread {
            let connection = ConnectionConfiguration(brokers: ["127.0.0.1:1", "127.0.0.1:2"])
            let client = try ClusterClient(connection)
            let error = #expect(throws: KafkaError.self) { try client.metadata(timeout: .seconds(2)) }
            let text = error?.description ?? ""
            #expect(error?.code == .brokersUnreachable)
            #expect(error?.isRetryable == true)
            for word in ["127.0.0.1:1,127.0.0.1:2", "Connection refused", "advertised.listeners"] {
                #expect(text.contains(word), "\(text)")
            }
            var consumer = try Consumer(ConsumerConfiguration(connection: connection, group: "g", topics: ["t"]))
            var received = Received()
            try consumer.read(into: &received) { received in
                received.events.contains { if case .brokersDown = $0 { true } else { false } }
            }
            let down = received.events.compactMap { if case .brokersDown(let error) = $0 { error } else { nil } }.first
            #expect(down?.description.contains("127.0.0.1:1,127.0.0.1:2") == true)
            try consumer.close(delegate: RecordingDelegate())
        }
    }

    @Test func aMisreadVersionAnswerNamesTheLibraryToInstall() {
        let callbacks = ClientCallbacks(brokers: "a:1", log: nil)
        callbacks.receive(
            KafkaLogLine(
                level: .error, facility: "FAIL",
                message:
                    "a:1/bootstrap: ApiVersionRequest failed: Local: Read underflow: probably due to broker version"))
        let error = callbacks.explained(
            KafkaError(code: .brokersUnreachable, message: "kafka: topics at a:1"), hasDetail: false)
        #expect(error.code == .protocolMismatch)
        #expect(error.description.contains("Read underflow"))
        #expect(error.description.contains("2.2.0"))
    }

    @Test(arguments: Stand.complete)
    func aTopicIsCreatedOnceAndSaidToExist(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 5)
            let client = try ClusterClient(stand.connection)
            try eventually("the topic shows") { try client.metadata().topics[name] == 5 }
            let error = #expect(throws: KafkaError.self) { try client.createTopic(name, partitions: 5) }
            #expect(error?.name == "TOPIC_ALREADY_EXISTS", "\(String(describing: error))")
        }
    }
}
