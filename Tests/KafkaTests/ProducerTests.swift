import PlatformTesting
import Testing

@testable import Kafka

@Suite(.serialized) struct ProducerTests {
    @Test(arguments: Stand.available)
    func aFullQueueMakesTheCallerWaitAndLosesNothing(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let partition = TopicPartition(try stand.topic(), 0)
            var producer = try stand.producer("lz4", settings: ["queue.buffering.max.messages": "100"])
            let topic = try producer.topic(partition.topic)
            for number in 0..<3000 { try producer.produce(Array(String(number).utf8), to: topic, partition: 0) }
            try producer.close()
            var consumer = try stand.consumer()
            try consumer.assign([PartitionStart(partition, .at(0))])
            #expect(try consumer.read(3000).map(\.number) == Array(0..<3000))
        }
    }

    @Test func anUndeliverableMessageIsAnErrorThatNamesTheTopic() async throws {
        try await onOwnThread {
            let connection = ConnectionConfiguration(
                brokers: ["127.0.0.1:1"], settings: ["message.timeout.ms": "1000"])
            var producer = try Producer(ProducerConfiguration(connection: connection))
            let topic = try producer.topic("lost")
            for _ in 0..<3 { try producer.produce([1], to: topic, partition: 0) }
            let error = #expect(throws: KafkaError.self) { try producer.flush(timeout: .seconds(20)) }
            #expect(error?.description.contains("lost") == true, "\(String(describing: error))")
        }
    }

    @Test(arguments: Stand.available)
    func theSameKeyGoesToTheSamePartition(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 4)
            var producer = try stand.producer()
            let topic = try producer.topic(name)
            for number in 0..<400 { try producer.produce([1], key: [UInt8(number % 20)], to: topic) }
            try producer.close()
            var consumer = try stand.consumer()
            try consumer.assign((0..<4).map { PartitionStart(TopicPartition(name, $0), .at(0)) })
            let messages = try consumer.read(400)
            let partitionsOfKey = Dictionary(grouping: messages, by: \.key).mapValues { Set($0.map(\.partition)) }
            #expect(partitionsOfKey.count == 20)
            #expect(partitionsOfKey.values.allSatisfy { $0.count == 1 })
            #expect(Set(messages.map(\.partition)).count > 1)
        }
    }

    @Test(arguments: Stand.complete)
    func abortedTransactionsAreInvisibleToReaders(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let partition = TopicPartition(try stand.topic(), 0)
            var producer = try stand.producer(settings: ["transactional.id": "tx-\(partition.topic)"])
            let topic = try producer.topic(partition.topic)
            try producer.initializeTransactions()
            for (number, commits) in [true, false, true, false, true].enumerated() {
                try producer.beginTransaction()
                for item in 0..<10 {
                    try producer.produce(Array(String(number * 10 + item).utf8), to: topic, partition: 0)
                }
                try producer.flush()  // An abort drops what has not been sent; here it shall reach the log.
                if commits { try producer.commitTransaction() } else { try producer.abortTransaction() }
            }
            try producer.close()
            var consumer = try stand.consumer()
            try consumer.assign([PartitionStart(partition, .at(0))])
            let messages = try consumer.read(30)
            #expect(messages.map(\.number) == Array(0..<10) + Array(20..<30) + Array(40..<50))
            #expect(messages.last!.offset > 30, "aborted messages and markers take offsets too")
            var all = try stand.consumer(settings: ["isolation.level": "read_uncommitted"])
            try all.assign([PartitionStart(partition, .at(0))])
            #expect(try all.read(50).map(\.number) == Array(0..<50))
        }
    }
}
