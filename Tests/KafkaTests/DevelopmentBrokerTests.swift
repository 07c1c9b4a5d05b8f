import Foundation
import LocalServices
import PlatformTesting
import Testing

@testable import Kafka

@Suite(.serialized) struct DevelopmentBrokerTests {
    @Test func aBrokerThatGoesDownAndComesBackLosesAndRepeatsNothing() async throws {
        try await onOwnThread {
            let stand = try Stand(.development)
            let partition = TopicPartition(try stand.topic(), 0)
            try stand.fill(partition, with: 0..<100)
            var consumer = try stand.consumer(settings: ["reconnect.backoff.max.ms": "200"])
            try consumer.assign([PartitionStart(partition, .at(0))])
            var received = Received()
            try consumer.read(into: &received) { $0.messages.count >= 100 }
            try stand.apply(.down(broker: 1))
            try consumer.read(into: &received) { received in
                received.events.contains { if case .brokersDown = $0 { true } else { false } }
            }
            try stand.apply(.up(broker: 1))
            try stand.fill(partition, with: 100..<200)
            try consumer.read(into: &received) { $0.messages.count >= 200 }
            #expect(received.messages.map(\.number) == Array(0..<200))
            #expect(!received.events.contains { $0.isOutOfRange(partition) })
        }
    }

    @Test func aLeaderThatMovesIsFollowed() async throws {
        try await onOwnThread {
            let stand = try Stand(.development, brokers: 2)
            let partition = TopicPartition(try stand.topic(), 0)
            try stand.apply(.leader(partition, broker: 1))
            try stand.fill(partition, with: 0..<50)
            var consumer = try stand.consumer(settings: ["topic.metadata.refresh.interval.ms": "300"])
            try consumer.assign([PartitionStart(partition, .at(0))])
            var received = Received()
            try consumer.read(into: &received) { $0.messages.count >= 50 }
            try stand.apply(.leader(partition, broker: 2))
            try stand.fill(partition, with: 50..<100)
            try consumer.read(into: &received) { $0.messages.count >= 100 }
            #expect(received.messages.map(\.number) == Array(0..<100))
        }
    }

    /// Fetch answers: broken connection, not leader, unknown error, storage error. None may lose, repeat or reset.
    @Test(arguments: [Int32(-195), 6, -1, 56])
    func injectedFetchErrorsAreSurvived(code: Int32) async throws {
        try await onOwnThread {
            let stand = try Stand(.development)
            let partition = TopicPartition(try stand.topic(), 0)
            try stand.fill(partition, with: 0..<300)
            try stand.apply(.error(api: 1, code: code, count: 3))
            var consumer = try stand.consumer(settings: [
                "reconnect.backoff.max.ms": "200", "topic.metadata.refresh.interval.ms": "300",
            ])
            try consumer.assign([PartitionStart(partition, .at(0))])
            var received = Received()
            try consumer.read(into: &received) { $0.messages.count >= 300 }
            #expect(received.messages.map(\.number) == Array(0..<300))
            #expect(!received.events.contains { $0.isOutOfRange(partition) })
        }
    }

    @Test func theControlLanguageReadsWhatItWrites() throws {
        let controls: [BrokerControl] = [
            .down(broker: 1), .up(broker: 2), .leader(TopicPartition("a.b", 3), broker: 2),
            .error(api: 1, code: -195, count: 4), .topic(name: "x", partitions: 7),
        ]
        for control in controls { #expect(try BrokerControl(line: control.line) == control) }
        for line in ["", "down", "down x", "topic a 0", "error 1 2", "fly 1"] {
            let error = #expect(throws: KafkaError.self) { try BrokerControl(line: line) }
            #expect(error?.message.contains("'\(line)'") == true)
        }
    }

    @Test func aKilledBrokerTakesItsAddressWithIt() async throws {
        try await onOwnThread {
            let broker = try DevelopmentBroker(topics: ["a": 3])
            let connection = ConnectionConfiguration(brokers: [broker.bootstrapServers])
            let client = try ClusterClient(connection)
            #expect(try client.metadata(topic: "a").topics == ["a": 3])
            broker.kill()
            #expect(Foundation.kill(broker.processID, 0) == -1)
            let after = try ClusterClient(connection)
            #expect(throws: KafkaError.self) { try after.metadata(timeout: .seconds(1)) }
        }
    }

    /// The shell starts a broker that ends with its parent, says its address, and is killed.
    @Test func aBrokerWithParentEndsWhenItsParentIsKilled() async throws {
        try await onOwnThread {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("broker-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: file) }
            let parent = Process()
            parent.executableURL = URL(fileURLWithPath: "/bin/sh")
            let program = try DevelopmentBroker.executableBesideUs().path
            parent.arguments = [
                "-c", "'\(program)' broker --with-parent --address-file '\(file.path)' >/dev/null 2>&1 & wait",
            ]
            try parent.run()
            try eventually("the broker listens") { FileManager.default.fileExists(atPath: file.path) }
            let address = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            kill(parent.processIdentifier, SIGKILL)
            let client = try ClusterClient(ConnectionConfiguration(brokers: [address]))
            try eventually("the broker is gone") {
                do {
                    _ = try client.metadata(timeout: .milliseconds(200))
                    return false
                } catch { return true }
            }
        }
    }
}
