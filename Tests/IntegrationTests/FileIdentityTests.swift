import Foundation
import LocalServices
import Platform
import Testing

/// The `file` source over the log that went through Kafka makes the same tables, killed or not, packed or not.
@Suite struct FileIdentityTests {
    private static let seed: UInt64 = 31_337
    private static let tables = IdentityTopology.summariesAnywhere + [.deadLettersAnywhere]

    @Test func filesMakeTheTablesThatKafkaMakes() async throws {
        try await onOwnThread {
            let log = try IdentityLog(events: 20_000, seed: 5)
            try log.fill()
            let kafka = try log.run("kafka_beside_file")
            let viaKafka = try TableDump(of: kafka.database, Self.tables)
            let packed = log.log.file.deletingLastPathComponent().appendingPathComponent("packed.gz")
            try pack(log.log.file, to: packed)

            let plain = try read(log.log.file, "file_plain", records: log.count)
            #expect(plain.problems == [])
            #expect(try TableDump(of: plain.database, Self.tables).differences(from: viaKafka) == [])
            let unpacked = try read(packed, "file_gzip", records: log.count)
            #expect(unpacked.problems == [])
            #expect(try TableDump(of: unpacked.database, Self.tables).differences(from: viaKafka) == [])
            // A second run finds nothing new.
            let again = try read(log.log.file, in: plain.database, records: log.count)
            #expect(again.dump.differences(from: plain.dump) == [])

            for (file, clean) in [(log.log.file, plain), (packed, unpacked)] {
                let killed = try readKilled(file, "\(clean.database.name)_killed", records: log.count)
                #expect(killed.problems == [], "seed \(Self.seed)")
                #expect(killed.dump.differences(from: clean.dump) == [], "seed \(Self.seed)")
            }
        }
    }

    /// What a pipe gave is in no file's way, and a file that was read goes on where it was left.
    @Test func standardInputMayBeAPipeAndThenAFile() async throws {
        try await onOwnThread {
            let database = try TestDatabase("standard_input")
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }  // A temporary folder; nothing depends on it.
            let topology = """
                topology: t
                nodes:
                  events: { file: "-" }
                  records: { from: events, parse_json: { fields: { id: integer } } }
                  kpi: { from: records, summarize: { metrics: { n: count(), s: sum(id) } } }
                  out: { from: kpi, postgres: { url: "${DATABASE_URL}", table: kpi } }

                """
            try Data(topology.utf8).write(to: folder.appendingPathComponent("t.yaml"))
            let shell = Process()
            shell.executableURL = URL(fileURLWithPath: "/bin/sh")
            shell.currentDirectoryURL = folder
            shell.environment = ProcessInfo.processInfo.environment.merging(["DATABASE_URL": database.url]) { $1 }
            shell.arguments = [
                "-c",
                """
                printf '{"id":1}\\n{"id":2}\\n' | "$0" run t.yaml --progress none &&
                printf '{"id":10}\\n' >file && "$0" run t.yaml --progress none <file &&
                printf '{"id":20}\\n' >>file && "$0" run t.yaml --progress none <file &&
                printf '{"id":5}\\n' | "$0" run t.yaml --progress none
                """, try DevelopmentBroker.executableBesideUs().path,
            ]
            shell.standardError = FileHandle.nullDevice
            try shell.run()
            shell.waitUntilExit()
            #expect(shell.terminationStatus == 0)
            #expect(try database.number("SELECT n FROM kpi") == 5)
            #expect(try database.number("SELECT s::bigint FROM kpi") == 38)
        }
    }

    private func start(_ file: URL, _ database: TestDatabase) throws -> MillraceProcess {
        let topology = IdentityTopology(
            source: .file(file.path), settings: ["batch_bytes": "16KiB", "commit_interval": "10ms", "workers": "1"])
        return try MillraceProcess(topology: topology.text, environment: ["DATABASE_URL": database.url])
    }

    private func read(_ file: URL, _ name: String, records: Int) throws -> IdentityOutcome {
        try read(file, in: TestDatabase(name), records: records)
    }

    private func read(_ file: URL, in database: TestDatabase, records: Int) throws -> IdentityOutcome {
        let process = try start(file, database)
        let exit = try process.wait(within: .seconds(120))
        guard exit == .code(0) else { throw MillraceProcess.Failure(description: "\(exit): \(process.lastWords)") }
        return try IdentityOutcome(database, messages: nil, records: records)
    }

    /// Kills every run until one gets to the end.
    private func readKilled(_ file: URL, _ name: String, records: Int) throws -> IdentityOutcome {
        let database = try TestDatabase(name)
        var random = SeededRandom(seed: Self.seed)
        var kills = 0
        while true {
            let process = try start(file, database)
            let before = try database.messagesRead()
            // Half of the kills come right after a commit, the others anywhere.
            if Bool.random(using: &random) {
                try eventually("a commit; \(process.lastWords)") {
                    try !process.isRunning || database.messagesRead() > before
                }
                process.live(for: .milliseconds(Int.random(in: 0...20, using: &random)))
            } else {
                process.live(for: .milliseconds(Int.random(in: 20...400, using: &random)))
            }
            guard process.isRunning else {
                #expect(try process.wait() == .code(0), "\(process.lastWords)")
                break
            }
            process.kill()
            kills += 1
        }
        #expect(kills >= 5, "seed \(Self.seed): too few kills to show anything")
        return try IdentityOutcome(database, messages: nil, records: records)
    }

    private func pack(_ file: URL, to packed: URL) throws {
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
        gzip.arguments = ["-c", file.path]
        try Data().write(to: packed)
        gzip.standardOutput = try FileHandle(forWritingTo: packed)
        try gzip.run()
        gzip.waitUntilExit()
    }
}
