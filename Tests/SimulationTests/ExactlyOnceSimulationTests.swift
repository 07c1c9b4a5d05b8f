import Dataflow
import DataflowTesting
import Foundation
import Logging
import Testing

/// The real engine (threads, stages, epochs) over a model log and a model database, with seeded faults: whatever the
/// interleaving, the table and the ledger must be those of reading every record once.
@Suite struct ExactlyOnceSimulationTests {
    /// One run: some instances of a topology share the partitions of a log.
    private struct Instance {
        let source: ModelSource
        let pipeline: Pipeline
        let ended: Task<Void, any Error>
    }

    private static func start(
        _ log: ModelLog, _ database: ModelDatabase, seed: UInt64, faultPercent: Int, concurrency: Int?
    ) -> Instance {
        let source = ModelSource(log: log, seed: seed)
        let target = ModelTarget(database: database, seed: seed &+ 1, faultPercent: faultPercent)
        let plan = PipelinePlan(
            sources: [PipelinePlan.SourceNode(name: "model", source: source, child: 0, columnTypes: [])],
            nodes: [PipelinePlan.Node(name: "tally", make: TallyOperator(), children: [], concurrency: concurrency)],
            target: target,
            // With one worker there is no thread but the source's to do the work.
            settings: PipelineSettings(workers: 1 + Int(seed % 3), commitInterval: .milliseconds(1), batchBytes: 4_096),
            memory: MemoryAccountant(budget: 256 << 20))
        let pipeline = Pipeline(plan, logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() })
        let ended = Task.detached {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                Thread.detachNewThread { continuation.resume(with: Result { try pipeline.run() }) }
            }
        }
        return Instance(source: source, pipeline: pipeline, ended: ended)
    }

    private static func isDone(_ log: ModelLog, _ database: ModelDatabase) -> Bool {
        let positions = database.positions
        return log.partitions.allSatisfy { positions[$0.key] == Int64($0.value.count) }
    }

    private static func check(_ log: ModelLog, _ database: ModelDatabase, seed: UInt64) {
        #expect(database.table == log.expectedTable, "seed \(seed)")
        let counters = database.counters
        for key in log.partitions.keys {
            #expect(counters[key] == log.expectedCounters(of: key), "seed \(seed), \(key)")
        }
        let dead = database.deadLetters
        #expect(Set(dead).count == dead.count, "seed \(seed): a dead letter was written twice")
        #expect(dead.count == Int(counters.values.reduce(0) { $0 + $1.dead }), "seed \(seed)")
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func oneInstanceWithFaultsReadsEveryRecordOnce(seed: UInt64) async throws {
        let log = ModelLog(partitions: 3, records: 400, seed: seed)
        let database = ModelDatabase()
        let concurrency: Int? = seed % 2 == 0 ? nil : 2
        let instance = Self.start(log, database, seed: seed, faultPercent: 40, concurrency: concurrency)
        instance.source.give(.assign(log.partitions.keys.sorted()))
        try await Eventually.wait(for: "the end of the log") { Self.isDone(log, database) }
        instance.pipeline.stop()
        try await instance.ended.value
        Self.check(log, database, seed: seed)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
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
        for _ in 0..<30 where !Self.isDone(log, database) {
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
        try await Eventually.wait(for: "the end of the log") { Self.isDone(log, database) }
        for instance in instances { instance.pipeline.stop() }
        for instance in instances { try await instance.ended.value }
        Self.check(log, database, seed: seed)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aRestoredDatabaseIsCaughtUpWith(seed: UInt64) async throws {
        let log = ModelLog(partitions: 2, records: 2_000, seed: seed)
        let database = ModelDatabase()
        let instance = Self.start(log, database, seed: seed, faultPercent: 30, concurrency: nil)
        instance.source.give(.assign(log.partitions.keys.sorted()))
        try await Eventually.wait(for: "some progress") { database.positions.values.contains { $0 > 100 } }
        database.backUp()
        try await Eventually.wait(for: "more progress") { database.positions.values.contains { $0 > 400 } }
        database.restore()
        try await Eventually.wait(for: "the end of the log") { Self.isDone(log, database) }
        instance.pipeline.stop()
        try await instance.ended.value
        Self.check(log, database, seed: seed)
    }
}
