import Foundation
import Kafka
import LocalServices
import Testing

/// Postgres or the brokers go away while events keep coming, and come back: nobody has to do anything.
@Suite(.serialized) struct AwayTests {
    @Test func postgresIsKilledTwiceAndComesBack() async throws {
        try await onOwnThread {
            let server = try PrivatePostgres.start()
            let log = try IdentityLog(events: 30_000, seed: 7)
            let database = try TestDatabase("away", on: server)
            var topology = log.topology("away")
            topology.settings = ["memory": "128MiB", "commit_interval": "20ms"]
            var writer = try log.writer()
            let process = try log.start(topology, database)
            for outage in 1...2 {
                try writer.write(upTo: log.count * outage / 4)
                try database.waitUntilRead(writer.produced / 2, by: [process])
                server.killServer()
                // Events keep coming while it is away.
                try writer.write(upTo: log.count * outage / 3)
                try eventually("the log says so; \(process.lastWords)") {
                    process.errors.count("Waiting for the database") >= outage
                }
                process.live(for: .seconds(2))
                #expect(process.isRunning, "\(process.lastWords)")
                try server.startServer()
                try database.waitUntilRead(writer.produced, by: [process])
                try eventually("the log says that it is back; \(process.lastWords)") {
                    process.errors.count("The database is back") >= outage
                }
            }
            try writer.finish()
            try database.waitUntilRead(log.count, by: [process])
            let peak = try #require(process.residentBytesPeak)
            try stopInOrder([process])
            let away = try IdentityOutcome(database, messages: log.count)
            #expect(away.problems == [])
            #expect(away.dump.differences(from: try log.run("away_clean").dump) == [])
            // A debug build of the process alone takes some 60 MiB.
            #expect(peak < 256 << 20, "\(peak >> 20) MiB")
            // Once for each outage, not once for each try.
            #expect(process.errors.count("Waiting for the database") == 2, "\(process.lastWords)")
            #expect(process.errors.count("The database is back") == 2, "\(process.lastWords)")
            server.stop()
        }
    }

    /// Dead letters wait for the database too, and are not groups that the budget counts.
    @Test func deadLettersDoNotFillTheMemoryWhilePostgresIsAway() async throws {
        try await onOwnThread {
            let server = try PrivatePostgres.start()
            let stand = try KafkaStand()
            let topic = try stand.makeTopic(partitions: IdentityLog.partitions)
            let database = try TestDatabase("dead_away", on: server)
            let topology = IdentityTopology(
                source: .kafka(topic: topic, group: topic, sessionTimeout: stand.sessionTimeout),
                settings: ["memory": "128MiB", "commit_interval": "20ms"])
            var producer = try Producer(
                ProducerConfiguration(connection: stand.connection, compression: "lz4", linger: .milliseconds(5)))
            let target = try producer.topic(topic)
            let letter = Array(repeating: UInt8(ascii: "x"), count: 4_000)
            var produced = 0
            func produce(_ count: Int) throws {
                for _ in 0..<count {
                    try producer.produce(letter, to: target, partition: Int32(produced % IdentityLog.partitions))
                    produced += 1
                }
                try producer.flush()
            }
            try produce(100)
            let process = try MillraceProcess(
                topology: topology.text,
                environment: ["BROKERS": stand.bootstrapServers, "DATABASE_URL": database.url])
            try database.waitUntilRead(100, by: [process])
            server.killServer()
            // 400 MB of dead letters, in portions that the brokers keep.
            for _ in 0..<10 {
                try produce(10_000)
                process.live(for: .milliseconds(500))
            }
            let peak = try #require(process.residentBytesPeak)
            #expect(peak < 320 << 20, "\(peak >> 20) MiB")
            try server.startServer()
            try database.waitUntilRead(produced, by: [process])
            try stopInOrder([process])
            #expect(try Ledger(of: database).problems(messages: produced) == [])
            server.stop()
        }
    }

    @Test(.enabled(if: KafkaStand.preferredKind == .development, "only the development broker can be cut off"))
    func brokersGoAwayAndComeBack() async throws {
        try await onOwnThread {
            let log = try IdentityLog(events: 20_000, seed: 8)
            let broker = try #require(log.stand.development)
            let database = try TestDatabase("broker_away")
            var topology = log.topology("broker_away")
            topology.settings = ["commit_interval": "20ms", "batch_bytes": "16KiB"]
            var writer = try log.writer()
            let process = try log.start(topology, database)
            for outage in 1...2 {
                try writer.write(upTo: log.count * outage / 3)
                try database.waitUntilRead(writer.produced / 2, by: [process])
                try broker.apply(.down(broker: 1))
                // Longer than a session, so that the member's place is lost.
                process.live(for: log.stand.sessionTimeout + .seconds(1))
                #expect(process.isRunning, "\(process.lastWords)")
                try broker.apply(.up(broker: 1))
            }
            try writer.finish()
            try database.waitUntilRead(log.count, by: [process])
            try stopInOrder([process])
            let away = try IdentityOutcome(database, messages: log.count)
            #expect(away.problems == [])
            #expect(away.dump.differences(from: try log.run("broker_away_clean").dump) == [])
        }
    }
}

extension String {
    /// How often `text` occurs.
    func count(_ text: String) -> Int { ranges(of: text).count }
}
