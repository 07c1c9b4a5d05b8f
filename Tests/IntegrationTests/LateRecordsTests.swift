import Foundation
import Kafka
import Platform
import Postgres
import Testing

/// `too_late` and `too_early`: what is refused is a function of each partition's log.
@Suite struct LateRecordsTests {
    private static let seed: UInt64 = 77
    private static let partitions = 4

    /// A record as it is produced.
    private struct Event {
        var partition: Int
        /// Seconds since the beginning, as its device and as its broker have it.
        var time: Int64
        var sent: Int64
    }

    /// Devices that send late, wrong clocks, and silences.
    private static func events(_ count: Int) -> [Event] {
        var random = SeededRandom(seed: seed)
        var now = Array(repeating: Int64(0), count: partitions)
        return (0..<count).map { number in
            let partition = Int.random(in: 0..<partitions, using: &random)
            now[partition] += Int64.random(in: 0...3, using: &random)
            // A silence, longer than any bound.
            if number % 3_000 == 2_999 { now[partition] += 50_000 }
            let drift: Int64 =
                switch Int.random(in: 0..<100, using: &random) {
                case 0...4: -Int64.random(in: 0...9_000, using: &random)
                case 5...6: Int64.random(in: 500...500_000, using: &random)
                default: -Int64.random(in: 0...20, using: &random)
                }
            return Event(partition: partition, time: now[partition] + drift, sent: now[partition])
        }
    }

    private static let epoch: Int64 = 1_767_225_600

    private static func text(_ event: Event) -> String {
        #"{"ts":\#(epoch + event.time),"v":\#(event.partition)}"#
    }

    /// What must become of the events: counted, too late and too early records of each partition, straight from the rule.
    private static func expected(_ events: [Event]) -> [String] {
        (0..<partitions).map { partition in
            var (clock, candidate, ahead): (Int64?, Int64, Int) = (nil, 0, 0)
            var (counted, late, early) = (0, 0, 0)
            for event in events where event.partition == partition {
                if let clock, event.time < clock - 3_600 {
                    late += 1
                } else if let clock, event.time > max(clock, event.sent) + 600 {
                    early += 1
                } else {
                    counted += 1
                }
                let isVouched = event.time <= event.sent + 600
                let words = isVouched ? 10 : 1
                if let now = clock, event.time <= now + 600 {
                    clock = max(now, event.time)
                    if event.time >= now - 600 { ahead = max(0, ahead - words) }
                } else if ahead == 0 || (event.time < candidate - 600 && ahead <= words) {
                    (candidate, ahead) = (event.time, words)
                } else if event.time < candidate - 600 {
                    ahead -= words
                } else {
                    if isVouched || event.time <= candidate + 600 { candidate = max(candidate, event.time) }
                    ahead += words
                }
                if ahead >= 100 { (clock, ahead) = (candidate, 0) }
            }
            return "\(counted) \(late) \(early)"
        }
    }

    private static func topology(_ topic: String, _ name: String, _ stand: KafkaStand, _ settings: String) -> String {
        """
        topology: late
        \(settings)
        nodes:
          events:
            kafka:
              brokers: "${BROKERS}"
              topics: [\(topic)]
              group: \(topic).\(name)
              settings: { session.timeout.ms: "\(stand.sessionTimeout.milliseconds)" }
          records:
            from: events
            parse_json: { event_time: ts, fields: { ts: timestamp(s), v: integer } }
          kpi:
            from: records
            summarize: { window: 1m, by: [v], metrics: { n: count() }, too_late: 1h, too_early: 10m }
          everything:
            from: records
            summarize: { by: [v], metrics: { n: count() } }
          out:
            from: kpi
            postgres: { url: "${DATABASE_URL}", table: kpi }
          all_out:
            from: everything
            postgres: { url: "${DATABASE_URL}", table: everything }
        """
    }

    private static let parts = [
        TableDump.Part.summary("kpi", hasWindow: true), TableDump.Part.deadLetters, TableDump.Part.ledger,
        TableDump.Part(
            name: "clocks",
            query: "SELECT partition, clock_time, clock_ahead, event_time FROM millrace.partitions ORDER BY partition"),
    ]

    private static func start(
        _ topic: String, _ name: String, _ stand: KafkaStand, _ database: TestDatabase, _ settings: String
    ) throws -> MillraceProcess {
        try MillraceProcess(
            topology: topology(topic, name, stand, settings),
            environment: ["BROKERS": stand.bootstrapServers, "DATABASE_URL": database.url])
    }

    /// A file whose records are further apart than `too_early` is in order; what is ahead of its last change is not.
    @Test func aQuietFileIsNotEarly() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let times = (0..<600).map { Self.epoch + 660 * $0 } + [Self.epoch + 660 * 599 + 86_400, 2_145_916_800]
            let file = try folder.file(
                named: "quiet.ndjson", times.map { "{\"ts\":\($0)}\n" }.joined())
            let changed = Date(timeIntervalSince1970: Double(Self.epoch + 660 * 600))
            try FileManager.default.setAttributes([.modificationDate: changed], ofItemAtPath: file)
            let database = try TestDatabase("late_quiet")
            let process = try MillraceProcess(
                topology: """
                    topology: quiet
                    nodes:
                      events: { file: "\(file)" }
                      records: { from: events, parse_json: { event_time: ts, fields: { ts: timestamp(s) } } }
                      all: { from: records, summarize: { metrics: { n: count() }, too_late: 1h, too_early: 10m } }
                      out: { from: all, postgres: { url: "${DATABASE_URL}", table: quiet } }
                    """, environment: ["DATABASE_URL": database.url])
            #expect(try process.wait() == .code(0), "\(process.lastWords)")
            #expect(try database.number("SELECT n FROM quiet") == 600)
            let letters = try database.query("SELECT cause, reason FROM millrace.dead_letters")
            #expect(letters.rowCount == 2)
            #expect(try letters.text(0, 0) == "too_early")
            #expect(try letters.text(0, 1)?.contains("and of its file's last change") == true)
        }
    }

    @Test func whatIsRefusedDependsOnTheLogAlone() async throws {
        try await onOwnThread {
            let stand = try KafkaStand()
            let topic = try stand.makeTopic(partitions: Self.partitions)
            let events = Self.events(12_000)
            var producer = try Producer(
                ProducerConfiguration(connection: stand.connection, compression: "none", linger: .milliseconds(5)))
            let place = try producer.topic(topic)
            for event in events {
                try producer.produce(
                    Array(Self.text(event).utf8), to: place, partition: Int32(event.partition),
                    timestamp: (Self.epoch + event.sent) * 1_000)
            }
            try producer.close()

            let clean = try TestDatabase("late_clean")
            let first = try Self.start(topic, "clean", stand, clean, "workers: 1")
            try clean.waitUntilRead(events.count, by: [first])
            try stopInOrder([first])
            let outcome = try IdentityOutcome(clean, messages: nil, parts: Self.parts)
            #expect(outcome.problems == [])
            let found = try (0..<Self.partitions).map { partition in
                let (n, late, early) = (
                    try clean.number("SELECT sum(n)::bigint FROM kpi WHERE v = \(partition)"),
                    try clean.number(
                        "SELECT count(*) FROM millrace.dead_letters WHERE partition = \(partition) AND cause = 'too_late'"
                    ),
                    try clean.number(
                        "SELECT count(*) FROM millrace.dead_letters WHERE partition = \(partition) AND cause = 'too_early'"
                    )
                )
                return "\(n) \(late) \(early)"
            }
            #expect(found == Self.expected(events), "seed \(Self.seed)")
            // Who does not ask for bounds has all records; in the ledger those of the others are refused all the same.
            #expect(try clean.number("SELECT sum(n)::bigint FROM everything") == Int64(events.count))
            let refused = try clean.number("SELECT sum(refused)::bigint FROM millrace.partitions WHERE dead = 0")
            #expect(try refused > 100 && refused == clean.number("SELECT count(*) FROM millrace.dead_letters"))

            // A partition is complete up to what was counted of it, not up to what was refused.
            let last =
                "SELECT count(*) FROM millrace.partitions p "
                + "JOIN (SELECT v, max(window_start) AS start FROM kpi GROUP BY v) k ON k.v = p.partition WHERE date_trunc('minute', p.event_time) = k.start"
            #expect(try clean.number(last) == Int64(Self.partitions), "seed \(Self.seed)")

            let several = try TestDatabase("late_several")
            let restless = "workers: 3\nbatch_messages: 50\nbatch_bytes: 16KiB\ncommit_interval: 10ms"
            let two = try (0..<2).map { _ in try Self.start(topic, "several", stand, several, restless) }
            try several.waitUntilRead(events.count, by: two)
            try stopInOrder(two)
            #expect(try TableDump(of: several, Self.parts).differences(from: outcome.dump) == [], "seed \(Self.seed)")

            let killed = try TestDatabase("late_killed")
            for life in 1...8 {
                let before = try killed.messagesRead()
                let process = try Self.start(topic, "killed\(life)", stand, killed, restless)
                try process.waitUntil("a commit") {
                    try killed.messagesRead() > before || before == Int64(events.count)
                }
                process.kill()
            }
            let finisher = try Self.start(topic, "last", stand, killed, restless)
            try killed.waitUntilRead(events.count, by: [finisher])
            try stopInOrder([finisher])
            #expect(try TableDump(of: killed, Self.parts).differences(from: outcome.dump) == [], "seed \(Self.seed)")
        }
    }
}
