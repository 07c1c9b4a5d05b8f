import Foundation
import Kafka
import LocalServices
import Postgres
import Testing

/// A topology that is served, and everything that tells how it is: `why`, `status`, the log, `/ready` and `/metrics`.
///
/// Its catalogue is one database; its tables are in the same one, or in another that things happen to.
final class StallSight {
    static let topology = "stalled"
    private static let token = String(repeating: "t", count: 40)

    let kafka: KafkaStand
    let broker: DevelopmentBroker
    let topic: String
    let tables: TestDatabase
    let stand: ServeStand
    let daemon: MillraceProcess
    private let port: UInt16
    private var produced: Int64 = 0
    /// Of the page's session.
    private var cookie: String?

    /// How often the daemon has left a consumer group, or given up waiting for its answer to that.
    var departures: Int {
        daemon.errors.count("The consumer group was left")
            + daemon.errors.count("Leaving the consumer group took too long")
    }

    private struct Why: Decodable {
        var isWell: Bool
        var reasons: [String]
    }

    /// The nodes of a topology: records of a kind, counted.
    /// - Parameters:
    ///   - source: more settings of the source.
    ///   - settings: lines above the nodes.
    ///   - between: nodes between `records` and `kinds`, which reads from `last`.
    static func nodes(
        source: String = "", between: String = "", last: String = "records", metrics: String = "n: count()",
        settings: String = ""
    ) -> String {
        """
        topology: \(topology)
        \(settings)nodes:
          events: { kafka: { brokers: "${BROKERS}", topics: ["${TOPIC}"]\(source) } }
          records: { from: events, parse_json: { fields: { kind: text, n: integer } } }
        \(between)  kinds: { from: \(last), summarize: { by: [kind], metrics: { \(metrics) } } }
          out: { from: kinds, postgres: { url: "${SINK_URL}", table: kinds } }
        """
    }

    /// Deploys a topology, and has it count a hundred records.
    /// - Parameters:
    ///   - tables: where its tables are; with the catalogue unless given.
    ///   - sink: how it connects there.
    init(
        _ name: String, tables: TestDatabase? = nil, sink: String? = nil, nodes: String = StallSight.nodes()
    ) throws {
        kafka = try KafkaStand(.development)
        broker = try #require(kafka.development)
        topic = try kafka.makeTopic(partitions: 1)
        let catalog = try TestDatabase("stall_" + name)
        self.tables = tables ?? catalog
        stand = try ServeStand(
            catalog, brokers: kafka.bootstrapServers,
            variables: ["TOPIC": topic, "SINK_URL": sink ?? self.tables.url])
        (daemon, port) = try Self.serve(stand, "daemon")
        try stand.succeed("deploy", stand.file(nodes))
        try produce(100)
        try waitUntilRead(by: daemon)
        try expectWell()
    }

    /// Starts a process that listens.
    static func serve(_ stand: ServeStand, _ name: String) throws -> (process: MillraceProcess, port: UInt16) {
        let token = try stand.file(token, "token-" + name)
        unsafe chmod(token, 0o600)
        let process = try stand.serve(["--listen", "127.0.0.1:0", "--token-file", token])
        var port: UInt16?
        try process.waitUntil("it listens") {
            port = process.errors.firstMatch(of: /url=http:\/\/127.0.0.1:(\d+)/).flatMap { UInt16($0.output.1) }
            return port != nil
        }
        return (process, try #require(port))
    }

    /// Writes records, of one kind or of as many kinds as there are records.
    func produce(_ count: Int, kinds: String = "a", areDistinct: Bool = false) throws {
        try produce((0..<count).map { "{\"kind\":\"\(kinds)\(areDistinct ? "\($0)" : "")\",\"n\":\($0)}" })
    }

    func produce(_ records: [String]) throws {
        var producer = try Producer(ProducerConfiguration(connection: kafka.connection, compression: "none"))
        let place = try producer.topic(topic)
        for record in records {
            try producer.produce(Array(record.utf8), key: nil, to: place, partition: 0, timestamp: nil)
        }
        try producer.flush()
        try producer.close()
        produced += Int64(records.count)
    }

    /// Waits until all that was written is committed.
    func waitUntilRead(by processes: MillraceProcess...) throws {
        try tables.waitUntilRead(Int(produced), by: processes.isEmpty ? [daemon] : processes)
    }

    /// Waits until everything that tells names a stall, and calls nothing well.
    /// - Parameters:
    ///   - words: those of the reason.
    ///   - log: those of the log, which are the same unless given.
    ///   - goOn: what makes the stall last, done before each look.
    func expect(_ words: String..., log: [String]? = nil, whileDoing goOn: () throws -> Void = {}) throws {
        let begun = ContinuousClock.now
        var left: [String: () throws -> (isThere: Bool, found: String)] = [
            "why": { [self] in try why(words) }, "status": { [self] in try status(words) },
            "log": { [self] in ((log ?? words).allSatisfy { daemon.errors.contains($0) }, daemon.lastWords) },
            "ready": { [self] in
                let answer = try get("/ready", of: port)
                return (answer.status == 503 && words.allSatisfy { answer.body.contains($0) }, answer.body)
            },
            "metrics": { [self] in
                let body = try get("/metrics", of: port).body
                return (body.contains("millrace_topology_up{topology=\"\(Self.topology)\"} 0\n"), "it is up")
            },
            "page": { [self] in
                let page = try page("/topologies/\(Self.topology)/why")
                let said = page.components(separatedBy: "<p class=\"said bad\">").dropFirst()
                    .map { $0.prefix { $0 != "<" } }
                return (said.contains { line in words.allSatisfy { line.contains($0) } }, page)
            },
        ]
        var found: [String: String] = [:]
        try eventually(within: .seconds(90), "\(words) by \(left.keys): \(found)") {
            try goOn()
            for (name, look) in left {
                let (isThere, text) = try look()
                found[name] = text
                if isThere {
                    left[name] = nil
                    Self.note("\(words.first ?? ""): \(name) \((ContinuousClock.now - begun) / .seconds(1))")
                }
            }
            return left.isEmpty
        }
    }

    /// With `MILLRACE_STALL_TIMES` in the environment: how long things took, to be read by a person.
    private static func note(_ line: String) {
        guard ProcessInfo.processInfo.environment["MILLRACE_STALL_TIMES"] != nil else { return }
        FileHandle.standardError.write(Data("STALL \(line)\n".utf8))
    }

    private func why(_ words: [String]) throws -> (isThere: Bool, found: String) {
        let answer = try stand.run("why", Self.topology, "--json")
        let why = try JSONDecoder().decode(Why.self, from: Data(answer.output.utf8))
        // The exit code says the same.
        #expect(answer.exit == .code(why.isWell ? 0 : 3), "\(answer.output)")
        let isNamed = why.reasons.contains { reason in words.allSatisfy { reason.contains($0) } }
        return (isNamed && !why.isWell, answer.output)
    }

    private func status(_ words: [String]) throws -> (isThere: Bool, found: String) {
        let answer = try stand.run("status", Self.topology)
        let isNamed = words.allSatisfy { answer.output.contains($0) }
        #expect(answer.exit == .code(0) || answer.exit == .code(3), "\(answer)")
        return (isNamed && answer.exit == .code(3), answer.output)
    }

    private func get(_ path: String, of port: UInt16) throws -> WebClient.Answer {
        try WebClient.exchange(port, "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    }

    /// A view of the page, as somebody sees it who has signed in.
    private func page(_ path: String) throws -> String {
        if cookie == nil {
            let form = "token=" + Self.token
            let answer = try WebClient.exchange(
                port,
                "POST /sign-in HTTP/1.1\r\nHost: localhost:\(port)\r\nOrigin: http://localhost:\(port)\r\n"
                    + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \(form.utf8.count)\r\n\r\n"
                    + form)
            cookie = try #require(
                answer.headers["Set-Cookie"]?.split(separator: ";").first.map(String.init), "\(answer)")
        }
        let head = "GET \(path) HTTP/1.1\r\nHost: localhost:\(port)\r\nCookie: \(cookie ?? "")\r\n\r\n"
        return try WebClient.exchange(port, head).body
    }

    /// What a process that listens says of itself at `/ready`, ours unless said otherwise.
    func readiness(of other: UInt16? = nil) throws -> WebClient.Answer { try get("/ready", of: other ?? port) }

    /// Looks again and again whether anything calls it well, or does not name the reason any more.
    func expectNothingWell(looks: Int, saying words: String) throws {
        for _ in 0..<looks {
            for command in ["why", "status"] {
                let answer = try stand.run(command, Self.topology)
                #expect(answer.exit == .code(3) && answer.output.contains(words), "\(answer)")
            }
            let ready = try get("/ready", of: port)
            #expect(ready.status == 503 && ready.body.contains(words), "\(ready)")
            daemon.live(for: .milliseconds(300))
        }
    }

    /// Whether what was written has been read, committed or not.
    func isTaken() throws -> Bool {
        try stand.status(Self.topology).instances.flatMap(\.snapshot.partitions).contains { $0.next == produced }
    }

    /// Waits until everything that tells calls it well.
    func expectWell() throws {
        var last = ""
        try eventually("it is well; \(last); \(daemon.lastWords)") {
            let why = try stand.run("why", Self.topology)
            let status = try stand.run("status", Self.topology)
            let ready = try get("/ready", of: port)
            let metrics = try get("/metrics", of: port).body
            last = why.output + status.output + ready.body
            return why.exit == .code(0) && status.exit == .code(0) && ready.status == 200
                && metrics.contains("millrace_topology_up{topology=\"\(Self.topology)\"} 1\n")
        }
    }

    /// Once the cause is gone: what waited and what comes is counted, all is well by itself, and the table is right.
    func expectRecovery(dead: Int64 = 0) throws {
        try produce(100)
        try waitUntilRead()
        try expectWell()
        #expect(try tables.number("SELECT sum(n)::bigint FROM kinds") == produced - dead)
        #expect(try tables.number("SELECT sum(dead)::bigint FROM millrace.partitions") == dead)
    }

    func stop() throws {
        daemon.terminate()
        #expect(try daemon.wait() == .code(0), "\(daemon.lastWords)")
    }
}
