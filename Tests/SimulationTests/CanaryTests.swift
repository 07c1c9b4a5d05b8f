import Dataflow
import DataflowTesting
import Platform
import Testing

/// Targets that are wrong on purpose: the checks of the simulation must notice.
@Suite(.serialized) struct CanaryTests {
    /// Runs a log through two instances that take partitions from each other.
    private static func run(flaw: ModelTarget.Flaw, seed: UInt64) async throws -> Bool {
        var random = SeededRandom(seed: seed)
        let log = ModelLog(partitions: 2, records: 600, seed: seed)
        let keys = log.partitions.keys.sorted()
        let database = ModelDatabase()
        let sources = (0..<2).map { ModelSource(log: log, seed: seed &+ UInt64($0)) }
        let runs = sources.enumerated().map { number, source in
            SimulatedPipeline(
                sources: [source],
                target: ModelTarget(database: database, seed: seed, faultPercent: 20, flaw: flaw), workers: 1 + number)
        }
        for turn in 0..<8 {
            // A zombie each time: the new owner is there before the old one knows.
            sources[turn % 2].give(.assign(keys))
            try await Eventually.jitter(upTo: 3, &random)
            if turn > 0 { sources[(turn + 1) % 2].give(.lose(keys)) }
        }
        try await Eventually.wait(for: "the end of the log, seed \(seed)") {
            log.partitions.allSatisfy { database.positions[$0.key] == Int64($0.value.count) }
        }
        for run in runs { try await run.stop() }
        return database.hasTable(of: log)
    }

    @Test(arguments: [ModelTarget.Flaw.commitsTwice, .losesTheTables])
    func aDatabaseThatGetsAnEpochWrongIsNoticed(flaw: ModelTarget.Flaw) async throws {
        let isRight = try await Self.run(flaw: flaw, seed: 1)
        #expect(!isRight)
    }

    @Test func aDatabaseWithoutAFenceIsNoticed() async throws {
        var isNoticed = false
        for seed in 1...20 as ClosedRange<UInt64> where !isNoticed {
            isNoticed = try await !Self.run(flaw: .forgetsTheFence, seed: seed)
        }
        #expect(isNoticed)
    }

    @Test func aRightDatabaseIsNotBlamed() async throws {
        let isRight = try await Self.run(flaw: .none, seed: 1)
        #expect(isRight)
    }
}
