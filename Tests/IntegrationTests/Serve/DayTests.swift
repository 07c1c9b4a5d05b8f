import Foundation
import Kafka
import Platform
import Postgres
import Synchronization
import Testing

/// A day's work of an operator, by commands only, on three processes, while events keep coming; and while a process is killed
/// during each step.
@Suite(.serialized) struct DayTests {
    private static let partitions = 3

    @Test(arguments: [false, true]) func aDaysWorkChangesNothingThatWasCounted(isDeadly: Bool) async throws {
        try await onOwnThread {
            let day = try Day(try KafkaStand(), isDeadly: isDeadly)
            try day.work()
            try day.compare()
        }
    }

    /// What the topologies are at the end of the day.
    private static func kpi(_ topic: String, _ name: String = "kpi", _ table: String = "kpi", most: Bool) -> String {
        """
        topology: \(name)
        commit_interval: 50ms
        nodes:
          events: { kafka: { brokers: "${BROKERS}", topics: [\(topic)], settings: { session.timeout.ms: "${SESSION}" } } }
          records:
            from: events
            parse_json: { event_time: ts, fields: { ts: timestamp(s), kind: text, user: text, n: integer } }
          groups:
            from: records
            summarize:
              window: 1m
              by: [kind]
              metrics:
                events: count()
                users: uniques(user)
                spread: percentiles(n, 50, 95)
                \(most ? "most: max(n)" : "total: sum(n)")
          out: { from: groups, postgres: { url: "${DATABASE_URL}", table: \(table) } }

        """
    }

    private static func visits(_ topic: String, _ name: String) -> String {
        """
        topology: \(name)
        commit_interval: 50ms
        nodes:
          events: { kafka: { brokers: "${BROKERS}", topics: [\(topic)], settings: { session.timeout.ms: "${SESSION}" } } }
          records: { from: events, parse_json: { fields: { user: text, n: integer } } }
          groups: { from: records, summarize: { by: [user], metrics: { visits: count(), n: sum(n) } } }
          out: { from: groups, postgres: { url: "${DATABASE_URL}", table: visits } }

        """
    }

    /// Produces events until it is told to stop.
    private final class Load: Sendable {
        private let isStopped = Mutex(false)
        private let failure = Mutex<String?>(nil)
        private let count = Mutex(0)
        private let ended = DispatchSemaphore(value: 0)

        init(_ stand: KafkaStand, _ topic: String, partitions: Int) {
            Thread.detachNewThread { [self] in
                do {
                    var producer = try Producer(
                        ProducerConfiguration(
                            connection: stand.connection, compression: "none", linger: .milliseconds(5)))
                    let place = try producer.topic(topic)
                    var number = 0
                    while !isStopped.withLock({ $0 }) {
                        for _ in 0..<10 {
                            let event =
                                "{\"ts\":\(1_780_000_000 + number / 100),\"kind\":\"k\(number % 7)\","
                                + "\"user\":\"u\(number * 7_919 % 997)\",\"n\":\(number % 251)}"
                            try producer.produce(Array(event.utf8), to: place, partition: Int32(number % partitions))
                            number += 1
                        }
                        try producer.checkDelivered()
                        usleep(10_000)
                    }
                    try producer.flush()
                    try producer.close()
                    count.withLock { $0 = number }
                } catch {
                    failure.withLock { $0 = "\(error)" }
                }
                ended.signal()
            }
        }

        /// How many were produced.
        func stop() throws -> Int {
            isStopped.withLock { $0 = true }
            ended.wait()
            if let failure = failure.withLock({ $0 }) { throw MillraceProcess.Failure(description: failure) }
            return count.withLock { $0 }
        }
    }

    private final class Day {
        let kafka: KafkaStand
        let topic: String
        let isDeadly: Bool
        let stand: ServeStand
        var processes: [MillraceProcess] = []
        var random = SeededRandom(seed: 20_261_127)
        var produced = 0
        var pauses: [(step: String, pause: Duration)] = []

        init(_ kafka: KafkaStand, isDeadly: Bool) throws {
            self.kafka = kafka
            self.isDeadly = isDeadly
            topic = try kafka.makeTopic(partitions: DayTests.partitions)
            stand = try ServeStand(
                TestDatabase(isDeadly ? "deadly_day" : "day"), brokers: kafka.bootstrapServers,
                variables: ["SESSION": "\(kafka.sessionTimeout.milliseconds)"])
        }

        var database: TestDatabase { stand.database }

        func work() throws {
            processes = try (0..<3).map { _ in try stand.serve() }
            let load = Load(kafka, topic, partitions: DayTests.partitions)
            let first = try stand.file(DayTests.kpi(topic, most: false), "kpi.yaml")
            let second = try stand.file(DayTests.kpi(topic, most: true), "kpi-2.yaml")
            try stand.succeed("deploy", first, try stand.file(DayTests.visits(topic, "visits"), "visits.yaml"))
            try eventually("both have begun") {
                try database.query("SELECT to_regclass('kpi')::text, to_regclass('visits')::text").text(0, 1) != nil
                    && database.number("SELECT count(*) FROM kpi") > 0
                    && database.number("SELECT count(*) FROM visits") > 0
            }
            let figures = [
                WatchedFigure(database, "SELECT sum(events)::bigint FROM kpi"),
                WatchedFigure(database, "SELECT sum(visits)::bigint FROM visits"),
            ]
            func step(_ name: String, _ commands: [String]..., refused: Bool = false) throws {
                figures.forEach { _ = $0.takeLongestPause() }
                try during {
                    for command in commands { try insist(command, isRefused: refused) }
                }
                pauses.append((name, figures.map { $0.takeLongestPause() }.max() ?? .zero))
                try settle(name)
            }
            try step("rebuild", ["rebuild", second])
            // They differ by a metric; what counts is that it can say so.
            try during {
                let answer = try stand.run("diff", "kpi", "--json")
                #expect(answer.output.contains("\"rebuild\" : \"kpi@2\""), "\(answer.output)\(answer.errors)")
            }
            try step("promote", ["promote", "kpi"])
            #expect(try column("most") == 1)
            try step("go back", ["promote", "kpi"])
            #expect(try column("most") == 0)
            try step("promote again", ["promote", "kpi"])
            try step("rename", ["rename", "visits", "visitors"])
            try step("pause and resume", ["pause", "visitors"], ["resume", "visitors"])
            try step("scale", ["scale", "kpi", "--workers", "2"])
            // Somebody else's table, with force: it alone fails.
            let poisoned = try stand.file(DayTests.kpi(topic, "thief", most: true), "thief.yaml")
            try step("poisoned deploy", ["deploy", poisoned, "--force", "--wait", "10s"], refused: true)
            #expect(try stand.status("thief").state == "failed")
            try step("remove", ["remove", "thief"])
            produced = try load.stop()
            for name in ["kpi", "visitors"] {
                try eventually(within: .seconds(120), "all \(produced) are read by \(name)") {
                    try read(name) == produced
                }
            }
            for figure in figures { #expect(figure.stop().count > 100) }
            try stopInOrder(processes)
            let said = pauses.map { "\($0.step) \($0.pause.milliseconds) ms" }.joined(separator: ", ")
            FileHandle.standardError.write(
                Data(
                    "a day's work\(isDeadly ? ", a process killed in each step" : ""), the longest pauses: \(said)\n"
                        .utf8))
        }

        /// Does something, while a process is killed and another takes its place.
        private func during(_ body: () throws -> Void) throws {
            guard isDeadly else { return try body() }
            let (victim, delay) = (random.below(processes.count), useconds_t(random.below(400_000)))
            let process = processes[victim]
            let killed = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                usleep(delay)
                process.kill()
                killed.signal()
            }
            defer {
                killed.wait()
                // What is left of the killed one is cleared away by time, as with an operator's.
                processes[victim] = (try? stand.serve()) ?? process
            }
            try body()
        }

        /// A command that an operator would give once more: a process that died meanwhile may have kept it from being done.
        private func insist(_ command: [String], isRefused: Bool) throws {
            var said: [String] = []
            for _ in 0..<5 {
                let answer = try stand.run(command)
                if (answer.exit == .code(0)) != isRefused { return }
                said.append("\(answer.exit): \(answer.output)\(answer.errors)")
                // Done already, before its answer was lost.
                if answer.errors.contains("is being rebuilt already") || answer.errors.contains("is not deployed") {
                    return
                }
                usleep(500_000)
            }
            throw MillraceProcess.Failure(
                description: "millrace \(command.joined(separator: " ")): \(said.joined(separator: "\n"))")
        }

        /// Everything that should run does.
        private func settle(_ name: String) throws {
            var last = ""
            try eventually(within: .seconds(120), "after \(name) all runs again, found \(last)") {
                last = try stand.run("status").output
                return try database.number(
                    """
                    SELECT count(*) FROM millrace.deployments d WHERE d.wanted = 'running' AND d.topology <> 'thief'
                        AND NOT EXISTS (SELECT 1 FROM millrace.states s WHERE s.topology = d.topology
                            AND s.generation = d.generation AND s.state = 'running')
                    """) == 0
            }
        }

        private func column(_ name: String) throws -> Int64 {
            try database.number(
                "SELECT count(*) FROM information_schema.columns WHERE table_name = 'kpi' AND column_name = '\(name)'")
        }

        private func read(_ topology: String) throws -> Int64 {
            try database.number(
                "SELECT sum(next_offset)::bigint FROM millrace.partitions WHERE topology = '\(topology)'")
        }

        /// Tables and ledger are those of one clean run of what the topologies are now.
        func compare() throws {
            for (name, table, text) in [
                ("kpi", "kpi", DayTests.kpi(topic, "clean_kpi", most: true)),
                ("visitors", "visits", DayTests.visits(topic, "clean_visitors")),
            ] {
                let clean = try TestDatabase("\(database.name)_\(name)")
                let process = try MillraceProcess(
                    topology: text,
                    environment: [
                        "BROKERS": kafka.bootstrapServers, "DATABASE_URL": clean.url,
                        "SESSION": "\(kafka.sessionTimeout.milliseconds)",
                    ])
                try clean.waitUntilRead(produced, by: [process])
                try stopInOrder([process])
                let part = TableDump.Part.summary(table, hasWindow: table == "kpi")
                let (found, expected) = (try TableDump(of: database, [part]), try TableDump(of: clean, [part]))
                #expect(found.differences(from: expected) == [], "\(name)")
                let sums = try database.query(
                    """
                    SELECT sum(read)::bigint, sum(applied)::bigint, sum(filtered + dead + refused)::bigint
                    FROM millrace.partitions WHERE topology = '\(name)'
                    """)
                #expect(try sums.int64(0, 0) == Int64(produced) && sums.int64(0, 1) == Int64(produced), "\(name)")
                #expect(try sums.int64(0, 2) == 0)
            }
        }
    }
}
