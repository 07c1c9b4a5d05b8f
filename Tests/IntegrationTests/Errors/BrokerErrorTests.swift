import Testing

/// Kafka that is not there, or not as the topology says: waited for, said once, and never in the way of a stop.
@Suite struct BrokerErrorTests {
    @Test func unreachableBrokersAreWaitedForAndSaidOnce() async throws {
        try await onOwnThread {
            let database = try TestDatabase("no_broker")
            let folder = try TopologyFolder()
            let topology = TopologyFolder.topology(
                settings: "{ security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: u, "
                    + "sasl.password: \"${PASSWORD}\" }")
            let (complaint, time) = try Complaint.of(
                ["run", folder.file(topology), "--progress", "none"],
                environment: ["DATABASE_URL": database.url, "PASSWORD": Complaint.canary],
                afterSaying: "Waiting for Kafka")
            complaint.expect(.code(0), "Waiting for Kafka", "127.0.0.1:1", "check host and port")
            #expect(time < .seconds(5))
            #expect(complaint.errors.split(separator: "\n").count == 2, "\(complaint.errors)")
        }
    }

    @Test(.enabled(if: KafkaStand.hasNoida)) func aTopicThatIsNotThereIsLookedForAndSaidOnce() async throws {
        try await onOwnThread {
            let stand = try KafkaStand(.noida)
            let database = try TestDatabase("no_topic")
            let folder = try TopologyFolder()
            let topology = TopologyFolder.topology(brokers: stand.bootstrapServers, topic: "no.such.topic")
            let (complaint, time) = try Complaint.of(
                ["run", folder.file(topology), "--progress", "none"], environment: ["DATABASE_URL": database.url],
                afterSaying: "no.such.topic")
            complaint.expect(.code(0), "Waiting for Kafka", "no.such.topic")
            #expect(time < .seconds(5))
        }
    }
}
