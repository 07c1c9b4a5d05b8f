import Foundation
import LocalServices
import Postgres
import Testing

/// What a process that serves a database shows over HTTP, and to whom.
@Suite struct WebTests {
    /// A process that listens, and the tokens it wants.
    private struct Site {
        let stand: ServeStand
        let process: MillraceProcess
        let port: UInt16
        let token: String
        let readToken: String

        init(_ stand: ServeStand, _ arguments: [String] = []) throws {
            let folder = URL(fileURLWithPath: try stand.file("", "none")).deletingLastPathComponent()
            let (file, readFile) = (folder.path + "/state/token", folder.path + "/state/read-token")
            self.stand = stand
            let process = try stand.serve(
                ["--listen", "127.0.0.1:0", "--token-file", file, "--read-token-file", readFile] + arguments)
            self.process = process
            var port: UInt16?
            try process.waitUntil("it listens") {
                port = process.errors.firstMatch(of: /url=http:\/\/127.0.0.1:(\d+)/).flatMap { UInt16($0.output.1) }
                return port != nil
            }
            self.port = try #require(port)
            token = try Self.word(in: file)
            readToken = try Self.word(in: readFile)
        }

        private static func word(in file: String) throws -> String {
            try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        }

        func ask(
            _ method: String, _ path: String, token: String? = nil, host: String = "localhost", _ headers: String...,
            body: String = ""
        ) throws -> WebClient.Answer {
            var lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)"] + headers
            if let token { lines.append("Authorization: Bearer \(token)") }
            if !body.isEmpty { lines.append("Content-Length: \(body.utf8.count)") }
            return try WebClient.exchange(port, lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        }

        /// A path of the interface, with the token that may look.
        func get(_ path: String) throws -> WebClient.Answer { try ask("GET", "/api/v1/" + path, token: readToken) }

        func post(_ path: String) throws -> WebClient.Answer { try ask("POST", "/api/v1/" + path, token: token) }

        /// Waits until a path answers with a status; answers are a second old at most.
        @discardableResult
        func wait(for path: String, toBe status: Int) throws -> WebClient.Answer {
            var last: WebClient.Answer?
            try eventually(within: .seconds(120), "\(path) is \(status), found \(String(describing: last))") {
                last = try ask("GET", path)
                return last?.status == status
            }
            return try #require(last)
        }
    }

    private static func counting(_ name: String, _ path: String, table: String? = nil) -> String {
        """
        topology: \(name)
        nodes:
          lines: { file: { paths: ["\(path)"] } }
          records: { from: lines, parse_json: { fields: { n: integer } } }
          counts: { from: records, summarize: { metrics: { all: count() } } }
          out: { from: counts, postgres: { url: "${DATABASE_URL}", table: \(table ?? name) } }
        """
    }

    private struct Readiness: Decodable {
        struct Topology: Decodable {
            var topology: String
            var state: String
            var isReady: Bool
            var reasons: [String]
        }
        var isReady: Bool
        var topologies: [Topology]
    }

    /// What `why --json` says.
    private struct Reasons: Decodable {
        var reasons: [String]
    }

    private static func readiness(_ answer: WebClient.Answer) throws -> Readiness {
        try JSONDecoder().decode(Readiness.self, from: Data(answer.body.utf8))
    }

    @Test func whatRunsIsShown() async throws {
        try await onOwnThread {
            let stand = try ServeStand(try TestDatabase("web_shown"))
            let site = try Site(stand)
            #expect(try site.wait(for: "/ready", toBe: 200).body.contains("\"topologies\" : ["))
            let events = try stand.file("{\"n\":1}\n{\"n\":\"x\"}\n", "events.ndjson")
            try stand.succeed("deploy", try stand.file(Self.counting("good", events)))
            try stand.wait(for: "good", toBe: "ended")
            _ = try stand.run("deploy", try stand.file(Self.counting("thief", events, table: "good"), "thief.yaml"))

            // One fails: it is named, with the words of the command.
            let unready = try Self.readiness(try site.wait(for: "/ready", toBe: 503))
            let why = try JSONDecoder().decode(
                Reasons.self, from: Data(try stand.run("why", "thief", "--json").output.utf8))
            #expect(unready.topologies.map(\.topology) == ["good", "thief"])
            #expect(unready.topologies.map(\.isReady) == [true, false])
            #expect(unready.topologies[1].reasons.first?.contains("failed: table public.good") == true)
            #expect(why.reasons == unready.topologies[1].reasons)
            #expect(try site.ask("GET", "/health").status == 200)
            let metrics = try site.ask("GET", "/metrics")
            #expect(metrics.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(metrics.body.contains("millrace_topology_up{topology=\"good\"} 1\n"))
            #expect(metrics.body.contains("millrace_topology_up{topology=\"thief\"} 0\n"))
            let families = { (text: String) in text.split(separator: "\n").filter { $0.hasPrefix("# ") } }
            #expect(families(metrics.body) == families(try stand.succeed("metrics")))
            try stand.succeed("remove", "thief")
            try site.wait(for: "/ready", toBe: 200)

            // What the commands say under --json.
            for (path, command) in [
                ("versions", ["list", "good"]), ("why", ["why", "good"]),
                ("dead-letters", ["dead-letters", "list", "good"]), ("log?count=1000", ["logs", "good"]),
            ] {
                let answer = try site.get("topologies/good/\(path)")
                #expect(answer.status == 200, "\(path)")
                #expect(answer.headers["Content-Type"] == "application/json")
                #expect(answer.body + "\n" == (try stand.run(command + ["--json"])).output, "\(path)")
            }
            #expect(try site.get("topologies/good/dead-letters").body.contains("wrong_type"))
            let lines = try JSONDecoder().decode(
                [[String: String]].self, from: Data(try site.get("topologies/good/log?count=1").body.utf8))
            #expect(lines.count == 1)
            let one = try JSONDecoder().decode(
                ServeStand.Status.self, from: Data(try site.get("topologies/good").body.utf8))
            #expect(one.topology == "good" && one.state == "ended" && one.version == 1)
            let all = try JSONDecoder().decode(
                [ServeStand.Status].self, from: Data(try site.get("topologies").body.utf8))
            #expect(all.map(\.topology) == ["good"])
            #expect(try site.get("processes").body.contains("\"isLost\" : false"))
            #expect(try site.get("openapi.json").body.hasPrefix("{\n  \"openapi\": \"3.1.0\""))
            try stopInOrder([site.process])
        }
    }

    /// A topology that reads from Kafka is paused, resumed and restarted, and shown as what it is.
    @Test func whatIsAskedForIsDone() async throws {
        try await onOwnThread {
            try IdentityLog.whileBrokersLive("web_done", events: 4_000, seed: 32) { log, name in
                let database = try TestDatabase(name)
                let stand = try ServeStand(database, brokers: log.stand.bootstrapServers)
                let site = try Site(stand)
                try log.fill()
                try stand.succeed("deploy", try stand.file(log.topology(name).text))
                try database.waitUntilRead(log.count, by: [site.process])
                let ready = try Self.readiness(try site.wait(for: "/ready", toBe: 200))
                #expect(ready.topologies.map(\.state) == ["running"])

                let pausing = try site.post("topologies/identity/pause")
                #expect(pausing.status == 202)
                #expect(pausing.body.contains("\"outcome\" : \"pausing\""), "\(pausing.body)")
                try stand.wait(for: "identity", toBe: "paused")
                let paused = try Self.readiness(try site.wait(for: "/ready", toBe: 200))
                #expect(paused.topologies.first?.reasons.first?.hasPrefix("paused by http@") == true, "\(paused)")
                #expect(try site.post("topologies/identity/pause").body.contains("paused already"))
                #expect(try site.post("topologies/identity/resume").body.contains("\"outcome\" : \"resumed\""))
                try stand.wait(for: "identity", toBe: "running")
                #expect(try site.post("topologies/identity/restart").body.contains("\"outcome\" : \"restarted\""))
                try stand.wait(for: "identity", toBe: "running")
                #expect(try site.post("topologies/nobody/restart").code == "unknown-topology")
                try stopInOrder([site.process])
                #expect(try database.messagesRead() == log.count)
            }
        }
    }

    @Test func whoMayNotIsRefused() async throws {
        try await onOwnThread {
            let stand = try ServeStand(try TestDatabase("web_refused"))
            let site = try Site(stand, ["--host", "kpis.example"])
            var said = ""
            func expect(_ answer: WebClient.Answer, _ status: Int, _ code: String, _ what: String) {
                #expect(answer.status == status && answer.code == code, "\(what): \(answer)")
                #expect(answer.message?.isEmpty == false, "\(what)")
                said += answer.body + answer.headers.values.joined()
            }
            let path = "/api/v1/topologies"
            let pause = path + "/kpis/pause"
            let nobody = try site.ask("GET", path)
            expect(nobody, 401, "unauthorized", "no token")
            #expect(nobody.headers["WWW-Authenticate"] == "Bearer realm=\"millrace\"")
            expect(try site.ask("GET", path, token: site.token + "0"), 401, "unauthorized", "a wrong token")
            expect(try site.ask("POST", pause, token: site.readToken), 403, "read-only", "the other token")
            expect(
                try site.ask("POST", pause, token: site.token, "Origin: http://evil.example"), 403, "foreign-origin",
                "another site")
            expect(
                try site.ask("GET", path, token: site.token, host: "evil.example"), 403, "unknown-host", "another name")
            #expect(try site.ask("GET", path, token: site.token, host: "kpis.example").status == 200)
            expect(
                try site.ask("POST", pause, token: site.token, body: String(repeating: "b", count: 200_000)), 413,
                "body-too-long", "a long body")
            let method = try site.ask("PUT", path, token: site.token)
            expect(method, 405, "method", "another method")
            #expect(method.headers["Allow"] == "GET, HEAD")
            expect(try site.ask("GET", "/nowhere"), 404, "unknown-path", "another path")
            expect(try site.get("topologies/nobody"), 404, "unknown-topology", "nobody's")
            expect(try site.get("topologies/nobody/dead-letters"), 404, "unknown-topology", "nobody's letters")
            expect(try site.get("topologies/nobody/log?count=0"), 400, "bad-count", "no lines")
            expect(
                try site.ask("GET", path, "X: " + String(repeating: "x", count: 50_000)), 431, "head-too-long",
                "a long head")
            expect(try WebClient.exchange(site.port, "\u{16}\u{3}\u{1}\r\n\r\n"), 400, "malformed", "TLS")
            #expect(try site.ask("HEAD", "/metrics").body == "")

            let log = site.process.errors
            for token in [site.token, site.readToken] {
                #expect(!said.contains(token) && !log.contains(token))
            }
            #expect(log.contains("token_file="))
            // The place is taken.
            let second = try stand.serve(["--listen", "\(site.port)", "--token-file", try stand.file("x", "short")])
            #expect(try second.wait() == .code(1))
            #expect(second.errors.contains("found 1 characters, expected at least 32"), "\(second.errors)")
            let third = try stand.serve(
                [
                    "--listen", "\(site.port)", "--token-file",
                    try stand.file(String(repeating: "t", count: 32), "good-token"),
                ])
            #expect(try third.wait() == .code(1))
            #expect(
                third.errors.contains("cannot listen at 127.0.0.1:\(site.port): Address already in use"),
                "\(third.errors)")
            try stopInOrder([site.process])
        }
    }

    /// What `GET replay` says.
    private struct Replay: Decodable {
        struct Answer: Decodable {
            var letters: Int
            var applied: Int
            var rehearsal: Bool
        }
        var state: String
        var reason: String
        var answer: Answer?
    }

    /// Records that the database refuses are read again when it no longer does: tried first, then done, each once.
    @Test func deadLettersAreReplayed() async throws {
        try await onOwnThread {
            let stand = try ServeStand(try TestDatabase("web_replay"))
            let site = try Site(stand)
            let events = try stand.file("{\"n\":1}\n", "events.ndjson")
            let text = Self.counting("good", events).replacing("summarize: {", with: "summarize: { by: [n],")
            try stand.succeed("deploy", try stand.file(text))
            try stand.wait(for: "good", toBe: "ended")
            _ = try stand.database.query("ALTER TABLE good ADD CONSTRAINT no_sevens CHECK (n <> 7)")
            _ = try stand.file("{\"n\":1}\n{\"n\":1}\n{\"n\":7}\n{\"n\":7}\n", "events.ndjson")
            try stand.succeed("restart", "good")
            try eventually("two records are refused") {
                try stand.database.number("SELECT count(*) FROM millrace.dead_letters") == 2
            }
            _ = try stand.database.query("ALTER TABLE good DROP CONSTRAINT no_sevens")
            try stand.wait(for: "good", toBe: "ended")

            let path = "topologies/good/replay"
            func state() throws -> Replay {
                try JSONDecoder().decode(Replay.self, from: Data(try site.get(path).body.utf8))
            }
            #expect(try state().state == "none")
            #expect(try site.ask("POST", "/api/v1/" + path, token: site.readToken).code == "read-only")
            #expect(try site.post("topologies/nobody/replay").code == "unknown-topology")
            #expect(try site.post(path + "?rehearse=perhaps").code == "bad-rehearse")
            for (query, isRehearsal) in [("?rehearse=true", true), ("?cause=refused_row", false)] {
                let begun = try site.post(path + query)
                #expect(begun.status == 202, "\(begun)")
                var last: Replay?
                try eventually("the replay ends: \(String(describing: last))") {
                    last = try state()
                    return last?.state != "running"
                }
                let done = try #require(last)
                #expect(done.state == "done" && done.answer?.letters == 2 && done.answer?.applied == 2, "\(done)")
                #expect(done.answer?.rehearsal == isRehearsal)
                let rows = try stand.database.number("SELECT coalesce(sum(\"all\"), 0)::bigint FROM good WHERE n = 7")
                #expect(rows == (isRehearsal ? 0 : 2))
                #expect(
                    try stand.database.number("SELECT count(*) FROM millrace.dead_letters") == (isRehearsal ? 2 : 0))
            }
            try stopInOrder([site.process])
        }
    }

    /// A replay waits for a row that somebody has locked: another is refused meanwhile, and the process ends in order.
    @Test func oneReplayAtATime() async throws {
        try await onOwnThread {
            let stand = try ServeStand(try TestDatabase("web_replays"))
            let site = try Site(stand)
            let events = try stand.file("{\"n\":1}\n{\"n\":\"x\"}\n", "events.ndjson")
            try stand.succeed("deploy", try stand.file(Self.counting("good", events)))
            try stand.wait(for: "good", toBe: "ended")
            var holder = try Connection.connect(
                ConnectionSettings(url: stand.database.url), deadline: .now + .seconds(20))
            try holder.execute("BEGIN; LOCK TABLE millrace.dead_letters IN ACCESS EXCLUSIVE MODE")
            #expect(try site.post("topologies/good/replay").status == 202)
            let second = try site.post("topologies/good/replay")
            #expect(second.status == 409 && second.code == "under-way", "\(second)")
            try holder.execute("ROLLBACK")
            try stopInOrder([site.process])
        }
    }

    /// Thousands of connections that ask for nothing: those who ask are answered, and what is read is counted.
    @Test func idleConnectionsStandInNobodysWay() async throws {
        try await onOwnThread {
            let stand = try ServeStand(try TestDatabase("web_idle"))
            let site = try Site(stand)
            let idle = try (0..<2_000).map { index in
                let client = try WebClient(port: site.port)
                if index.isMultiple(of: 2) { client.send("GET /metrics HTTP/1.1\r\nHost: ") }
                return client
            }
            #expect(try site.ask("GET", "/health").status == 200)
            let events = try stand.file((0..<5_000).map { "{\"n\":\($0)}\n" }.joined(), "events.ndjson")
            try stand.succeed("deploy", try stand.file(Self.counting("good", events)))
            try stand.wait(for: "good", toBe: "ended")
            #expect(try stand.database.number("SELECT \"all\" FROM good") == 5_000)
            #expect(try site.ask("GET", "/metrics").body.contains("millrace_topology_up{topology=\"good\"} 1\n"))
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(site.process.processID)/fd").count
            #expect(open < 256 + 100, "\(open) files are open")
            // The first was ended for the others, the last when its time was over.
            #expect(try idle[0].receive() == "")
            #expect(try idle[1_999].receive() == "")
            try stopInOrder([site.process])
        }
    }

    /// The database says nothing any more: so do the answers, within their time, and the process lives.
    @Test func aCatalogueThatHangsIsSaid() async throws {
        try await onOwnThread {
            let server = try PrivatePostgres.start()
            defer { server.stop() }
            let database = try TestDatabase("web_hangs", on: server)
            let site = try Site(try ServeStand(database))
            try site.wait(for: "/ready", toBe: 200)
            let postmaster = try #require(server.processID)
            let backends = try database.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
            var stopped = [postmaster]
            for row in 0..<backends.rowCount { stopped.append(try #require(try backends.int32(row, 0))) }
            for process in stopped { kill(process, SIGSTOP) }
            defer { for process in stopped { kill(process, SIGCONT) } }

            for path in ["/ready", "/metrics"] {
                let answer = try site.wait(for: path, toBe: 503)
                #expect(["catalogue-away", "no-answer-in-time"].contains(answer.code), "\(answer)")
            }
            for path in ["topologies", "topologies/x/log", "processes"] {
                #expect(try site.get(path).status == 503, "\(path)")
            }
            #expect(try site.post("topologies/x/pause").status == 503)
            #expect(try site.ask("GET", "/health").status == 200)
            for process in stopped { kill(process, SIGCONT) }
            try site.wait(for: "/ready", toBe: 200)
            #expect(try site.get("topologies").status == 200)
            try stopInOrder([site.process])
        }
    }
}
