import Foundation
import Kafka
import Platform
import Postgres
import Synchronization
import Testing

/// Several processes that together run no more programs than the topology may, counted from outside.
@Suite(.serialized) struct ClusterConcurrencyTests {
    /// Counts programs again and again, as somebody does who looks at the machine. A program lives for longer than a pause.
    private final class Counter: Sendable {
        private let most = Mutex(0)
        private let isStopped = Atomic(false)
        private let ended = DispatchSemaphore(value: 0)

        init(_ path: String) {
            Thread.detachNewThread { [self] in
                while !isStopped.load(ordering: .relaxed) {
                    let found = ExecPrograms.running(path).count
                    most.withLock { $0 = max($0, found) }
                    usleep(10_000)
                }
                ended.signal()
            }
        }

        /// The most since this was asked last.
        func takeMost() -> Int {
            most.withLock { most in
                defer { most = 0 }
                return most
            }
        }

        func stop() {
            isStopped.store(true, ordering: .relaxed)
            ended.wait()
        }
    }

    /// Events in a topic, a slow program, and a topology that has it answer them.
    private struct Stand {
        static let partitions = 6
        let kafka: KafkaStand
        let topic: String
        let programs: ExecPrograms
        let command: String
        let path: String
        let count: Int

        init(count: Int, pause: Double) throws {
            self.count = count
            kafka = try KafkaStand()
            topic = try kafka.makeTopic(partitions: Self.partitions)
            programs = try ExecPrograms(count: 1)
            command = try programs.python(named: "slow", "time.sleep(\(pause))")
            path = command.split(separator: "\"").map(String.init)[1]
        }

        func produce(_ numbers: Range<Int>) throws {
            var producer = try Producer(
                ProducerConfiguration(
                    connection: kafka.connection, compression: "lz4", linger: .milliseconds(5)))
            let handle = try producer.topic(topic)
            for number in numbers {
                let event =
                    "{\"ts\": \"2026-01-01T\(10 + number % 3):00:00Z\", \"n\": \(number), \"user\": \"u\(number % 97)\"}"
                try producer.produce(Array(event.utf8), to: handle, partition: Int32(number % Self.partitions))
            }
            try producer.flush()
            try producer.close()
        }

        func topology(_ group: String, _ permits: String) -> String {
            """
            topology: shared
            commit_interval: 50ms
            workers: 2
            batch_messages: 50
            nodes:
              events:
                kafka:
                  brokers: "${BROKERS}"
                  topics: [\(topic)]
                  group: \(topic).\(group)
                  start: earliest
                  settings:
                    session.timeout.ms: "\(kafka.sessionTimeout.milliseconds)"
                    heartbeat.interval.ms: "\(kafka.sessionTimeout.milliseconds / 10)"
              records: { from: events, parse_json: { event_time: ts, fields: { ts: timestamp, n: integer, user: text } } }
              answered:
                from: records
                exec: { command: \(command), send: [n], add: { twice: integer, letter: text }, tries: 100 }
                \(permits)
              kpi:
                from: answered
                summarize:
                  window: 1h
                  by: [letter]
                  metrics: { records: count(), total: sum(twice), users: uniques(user), half: "percentiles(twice, 50)" }
              table: { from: kpi, postgres: { url: "${DATABASE_URL}", table: kpi } }

            """
        }

        func start(_ group: String, _ permits: String, _ database: TestDatabase) throws -> MillraceProcess {
            try MillraceProcess(
                topology: topology(group, permits),
                environment: ["BROKERS": kafka.bootstrapServers, "DATABASE_URL": database.url])
        }
    }

    /// Three processes, of which one is killed now and then, and sessions that the database ends: never more programs than
    /// four, and four; the tables are those of one process alone.
    @Test func threeProcessesRunFourProgramsAndNeverMore() async throws {
        try await onOwnThread {
            let stand = try Stand(count: 6_000, pause: 0.004)
            try stand.produce(0..<stand.count)
            let plain = try TestDatabase("cluster_plain")
            let alone = try stand.start("alone", "concurrency: 4", plain)
            try plain.waitUntilRead(stand.count, by: [alone])
            try stopInOrder([alone])

            let database = try TestDatabase("cluster_three")
            let counter = Counter(stand.path)
            defer { counter.stop() }
            var processes = try (0..<3).map { _ in
                try stand.start("three", "cluster_concurrency: 4", database)
            }
            var most = 0
            var random = SeededRandom(seed: 815)
            for share in 1...4 {
                try eventually(
                    progress: { (try? database.messagesRead()) ?? 0 },
                    "a fifth more; \(processes.map(\.lastWords))"
                ) { try database.messagesRead() >= stand.count * share / 5 }
                most = max(most, counter.takeMost())
                if share.isMultiple(of: 2) {
                    _ = try database.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1835625584::oid"
                    )
                } else {
                    let victim = random.below(3)
                    processes[victim].kill()
                    processes[victim] = try stand.start("three", "cluster_concurrency: 4", database)
                }
            }
            try database.waitUntilRead(stand.count, by: processes)
            most = max(most, counter.takeMost())
            #expect(most == 4)
            try stopInOrder(processes)
            // All but those of processes that were killed are given back.
            let claims = try database.query("SELECT string_agg(c::text, ' ') FROM millrace.permit_claims AS c").text(
                0, 0)
            let left = claims?.split(separator: " ").count ?? 0
            #expect(left <= 2, "\(claims ?? "")")
            let dumps = try [database, plain].map { try TableDump(of: $0, ExecPrograms.parts) }
            #expect(dumps[0].differences(from: dumps[1]) == [])
            #expect(ExecPrograms.running(stand.path) == [])
        }
    }

    /// `scale` is taken up by all processes while they run, and everybody who looks sees it.
    @Test func theNumberChangesWhileTheyRun() async throws {
        try await onOwnThread {
            let stand = try Stand(count: 1_000_000, pause: 0.01)
            let database = try TestDatabase("cluster_scaled")
            let serving = try ServeStand(database, brokers: stand.kafka.bootstrapServers)
            let processes = try (0..<2).map { _ in try serving.serve() }
            try stand.produce(0..<30_000)
            try serving.succeed(
                "deploy", try serving.file(stand.topology("scaled", "cluster_concurrency: 3")), "--wait", "60s")
            let counter = Counter(stand.path)
            defer { counter.stop() }
            try eventually(progress: { (try? database.messagesRead()) ?? 0 }, "three programs") {
                ExecPrograms.running(stand.path).count == 3
            }
            let generation = try database.number("SELECT generation FROM millrace.deployments")

            try serving.succeed("scale", "shared", "--cluster-concurrency", "answered=1")
            try eventually("one program") { ExecPrograms.running(stand.path).count <= 1 }
            _ = counter.takeMost()
            let read = try database.messagesRead()
            try eventually("records go on") { try database.messagesRead() > read + 200 }
            #expect(counter.takeMost() == 1)
            let status = try serving.run("status", "shared").output
            #expect(status.contains("cluster_concurrency of answered: 1"), "\(status)")
            #expect(status.contains(#/answered *[|]? *1 *[|]? *[01] /#), "\(status)")
            #expect(try serving.succeed("metrics").contains(/millrace_node_permits_limit{[^\n]*node="answered"} 1\n/))

            try serving.succeed("scale", "shared", "--cluster-concurrency", "answered=5")
            try eventually("five programs") { ExecPrograms.running(stand.path).count == 5 }
            #expect(counter.takeMost() <= 5)
            #expect(
                try database.number("SELECT generation FROM millrace.deployments") == generation, "nothing began anew")
            let wrong = try serving.run("scale", "shared", "--cluster-concurrency", "kpi=2")
            #expect(
                wrong.exit == .code(1) && wrong.errors.contains("node kpi shares no permits, expected one of answered"),
                "\(wrong.errors)")
            try stopInOrder(processes, mayGiveUp: true)
        }
    }

    /// Alone, a process pays for its permits once, and not for each batch; nodes without programs take them for batches, also
    /// where one thread does all the work.
    @Test func whoIsAloneAsksOnce() async throws {
        try await onOwnThread {
            let programs = try ExecPrograms(count: 6_000)
            let command = try programs.python(named: "alone")
            func outcome(_ name: String, _ permits: String) throws -> (dump: TableDump, database: TestDatabase) {
                let database = try TestDatabase(name)
                let topology = programs.topology("command: \(command)", settings: "workers: 1\nbatch_messages: 50\n")
                    .replacing("    concurrency: 1\n", with: permits)
                    .replacing("from: answered\n", with: "from: answered\n" + permits)
                let process = try MillraceProcess(topology: topology, environment: ["DATABASE_URL": database.url])
                let exit = try process.wait(within: .seconds(120))
                #expect(exit == .code(0), "\(process.lastWords)")
                return (try TableDump(of: database, ExecPrograms.parts), database)
            }
            let plain = try outcome("cluster_none", "")
            let alone = try outcome("cluster_alone", "    cluster_concurrency: 2\n")
            #expect(alone.dump.differences(from: plain.dump) == [])
            let exchanges = try alone.database.query("SELECT node, version FROM millrace.permits ORDER BY node")
            #expect(exchanges.rowCount == 2)
            for row in 0..<exchanges.rowCount {
                // Coming, having both, going; 120 batches have passed.
                let node = try exchanges.text(row, 0) ?? ""
                #expect(try exchanges.int64(row, 1) ?? 0 <= 12, "\(node)")
            }
        }
    }

    /// A frozen process keeps its permits, since its programs live; the others wait, and say for whom.
    @Test func aFrozenProcessKeepsItsPermits() async throws {
        try await onOwnThread {
            let stand = try Stand(count: 1_000_000, pause: 0.02)
            let database = try TestDatabase("cluster_frozen")
            try stand.produce(0..<20_000)
            let first = try stand.start("frozen", "cluster_concurrency: 1", database)
            try eventually("a program; \(first.lastWords)") { ExecPrograms.running(stand.path).count == 1 }
            let counter = Counter(stand.path)
            defer { counter.stop() }
            first.freeze()
            let second = try stand.start("frozen", "cluster_concurrency: 1", database)
            try eventually(within: .seconds(120), "it says what it waits for: \(second.lastWords)") {
                second.errors.contains(
                    "node answered waits for one of the 1 permits of its cluster_concurrency: 1 is lent to")
            }
            #expect(counter.takeMost() == 1)
            first.kill()
            let read = try database.messagesRead()
            try eventually(within: .seconds(120), "it goes on: \(second.lastWords)") {
                try database.messagesRead() > read
            }
            #expect(counter.takeMost() == 1)
            try stopInOrder([second], mayGiveUp: true)
        }
    }
}
