import Foundation
import Kafka
import LocalServices
import Postgres
import Testing

/// What stands in the way of a topology is what `why` names, and nothing that does not commit is called well.
@Suite(.serialized) struct StallTests {
    private static let nodes = """
        topology: stalled
        nodes:
          events: { kafka: { brokers: "${BROKERS}", topics: [TOPIC] } }
          records: { from: events, parse_json: { fields: { kind: text } } }
          kinds: { from: records, summarize: { by: [kind], metrics: { n: count() } } }
          out: { from: kinds, postgres: { url: "${DATABASE_URL}", table: kinds } }
        """

    private struct Why: Decodable {
        var isWell: Bool
        var reasons: [String]
    }

    private static func why(_ stand: ServeStand) throws -> Why {
        let answer = try stand.run("why", "stalled", "--json")
        let why = try JSONDecoder().decode(Why.self, from: Data(answer.output.utf8))
        // The exit code says the same.
        #expect(answer.exit == .code(why.isWell ? 0 : 3), "\(answer.output)")
        return why
    }

    private static func produce(_ count: Int, _ kafka: KafkaStand, _ topic: String) throws {
        var producer = try Producer(ProducerConfiguration(connection: kafka.connection, compression: "none"))
        let place = try producer.topic(topic)
        for _ in 0..<count {
            try producer.produce(Array("{\"kind\":\"a\"}".utf8), key: nil, to: place, partition: 0, timestamp: nil)
        }
        try producer.flush()
        try producer.close()
    }

    /// Waits until `why` says words, and nothing of the topology is called well meanwhile.
    private static func expect(_ words: [String], _ stand: ServeStand) throws {
        var last: Why?
        try eventually("why says \(words), found \(String(describing: last))") {
            last = try why(stand)
            return words.allSatisfy { word in last?.reasons.contains { $0.contains(word) } == true }
        }
        #expect(last?.isWell == false)
    }

    @Test func whoHoldsALockAndWhichBrokerIsAwayAreNamed() async throws {
        try await onOwnThread {
            let kafka = try KafkaStand()
            guard let broker = kafka.development else { return skipped("a broker that can be cut off is needed") }
            let topic = try kafka.makeTopic(partitions: 1)
            let stand = try ServeStand(TestDatabase("stalls"), brokers: kafka.bootstrapServers)
            let daemon = try stand.serve()
            try stand.succeed("deploy", stand.file(Self.nodes.replacing("TOPIC", with: topic)))
            try Self.produce(100, kafka, topic)
            try stand.database.waitUntilRead(100, by: [daemon])
            #expect(try Self.why(stand).isWell)

            // Somebody who reads with a lock that lets nobody write.
            var reader = try Connection.connect(
                ConnectionSettings(url: stand.database.url), deadline: .now + .seconds(20))
            try reader.execute("BEGIN; LOCK TABLE kinds IN SHARE MODE")
            let process = try reader.query("SELECT pg_backend_pid()").int32(0, 0) ?? 0
            try Self.produce(100, kafka, topic)
            try Self.expect(["\(process)"], stand)
            #expect(try stand.database.messagesRead() == 100)
            try reader.execute("ROLLBACK")
            try stand.database.waitUntilRead(200, by: [daemon])
            try eventually("it is well again") { try Self.why(stand).isWell }

            try broker.apply(.down(broker: 1))
            try Self.expect([kafka.bootstrapServers.split(separator: ":").last.map(String.init) ?? ""], stand)
            try broker.apply(.up(broker: 1))
            try Self.produce(100, kafka, topic)
            try stand.database.waitUntilRead(300, by: [daemon])
            try eventually("it is well again") { try Self.why(stand).isWell }
            daemon.terminate()
            _ = try daemon.wait()
        }
    }
}
