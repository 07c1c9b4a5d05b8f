import Foundation
import Postgres
import Testing

/// A pooler in transaction mode between Millrace and Postgres, which gives every transaction another session.
@Suite struct PoolerTests {
    /// Tests/pooler/pooler.py in front of a database's server; ends with this process, or before.
    private final class Pooler {
        private let process = Process()
        private let lifeline = Pipe()
        let url: String

        init(_ database: TestDatabase) throws {
            var place = try #require(URLComponents(string: database.url))
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("pooler/pooler.py")
            process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
            process.arguments = [script.path, "\(try #require(place.port))"]
            process.standardInput = lifeline
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let said = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            let port: Int = try #require(Int(said.trimmingCharacters(in: .whitespacesAndNewlines)))
            place.port = port
            url = try #require(place.string)
        }

        deinit {
            try? lifeline.fileHandleForWriting.close()
            process.waitUntilExit()
        }
    }

    private static let isPossible: Bool = {
        if FileManager.default.isExecutableFile(atPath: "/usr/bin/python3") { return true }
        skipped("the pooler needs /usr/bin/python3")
        return false
    }()

    private static func topology(_ name: String, _ events: String, _ more: String = "") -> String {
        """
        topology: \(name)
        batch_messages: 50
        commit_interval: 10ms
        nodes:
          lines: { file: { paths: ["\(events)"] } }
          records: { from: lines, parse_json: { fields: { n: integer } } }
          again: { from: records, exec: { command: [sed, -u, 's/n/m/'], send: [n], add: { m: integer } }\(more) }
          counts: { from: again, summarize: { by: [n], metrics: { all: count(), kinds: uniques(m) } } }
          out: { from: counts, postgres: { url: "${DATABASE_URL}", table: \(name) } }

        """
    }

    /// The canary: what depends on a session does not survive it, so what survives does not depend on one.
    @Test(.enabled(if: isPossible)) func everyTransactionHasAnotherSession() async throws {
        try await onOwnThread {
            let database = try TestDatabase("pooler_canary")
            let pooler = try Pooler(database)
            var connection = try Connection.connect(
                ConnectionSettings(url: pooler.url), deadline: .now + .seconds(20))
            func process() throws -> Int32? { try connection.query("SELECT pg_backend_pid()").int32(0, 0) }
            let (first, second, third) = (try process(), try process(), try process())
            #expect(first != second && first == third)
            try connection.execute("BEGIN")
            let (fourth, fifth) = (try process(), try process())
            #expect(fourth == fifth)
            try connection.execute("COMMIT; SET application_name = 'lost'")
            #expect(try connection.query("SHOW application_name").text(0, 0) != "lost")
            #expect(connection.process == nil)
        }
    }

    @Test(.enabled(if: isPossible)) func aTopologyRunsThroughIt() async throws {
        try await onOwnThread {
            let database = try TestDatabase("pooler_runs")
            let pooler = try Pooler(database)
            let stand = try ServeStand(database, variables: ["DATABASE_URL": pooler.url])
            let lines = (0..<2_000).map { "{\"n\":\($0 % 97)}\n" }.joined()
            let file = try stand.file(Self.topology("pooled", stand.file(lines, "events.ndjson")))
            let daemon = try stand.serve()
            try stand.succeed("deploy", file)
            try stand.wait(for: "pooled", toBe: "ended")
            #expect(try database.number("SELECT sum(\"all\")::bigint FROM pooled") == 2_000)
            #expect(try database.number("SELECT count(*) FROM pooled WHERE kinds = 1") == 97)
            try stand.succeed("rename", "pooled", "swum")
            try stand.wait(for: "swum", toBe: "ended")
            try stand.succeed("reset", "swum", "--yes")
            try stand.wait(for: "swum", toBe: "ended")
            #expect(try database.number("SELECT sum(\"all\")::bigint FROM pooled") == 2_000)
            try stopInOrder([daemon])
        }
    }

    /// What cannot do without a session says so, and leaves nothing behind in anybody else's.
    @Test(.enabled(if: isPossible)) func whatNeedsASessionIsRefused() async throws {
        try await onOwnThread {
            let database = try TestDatabase("pooler_refused")
            let pooler = try Pooler(database)
            let stand = try ServeStand(database)
            let events = try stand.file("{\"n\":1}\n{\"n\":2}\n", "events.ndjson")
            let shared = try MillraceProcess(
                topology: Self.topology("shared", events, ", cluster_concurrency: 2"),
                environment: ["DATABASE_URL": pooler.url])
            #expect(try shared.wait(within: .seconds(60)) == .code(1))
            #expect(
                shared.errors.contains("cluster_concurrency needs a session of its own, and a pooler stands between"),
                "\(shared.lastWords)")

            let daemon = try stand.serve()
            let file = Self.topology("swapped", events)
            try stand.succeed("deploy", try stand.file(file))
            try stand.wait(for: "swapped", toBe: "ended")
            try stand.succeed(
                "rebuild", try stand.file(file.replacing("all: count()", with: "all: sum(n)"), "new.yaml"))
            try stand.wait(for: "swapped@2", toBe: "ended")
            let refused = try stand.run("promote", "swapped", "--database", pooler.url)
            #expect(
                refused.exit == .code(1)
                    && refused.errors.contains("promote needs a session of its own, and a pooler stands between"),
                "\(refused.output)\(refused.errors)")
            // Those of transactions, as the daemon has them, are gone in a moment; one that was left to the pooler stays.
            let locks =
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                + "(SELECT oid FROM pg_database WHERE datname = current_database())"
            try eventually(within: .seconds(30), "no lock is left") { try database.number(locks) == 0 }
            #expect(try stand.status("swapped").state == "ended")
            try stand.succeed("promote", "swapped")
            try stopInOrder([daemon])
        }
    }
}
