import Foundation
import Kafka
import LocalServices
import Testing

/// What the development broker does not know, against a second stand-in and against a real cluster: starts by time,
/// every codec, topics made through the admin API.
@Suite(.enabled(if: KafkaStand.hasNoida || KafkaStand.preferredKind == .real, "needs noida-db or KAFKA_BOOTSTRAP"))
struct SecondBrokerTests {
    private static let kind: KafkaStand.Kind = KafkaStand.preferredKind == .real ? .real : .noida
    private static let tables = IdentityTopology.summariesAnywhere + [.deadLettersAnywhere]

    @Test(arguments: ["none", "gzip", "snappy", "lz4", "zstd"]) func everyCodecMakesTheSameTables(
        _ codec: String
    ) async throws {
        try await onOwnThread {
            let log = try IdentityLog(events: 4_000, seed: 9, stand: KafkaStand(Self.kind))
            try log.writer(compression: codec).finish()
            try log.checkFilled()
            let outcome = try log.run("codec_\(codec)")
            #expect(outcome.problems == [])
            let file = try readFile(log.log, "codec_\(codec)_file")
            #expect(try TableDump(of: outcome.database, Self.tables).differences(from: file) == [])
        }
    }

    @Test func aStartByTimeLeavesOutWhatCameBefore() async throws {
        try await onOwnThread {
            let log = try IdentityLog(events: 4_000, seed: 10, stand: KafkaStand(Self.kind))
            // Recent, or retention would have something to do.
            let boundary = Date(timeIntervalSince1970: (Date.now.timeIntervalSince1970 - 600).rounded())
            let milliseconds = Int64(boundary.timeIntervalSince1970) * 1_000
            var producer = try Producer(ProducerConfiguration(connection: log.stand.connection, compression: "lz4"))
            let target = try producer.topic(log.topic)
            let early = log.count / 4
            for (number, event) in log.log.events.enumerated() {
                try producer.produce(
                    event, to: target, partition: Int32(number % IdentityLog.partitions),
                    timestamp: (number < early ? milliseconds - 60_000 : milliseconds) + Int64(number))
            }
            try producer.flush()
            let outcome = try log.run("by_time") { topology in
                if case .kafka(let topic, let group, let timeout, _) = topology.source {
                    topology.source = .kafka(
                        topic: topic, group: group, sessionTimeout: timeout,
                        start: "\"\(boundary.formatted(.iso8601))\"")
                }
            }
            #expect(outcome.ledger.problems(messages: log.count, records: log.count - early) == [])
        }
    }

    /// The tables that the file source makes of a log.
    private func readFile(_ log: EventLog, _ name: String) throws -> TableDump {
        let database = try TestDatabase(name)
        let process = try MillraceProcess(
            topology: IdentityTopology(source: .file(log.file.path)).text, environment: ["DATABASE_URL": database.url])
        #expect(try process.wait() == .code(0), "\(process.lastWords)")
        return try TableDump(of: database, Self.tables)
    }
}
