import Foundation
import Kafka
import LocalServices
import Platform
import Testing

/// Dead letters replayed from Kafka, beside the topology that goes on.
@Suite(.serialized) struct LogReplayTests {
    private static let partitions = 3

    private static func produce(_ events: [String], _ stand: KafkaStand, _ topic: String) throws {
        var producer = try Producer(ProducerConfiguration(connection: stand.connection, compression: "none"))
        let place = try producer.topic(topic)
        for (number, event) in events.enumerated() {
            try producer.produce(
                Array(event.utf8), key: nil, to: place, partition: Int32(number % partitions), timestamp: nil)
        }
        try producer.flush()
        try producer.close()
    }

    private static func source(_ topic: String, _ stand: KafkaStand, _ more: String = "") -> String {
        "kafka: { brokers: \"${BROKERS}\", topics: [\(topic)], \(more) settings: { session.timeout.ms: "
            + "\"\(stand.sessionTimeout.milliseconds)\" } }"
    }

    @Test func aReplayBesideARunningTopologyMakesWhatACleanRunMakes() async throws {
        try await onOwnThread {
            let kafka = try KafkaStand()
            let topic = try kafka.makeTopic(partitions: Self.partitions)
            let stand = try ReplayStand(
                "replay_kafka", source: Self.source(topic, kafka), brokers: kafka.bootstrapServers)
            let (broken, mended) = (stand.text(mended: false), stand.text(mended: true))
            try Self.produce(ReplayStand.events(30_000), kafka, topic)
            let first = try stand.start(broken)
            try stand.database.waitUntilRead(30_000, by: [first])
            try stopInOrder([first])

            // The same rows are written by both: records of the same minutes come while letters are replayed.
            let running = try stand.start(mended, ["--from-now"])
            var replays: [MillraceProcess] = []
            var random = SeededRandom(seed: 5)
            var kills = 0
            for round in 1...4 {
                try Self.produce(ReplayStand.events(5_000), kafka, topic)
                try stand.database.waitUntilRead(30_000 + round * 1_000, by: [running])
                let replay = try stand.startReplay(mended, ["--cause", "wrong_type", "--commit-interval", "10ms"])
                replay.live(for: .milliseconds(Int.random(in: 100...500, using: &random)))
                if round < 4, replay.isRunning {
                    replay.kill()
                    kills += 1
                }
                replays.append(replay)
            }
            try stand.database.waitUntilRead(50_000, by: [running])
            if let last = replays.last { _ = try ReplayStand.answer(of: last) }
            let rest = try stand.replay(mended)
            #expect(rest.untouched.isEmpty && rest.failed.map(\.reason) == ["truncated"], "\(rest)")
            try stopInOrder([running])

            let clean = try TestDatabase("replay_kafka_clean")
            let second = try stand.start(mended, in: clean)
            try clean.waitUntilRead(50_000, by: [second])
            try stopInOrder([second])
            let differences = try TableDump(of: stand.database, ReplayStand.tables)
                .differences(from: TableDump(of: clean, ReplayStand.tables))
            #expect(differences.isEmpty, "\(differences); \(kills) kills")
            #expect(try Ledger(of: stand.database).problems(messages: 50_000) == [])
            #expect(!running.errors.contains("Rewinding"), "\(running.errors)")
        }
    }

    /// Lines of a message, and elements of an array in it, are records of their own: the others are in the tables.
    @Test(arguments: [false, true])
    func theOtherRecordsOfAMessageAreLeftAlone(asElements: Bool) async throws {
        try await onOwnThread {
            let kafka = try KafkaStand()
            let topic = try kafka.makeTopic(partitions: Self.partitions)
            let source = Self.source(topic, kafka, asElements ? "" : "format: lines,")
            let stand = try ReplayStand(
                "replay_parts_\(asElements)", source: source, brokers: kafka.bootstrapServers)
            let events = ReplayStand.events(6_000).filter { !$0.contains("cut") }
            let messages = stride(from: 0, to: events.count, by: 20).map { first in
                let part = events[first..<min(first + 20, events.count)]
                return asElements ? "{\"list\":[\(part.joined(separator: ","))]}" : part.joined(separator: "\n")
            }
            func text(_ mended: Bool) -> String {
                let text = stand.text(mended: mended)
                return asElements ? text.replacing("parse_json:\n", with: "parse_json:\n      each: list\n") : text
            }
            try Self.produce(messages, kafka, topic)
            let first = try stand.start(text(false))
            try stand.database.waitUntilRead(messages.count, by: [first])
            try stopInOrder([first])
            let second = try stand.start(text(true), ["--from-now"])
            try eventually("the new definition; \(second.errors)") {
                try stand.database.number(
                    "SELECT count(*) FROM millrace.topologies WHERE definition LIKE '%text accepted%'") == 1
            }
            let answer = try stand.replay(text(true))
            #expect(answer.applied == Int64(events.count { $0.contains("\"amount\":\"") }), "\(answer)")
            #expect(answer.applied == answer.letters, "\(answer)")
            try stopInOrder([second])
            let clean = try TestDatabase("replay_parts_clean_\(asElements)")
            let third = try stand.start(text(true), in: clean)
            try clean.waitUntilRead(messages.count, by: [third])
            try stopInOrder([third])
            let differences = try TableDump(of: stand.database, ReplayStand.tables)
                .differences(from: TableDump(of: clean, ReplayStand.tables))
            #expect(differences.isEmpty, "\(differences)")
        }
    }

    /// The development broker keeps 5 MiB of a partition.
    @Test func messagesThatRetentionHasRemovedStayDeadLetters() async throws {
        try await onOwnThread {
            let kafka = try KafkaStand()
            guard kafka.development != nil else { return skipped("a broker that keeps little is needed") }
            let topic = try kafka.makeTopic(partitions: Self.partitions)
            let stand = try ReplayStand(
                "replay_gone", source: Self.source(topic, kafka), brokers: kafka.bootstrapServers)
            let text = stand.text(mended: false)
            try Self.produce(ReplayStand.events(3_000), kafka, topic)
            let first = try stand.start(text)
            try stand.database.waitUntilRead(3_000, by: [first])
            try stopInOrder([first])
            let pad = String(repeating: "x", count: 20_000)
            try Self.produce((0..<1_200).map { _ in "{\"pad\":\"\(pad)\"}" }, kafka, topic)
            let answer = try stand.replay(text)
            #expect(answer.letters > 0 && answer.applied == 0 && answer.failed.isEmpty, "\(answer)")
            #expect(answer.untouched.map(\.count) == [answer.letters], "\(answer)")
            #expect(answer.untouched.first?.reason.contains("retention has removed it") == true, "\(answer)")
            #expect(try Ledger(of: stand.database).problems(messages: 3_000) == [])
        }
    }

    /// Under `serve` the file is the deployed one.
    @Test func aDeployedTopologyIsReplayedByItsName() async throws {
        try await onOwnThread {
            let kafka = try KafkaStand()
            let topic = try kafka.makeTopic(partitions: Self.partitions)
            let stand = try ReplayStand(
                "replay_deployed", source: Self.source(topic, kafka), brokers: kafka.bootstrapServers)
            let serve = try ServeStand(stand.database, brokers: kafka.bootstrapServers)
            try Self.produce(ReplayStand.events(3_000), kafka, topic)
            let daemon = try serve.serve()
            try serve.succeed("deploy", serve.file(stand.text(mended: false)))
            try serve.wait(for: "replayed", toBe: "running")
            _ = try stand.database.query("ALTER TABLE countries ADD CONSTRAINT known CHECK (country <> 'DE') NOT VALID")
            try Self.produce(ReplayStand.events(3_000), kafka, topic)
            try stand.database.waitUntilRead(6_000, by: [daemon])
            let count = try stand.database.number(
                "SELECT count(*) FROM millrace.dead_letters WHERE cause = 'refused_row'")
            #expect(count > 100)
            // Still refused: the letters say so anew, and the other table does not get them twice.
            let total = try stand.database.number("SELECT n FROM total")
            let again = try serve.succeed("dead-letters", "replay", "replayed", "--cause", "refused_row")
            #expect(again.contains("\(count) failed again: refused_row"), "\(again)")
            #expect(try stand.database.number("SELECT n FROM total") == total)
            _ = try stand.database.query("ALTER TABLE countries DROP CONSTRAINT known")
            let done = try serve.succeed("dead-letters", "replay", "replayed", "--cause", "refused_row")
            #expect(done.contains("\(count) are in the tables"), "\(done)")
            #expect(try stand.database.number("SELECT n FROM total") == total)
            #expect(try stand.database.number("SELECT sum(n)::bigint FROM countries") < total + 1)
            #expect(try Ledger(of: stand.database).problems(messages: 6_000) == [])
            daemon.terminate()
            _ = try daemon.wait()
        }
    }

    @Test func aTopicThatWasMadeAnewIsNotReplayed() async throws {
        try await onOwnThread {
            let kafka = try KafkaStand()
            let topic = try kafka.makeTopic(partitions: Self.partitions)
            let stand = try ReplayStand(
                "replay_anew", source: Self.source(topic, kafka), brokers: kafka.bootstrapServers)
            let broken = stand.text(mended: false)
            try Self.produce(ReplayStand.events(3_000), kafka, topic)
            let first = try stand.start(broken)
            try stand.database.waitUntilRead(3_000, by: [first])
            try stopInOrder([first])
            let before = try TableDump(of: stand.database, ReplayStand.tables)
            // Another cluster has a topic of the name, with other events.
            let other = try KafkaStand()
            guard let development = other.development else { return skipped("a cluster of its own is needed") }
            try development.apply(.topic(name: topic, partitions: Self.partitions))
            try Self.produce(ReplayStand.events(4_000, from: 1), other, topic)
            let elsewhere = try ReplayStand.answer(
                of: MillraceProcess(
                    [
                        "dead-letters", "replay", "replayed", "--all", "--json", "--file",
                        stand.folder.file(named: "t.yaml", broken),
                    ], environment: ["DATABASE_URL": stand.database.url, "BROKERS": other.bootstrapServers]))
            #expect(elsewhere.applied == 0 && elsewhere.failed.isEmpty, "\(elsewhere)")
            #expect(elsewhere.untouched.map(\.count).reduce(0, +) == elsewhere.letters)
            #expect(elsewhere.letters > 0)
            #expect(try TableDump(of: stand.database, ReplayStand.tables).differences(from: before).isEmpty)
        }
    }
}
