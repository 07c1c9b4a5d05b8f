import Dataflow
import DataflowTesting
import Platform
import Testing

/// Whatever becomes of an epoch, its memory comes back, and every partition has a reader in the end.
@Suite(.serialized) struct AccountTests {
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func claimsInAnyOrderLeaveAReaderAndNoMemory(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let log = ModelLog(partitions: 4, records: 1_500, seed: seed)
        let keys = log.partitions.keys.sorted()
        let database = ModelDatabase()
        let sources = (0..<3).map { ModelSource(log: log, seed: seed &* 31 &+ UInt64($0)) }
        let runs = sources.enumerated().map { number, source in
            SimulatedPipeline(
                sources: [source],
                target: ModelTarget(database: database, seed: seed &+ UInt64(number), faultPercent: 30),
                workers: 1 + number)
        }
        var owner = Dictionary(uniqueKeysWithValues: keys.map { ($0, Int.random(in: 0..<3, using: &random)) })
        // Nobody waits for the first claims: they may come after those of the next owners.
        for (key, number) in owner { sources[number].give(.assign([key])) }
        for _ in 0..<40 {
            guard let key = keys.randomElement(using: &random), let old = owner[key] else { continue }
            let new = (old + 1) % 3
            let before = sources[new].handledOrders
            sources[new].give(.assign([key]))
            try await Eventually.wait(for: "assign") { sources[new].handledOrders > before }
            try await Eventually.jitter(upTo: 2, &random)
            let lost = sources[old].handledOrders
            sources[old].give(.lose([key]))
            try await Eventually.wait(for: "lose") { sources[old].handledOrders > lost }
            owner[key] = new
        }
        try await Eventually.wait(for: "the end of the log, seed \(seed)") { database.holds(log) }
        for run in runs { try await run.stop() }
        for run in runs {
            #expect(run.memory.held(by: .rows) == 0, "seed \(seed)")
            #expect(run.memory.held(by: .groups) == 0, "seed \(seed)")
        }
        database.expect(log, seed: seed)
    }
}
