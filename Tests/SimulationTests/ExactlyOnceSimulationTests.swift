import Dataflow
import DataflowTesting
import Platform
import Testing

/// The engine on threads that really run at the same time, as those of `SteppingTests` do not, over a model log and a model
/// database with seeded faults: the table and the ledger must be those of reading every record once.
@Suite(.serialized) struct ExactlyOnceSimulationTests {
    /// One run: some instances of a topology share the partitions of a log.
    private struct Instance {
        let source: ModelSource
        let run: SimulatedPipeline
    }

    private static func start(
        _ log: ModelLog, _ database: ModelDatabase, seed: UInt64, faultPercent: Int, concurrency: Int?
    ) -> Instance {
        let source = ModelSource(log: log, seed: seed)
        let target = ModelTarget(database: database, seed: seed &+ 1, faultPercent: faultPercent)
        // With one worker there is no thread but the source's to do the work.
        let run = SimulatedPipeline(
            sources: [source], target: target, concurrency: concurrency, workers: 1 + Int(seed % 3))
        return Instance(source: source, run: run)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func oneInstanceWithFaultsReadsEveryRecordOnce(seed: UInt64) async throws {
        let log = ModelLog(partitions: 3, records: 400, seed: seed)
        let database = ModelDatabase()
        let concurrency: Int? = seed % 2 == 0 ? nil : 2
        let instance = Self.start(log, database, seed: seed, faultPercent: 40, concurrency: concurrency)
        instance.source.give(.assign(log.partitions.keys.sorted()))
        try await Eventually.wait(for: "the end of the log", progress: { database.progress }) { database.holds(log) }
        try await instance.run.stop()
        database.expect(log, seed: seed)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func partitionsThatMoveBetweenInstancesAreReadOnce(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let log = ModelLog(partitions: 4, records: 600, seed: seed)
        let keys = log.partitions.keys.sorted()
        let database = ModelDatabase()
        let instances = (0..<3).map {
            Self.start(log, database, seed: seed &* 31 &+ UInt64($0), faultPercent: 20, concurrency: nil)
        }
        var owner = Dictionary(uniqueKeysWithValues: keys.map { ($0, Int.random(in: 0..<3, using: &random)) })
        for (key, number) in owner { instances[number].source.give(.assign([key])) }
        for _ in 0..<30 where !database.holds(log) {
            guard let key = keys.randomElement(using: &random), let old = owner[key] else { continue }
            let new = (old + Int.random(in: 1...2, using: &random)) % 3
            let before = instances[old].source.handledOrders
            if random.chance(50) {
                // In good order: the new owner comes after the old one has given the partition back.
                instances[old].source.give(.revoke([key]))
                try await Eventually.wait(for: "a revoke") { instances[old].source.handledOrders > before }
                instances[new].source.give(.assign([key]))
            } else {
                // A zombie: the new owner is there before the old one knows.
                instances[new].source.give(.assign([key]))
                try await Eventually.jitter(upTo: 3, &random)
                instances[old].source.give(.lose([key]))
            }
            owner[key] = new
            try await Eventually.jitter(upTo: 2, &random)
        }
        try await Eventually.wait(for: "the end of the log", progress: { database.progress }) { database.holds(log) }
        for instance in instances { try await instance.run.stop() }
        database.expect(log, seed: seed)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func aRestoredDatabaseIsCaughtUpWith(seed: UInt64) async throws {
        let log = ModelLog(partitions: 2, records: 2_000, seed: seed)
        let database = ModelDatabase()
        let instance = Self.start(log, database, seed: seed, faultPercent: 30, concurrency: nil)
        instance.source.give(.assign(log.partitions.keys.sorted()))
        try await Eventually.wait(for: "some progress", progress: { database.progress }) {
            database.positions.values.contains { $0 > 100 }
        }
        database.backUp()
        try await Eventually.wait(for: "more progress", progress: { database.progress }) {
            database.positions.values.contains { $0 > 400 }
        }
        database.restore()
        try await Eventually.wait(for: "the end of the log", progress: { database.progress }) { database.holds(log) }
        try await instance.run.stop()
        database.expect(log, seed: seed)
    }
}
