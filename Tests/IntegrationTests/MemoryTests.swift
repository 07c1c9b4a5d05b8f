import Foundation
import Testing

/// However little memory there is, the tables are the same.
@Suite struct MemoryTests {
    private static let short = "Memory is short"
    private static let stopped = "Reading stopped"
    private static let resumed = "Reading is no longer paused"

    /// Epochs end when memory asks for it, or at the end: what differs between the runs is memory alone.
    @Test func filesMakeTheSameTablesInSixtyFourMebibytes() async throws {
        try await onOwnThread {
            let log = try EventLog(Self.manyKeys)
            let large = try Self.read(log, memory: "1GiB")
            let small = try Self.read(log, memory: "64MiB")
            #expect(large.epochs == 1)
            #expect(small.epochs >= 3, "there was no pressure: \(small.words)")
            #expect(large.outcome.problems == [] && small.outcome.problems == [])
            #expect(small.outcome.dump.differences(from: large.outcome.dump) == [])
            #expect(large.outcome.dump.rowCount("items") > 30_000)
            #expect(Self.count(Self.short, small.words) == 1, "\(small.words)")
            // Once each time that it has been over for a while, which depends on the machine.
            #expect(
                Self.count(Self.stopped, small.words) <= Self.count(Self.resumed, small.words) + 1, "\(small.words)")
            #expect(Self.count(Self.short, large.words) == 0, "\(large.words)")
        }
    }

    @Test func kafkaMakesTheSameTablesInSixtyFourMebibytes() async throws {
        try await onOwnThread {
            let log = try IdentityLog(events: 40_000, seed: 11)
            try log.fill()
            let large = try log.run("memory_large") { $0.settings["memory"] = "1GiB" }
            let database = try TestDatabase("memory_small")
            var topology = log.topology("memory_small")
            // Longer than it takes to read everything: epochs end for want of memory.
            topology.settings = ["memory": "64MiB", "commit_interval": "5s"]
            let process = try log.start(topology, database)
            try database.waitUntilRead(log.count, by: [process])
            try stopInOrder([process])
            let small = try IdentityOutcome(database, messages: log.count)
            #expect(small.problems == [])
            #expect(small.dump.differences(from: large.dump) == [])
            #expect(Self.count(Self.short, process.errors) == 1, "\(process.lastWords)")
        }
    }

    @Test func aConsolesTotalsDoNotEndEpochs() async throws {
        try await onOwnThread {
            let log = try EventLog(["--events", "300000", "--seed", "9", "--users", "150000", "--items", "220000"])
            let topology = """
                topology: totals
                memory: 64MiB
                commit_interval: 1h
                nodes:
                  events: { file: { paths: ["\(log.file.path)"] } }
                  records: { from: events, parse_json: { fields: { item: text, user: text, duration_ms: integer } } }
                  items:
                    from: records
                    summarize:
                      by: [item, user]
                      metrics: { events: count(), users: uniques(user), duration: "percentiles(duration_ms, 50)" }
                  out: { from: items, console: { max_rows: 1 } }

                """
            let process = try MillraceProcess(topology: topology)
            #expect(try process.wait(within: .seconds(120)) == .code(0), "\(process.lastWords)")
            let epochs = try Self.epochs(process.errors)
            // 64 MiB leave 4 for an epoch whatever the totals take; a batch has a quarter of that.
            #expect((2...40).contains(epochs), "\(process.lastWords)")
        }
    }

    private static let manyKeys = [
        "--events", "120000", "--seed", "9", "--bad", "0.01", "--users", "120000", "--items", "180000",
    ]

    private static func read(
        _ log: EventLog, memory: String
    ) throws -> (outcome: IdentityOutcome, epochs: Int, words: String) {
        let database = try TestDatabase("memory_\(memory.lowercased())")
        let topology = IdentityTopology(
            source: .file(log.file.path), settings: ["memory": memory, "commit_interval": "1h", "workers": "2"])
        let process = try MillraceProcess(topology: topology.text, environment: ["DATABASE_URL": database.url])
        let exit = try process.wait(within: .seconds(120))
        guard exit == .code(0) else { throw MillraceProcess.Failure(description: "\(exit): \(process.lastWords)") }
        let outcome = try IdentityOutcome(database, messages: nil, records: log.events.count)
        return (outcome, try epochs(process.errors), process.errors)
    }

    private static func epochs(_ words: String) throws -> Int {
        guard let found = words.firstMatch(of: /Topology ended .*epochs=(\d+)/), let epochs = Int(found.1) else {
            throw MillraceProcess.Failure(description: "no number of epochs in: \(words)")
        }
        return epochs
    }

    private static func count(_ sentence: String, _ words: String) -> Int {
        words.split(separator: "\n").count { $0.contains(sentence) }
    }
}
