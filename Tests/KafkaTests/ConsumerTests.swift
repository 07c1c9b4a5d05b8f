import Foundation
import Platform
import PlatformTesting
import Testing

@testable import Kafka

@Suite(.serialized) struct ConsumerTests {
    @Test(arguments: Stand.available, ["none", "gzip", "snappy", "lz4", "zstd"])
    func everyCodecIsReadBack(kind: Stand.Kind, codec: String) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let partition = TopicPartition(try stand.topic(), 0)
            try stand.fill(partition, with: 0..<500, compression: codec)
            var consumer = try stand.consumer()
            try consumer.assign([PartitionStart(partition, .earliest)])
            let messages = try consumer.read(500)
            #expect(messages.map(\.number) == Array(0..<500))
            #expect(messages.map(\.offset) == Array(0..<500))
            #expect(messages.allSatisfy { $0.partition == partition && $0.timestamp != nil })
            try consumer.close(delegate: RecordingDelegate())
        }
    }

    @Test(arguments: Stand.available)
    func tombstonesEmptyAndLargeMessagesStayWhatTheyAre(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic()
            var producer = try stand.producer("lz4")
            let topic = try producer.topic(name)
            var random = SeededRandom(seed: 7)
            let large = (0..<900_000).map { _ in UInt8.random(in: 0...255, using: &random) }
            try producer.produce(nil, key: [1], to: topic, partition: 0, timestamp: 1_700_000_000_123)
            try producer.produce([], to: topic, partition: 0)
            try producer.produce(large, key: [], to: topic, partition: 0)
            try producer.produce([9], to: topic, partition: 0)
            try producer.close()
            var consumer = try stand.consumer()
            try consumer.assign([PartitionStart(TopicPartition(name, 0), .earliest)])
            let messages = try consumer.read(4)
            #expect(messages.map(\.payload) == [nil, [], large, [9]])
            #expect(messages.map(\.key) == [[1], nil, [], nil])
            #expect(messages[0].timestamp == 1_700_000_000_123)
        }
    }

    @Test(arguments: Stand.available)
    func readingBeginsExactlyAtTheGivenOffset(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 3)
            let partitions = (0..<3).map { TopicPartition(name, Int32($0)) }
            for partition in partitions { try stand.fill(partition, with: 0..<300) }
            var consumer = try stand.consumer()
            let starts: [Int64] = [0, 123, 299]
            try consumer.assign(zip(partitions, starts).map { PartitionStart($0, .at($1)) })
            let messages = try consumer.read(300 + 177 + 1)
            for (partition, start) in zip(partitions, starts) {
                #expect(messages.filter { $0.partition == partition }.map(\.offset) == Array(start..<300))
            }
        }
    }

    @Test(arguments: Stand.available)
    func keysHeadersAndTopicsCanBeRead(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic()
            var producer = try stand.producer("none")
            let topic = try producer.topic(name)
            try producer.produce(
                [1], key: [7], to: topic, partition: 0,
                headers: [.init("a", [1]), .init("b", nil), .init("a", [2, 3]), .init("empty", [])])
            try producer.produce([2], to: topic, partition: 0)
            try producer.close()
            var consumer = try stand.consumer()
            try consumer.assign([PartitionStart(TopicPartition(name, 0), .earliest)])
            var found: [[[UInt8]?]] = []
            try eventually("both are read") {
                _ = try consumer.poll(maxMessages: 10, timeout: .milliseconds(100), delegate: RecordingDelegate()) {
                    message in
                    found.append(
                        unsafe [
                            message.key, message.header("a"), message.header("b"), message.header("empty"),
                            message.header("none"), message.topic,
                        ].map { unsafe $0.map { unsafe [UInt8]($0) } })
                }
                return found.count == 2
            }
            #expect(
                found == [
                    [[7], [2, 3], nil, [], nil, Array(name.utf8)], [nil, nil, nil, nil, nil, Array(name.utf8)],
                ])
            try consumer.close(delegate: RecordingDelegate())
        }
    }

    @Test(arguments: Stand.available)
    func nothingIsLostOrRepeatedAboveARewind(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let seed: UInt64 = 20_261
            var random = SeededRandom(seed: seed)
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 2)
            let (moved, steady) = (TopicPartition(name, 0), TopicPartition(name, 1))
            for partition in [moved, steady] { try stand.fill(partition, with: 0..<4000, compression: "lz4") }
            var consumer = try stand.consumer()
            try consumer.assign([PartitionStart(moved, .at(0)), PartitionStart(steady, .at(0))])
            var steadyOffsets: [Int64] = []
            for _ in 0..<12 {
                var received = Received()
                try consumer.read(maxMessages: .random(in: 1...700, using: &random), into: &received) {
                    !$0.messages.isEmpty
                }
                let target = Int64.random(in: 0...3999, using: &random)
                steadyOffsets += received.messages.filter { $0.partition == steady }.map(\.offset)
                try consumer.resume([PartitionStart(moved, .at(target))])
                var after = Received()
                try consumer.read(maxMessages: 100, into: &after) { received in
                    received.messages.contains { $0.partition == moved }
                }
                steadyOffsets += after.messages.filter { $0.partition == steady }.map(\.offset)
                let offsets = after.messages.filter { $0.partition == moved }.map(\.offset)
                #expect(offsets == Array(target..<target + Int64(offsets.count)), "seed \(seed)")
            }
            var rest = Received()
            try consumer.read(into: &rest) { received in
                steadyOffsets.count + received.messages.count(where: { $0.partition == steady }) >= 4000
            }
            steadyOffsets += rest.messages.filter { $0.partition == steady }.map(\.offset)
            #expect(steadyOffsets == Array(0..<4000), "seed \(seed)")
        }
    }

    @Test(arguments: Stand.available)
    func anOffsetThatDoesNotExistIsAnEventAndNeverAReset(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 2)
            let (bad, good) = (TopicPartition(name, 0), TopicPartition(name, 1))
            for partition in [bad, good] { try stand.fill(partition, with: 0..<50) }
            var consumer = try stand.consumer()
            try consumer.assign([PartitionStart(bad, .at(1000)), PartitionStart(good, .at(0))])
            var received = Received()
            try consumer.read(into: &received) { received in
                received.messages.count >= 50 && received.events.contains { $0.isOutOfRange(bad) }
            }
            // Long enough for a reset to have shown itself: new messages of the good partition pass through.
            try stand.fill(good, with: 50..<60)
            try consumer.read(into: &received) { $0.messages.count >= 60 }
            #expect(received.messages.allSatisfy { $0.partition == good })
            let error = received.events.compactMap(\.error).first { $0.code == .offsetOutOfRange }
            #expect(error?.message.contains(bad.description) == true)
            // The operator accepts the gap: reading goes on where told.
            try consumer.rewind([PartitionStart(bad, .at(40))])
            var rest = Received()
            try consumer.read(into: &rest) { $0.messages.count >= 10 }
            #expect(rest.messages.map(\.offset) == Array(40..<50))
        }
    }

    @Test(arguments: Stand.available)
    func haltedPartitionsAreSilentUntilRewound(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 2)
            let (halted, other) = (TopicPartition(name, 0), TopicPartition(name, 1))
            for partition in [halted, other] { try stand.fill(partition, with: 0..<20) }
            var consumer = try stand.consumer()
            try consumer.assign([PartitionStart(halted, .at(0)), PartitionStart(other, .at(0))])
            _ = try consumer.read(40)
            try consumer.halt([halted])
            for partition in [halted, other] { try stand.fill(partition, with: 20..<30) }
            let messages = try consumer.read(10)
            #expect(messages.map(\.partition) == Array(repeating: other, count: 10))
            #expect(consumer.owned == [halted, other])
            try consumer.rewind([PartitionStart(halted, .at(20))])
            #expect(try consumer.read(10).map(\.number) == Array(20..<30))
        }
    }

    @Test(arguments: Stand.available)
    func theEndOfAPartitionIsReportedAndLatestMeansNow(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let partition = TopicPartition(try stand.topic(), 0)
            try stand.fill(partition, with: 0..<10)
            var consumer = try stand.consumer(partitionEnd: true)
            try consumer.assign([PartitionStart(partition, .latest)])
            var received = Received()
            try consumer.read(into: &received) { $0.events.contains(.partitionEnd(partition, offset: 10)) }
            #expect(received.messages.isEmpty)
            try stand.fill(partition, with: 10..<13)
            #expect(try consumer.read(3).map(\.number) == [10, 11, 12])
            #expect(consumer.positions == [PartitionStart(partition, .at(13))])
            #expect(consumer.lag == [partition: 0])
        }
    }

    @Test func whatWaitsInTheLibraryIsCountedAndBounded() async throws {
        try await onOwnThread {
            let stand = try Stand(.development)
            let name = try stand.topic(partitions: 16)
            var producer = try stand.producer()
            let topic = try producer.topic(name)
            let value = [UInt8](repeating: 65, count: 1000)
            for number in 0..<64_000 { try producer.produce(value, to: topic, partition: Int32(number % 16)) }
            try producer.close()
            var consumer = try stand.consumer(settings: [
                "queued.max.messages.kbytes": "4096", "fetch.max.bytes": "2097152",
            ])
            try consumer.assign((0..<16).map { PartitionStart(TopicPartition(name, $0), .at(0)) })
            _ = try consumer.read(1)
            try eventually("the queue fills") { consumer.queuedMessages > 2000 }
            #expect(consumer.queuedBytes >= consumer.queuedMessages * 1000)
            #expect(consumer.queuedMessages < 64_000 / 2, "64 MB would be there, the queue takes 4 MiB and a fetch")
            var received = Received()
            try consumer.read(maxMessages: 8192, into: &received) { $0.messages.count >= 60_000 }
        }
    }

    @Test func aWakeEndsAWaitingPoll() async throws {
        try await onOwnThread {
            let stand = try Stand(.development)
            let partition = TopicPartition(try stand.topic(), 0)
            var consumer = try stand.consumer()
            try consumer.assign([PartitionStart(partition, .at(0))])
            consumer.waker.wake()
            var received = Received()
            let elapsed = try ContinuousClock().measure {
                try consumer.pollOnce(RecordingDelegate(), timeout: .seconds(60), into: &received)
            }
            #expect(elapsed < .seconds(30))
            let waker = consumer.waker
            Thread.detachNewThread {
                usleep(200_000)
                waker.wake()
            }
            let waited = try ContinuousClock().measure {
                try consumer.pollOnce(RecordingDelegate(), timeout: .seconds(60), into: &received)
            }
            #expect(waited < .seconds(30))
        }
    }
}

extension ConsumerEvent {
    func isOutOfRange(_ partition: TopicPartition) -> Bool {
        if case .offsetOutOfRange(partition, _) = self { true } else { false }
    }
}
