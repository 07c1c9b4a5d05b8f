import Dataflow
import DataflowTesting
import Foundation
import Platform
import Synchronization
import Testing

/// Partitions whose rows in the database are not what their reader left: taken over by another instance, or restored.
@Suite(.serialized) struct TakeoverTests {
    private static let context = CommitContext(isCancelled: { false }, reportTrouble: { _ in }, wait: { _ in })

    /// Another group's process claims partitions, reads nothing, and is never heard of again.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func whatWasTakenOverByOneThatEndsIsReadOn(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let log = ModelLog(partitions: 3, records: 1_500, seed: seed)
        let keys = log.partitions.keys.sorted()
        let database = ModelDatabase()
        let source = ModelSource(log: log, seed: seed)
        let run = SimulatedPipeline(
            sources: [source],
            target: ModelTarget(database: database, seed: seed, faultPercent: 20, owner: "first"),
            workers: 1 + Int(seed % 3))
        source.give(.assign(keys))
        let other = ModelTarget(database: database, seed: seed, faultPercent: 0, owner: "second")
        for _ in 0..<3 {
            let goal = Int64.random(in: 1...400, using: &random)
            let before = database.positions.values.reduce(0, +)
            try await Eventually.wait(for: "progress, seed \(seed)") {
                database.positions.values.reduce(0, +) >= min(before + goal, 4_500)
            }
            _ = try other.claim(keys.filter { _ in random.chance(60) }, origin: nil, Self.context)
        }
        try await Eventually.wait(for: "the end of the log, seed \(seed)") { database.holds(log) }
        try await run.stop()
        database.expect(log, seed: seed)
    }

    /// As long as nobody reads it here, that is said.
    @Test func aTakeoverIsATroubleUntilThePartitionIsClaimedAgain() async throws {
        let log = ModelLog(partitions: 2, records: 100, seed: 5)
        let keys = log.partitions.keys.sorted()
        let database = ModelDatabase()
        let isNamed = Atomic(false)
        let mayClaim = Atomic(false)
        let other = ModelTarget(database: database, seed: 2, faultPercent: 0, owner: "second")
        let source = ScriptedSource { intake in
            let claimed = try intake.claim(keys)
            try intake.begin(claimed.map { ($0.index, 0) })
            _ = try other.claim([keys[0]], origin: nil, Self.context)
            guard let batch = intake.makeBatch(timeout: .seconds(60)) else { return }
            for (index, partition) in claimed { log.append(0..<10, of: partition.key, at: index, to: batch) }
            intake.submit(batch)
            while !intake.needsRewind { usleep(100) }
            let reclaimed = try intake.reclaim()
            #expect(reclaimed.map(\.partition.key) == [keys[1]])
            #expect(reclaimed.lost == [LostPartition(key: keys[0], owner: "second")])
            var claimable: [PartitionKey] = []
            while claimable.isEmpty {
                claimable = intake.takeClaimable()
                usleep(100)
            }
            #expect(claimable == [keys[0]])
            #expect(intake.takeClaimable() == [], "it is named once")
            isNamed.store(true, ordering: .sequentiallyConsistent)
            while !mayClaim.load(ordering: .sequentiallyConsistent) { usleep(100) }
            try RewindTests.read(log, intake)
        }
        let run = SimulatedPipeline(
            sources: [source], target: ModelTarget(database: database, seed: 5, faultPercent: 0, owner: "first"),
            workers: 1)
        try await Eventually.wait(for: "the end of patience") { isNamed.load(ordering: .sequentiallyConsistent) }
        #expect(run.pipeline.progress().troubles == ["model[0] was taken over by second"])
        mayClaim.store(true, ordering: .sequentiallyConsistent)
        try await run.end()
        #expect(run.pipeline.progress().troubles == [])
        database.expect(log)
    }

    /// Two instances that are both told that everything is theirs: one reads, the other waits.
    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func twoThatAreAliveDoNotTakePartitionsFromEachOther(seed: UInt64) async throws {
        let log = ModelLog(partitions: 2, records: 1_000, seed: seed)
        let keys = log.partitions.keys.sorted()
        let database = ModelDatabase()
        let sources = (0..<2).map { ModelSource(log: log, seed: seed &+ UInt64($0)) }
        let runs = sources.enumerated().map { number, source in
            SimulatedPipeline(
                sources: [source],
                target: ModelTarget(
                    database: database, seed: seed &+ UInt64(number), faultPercent: 10, owner: "instance \(number)"),
                workers: 1, takeoverPatience: .seconds(3_600))
        }
        for source in sources { source.give(.assign(keys)) }
        try await Eventually.wait(for: "the end of the log, seed \(seed)") { database.holds(log) }
        #expect(database.claims == 2 * keys.count, "seed \(seed): each claims once, as it was told")
        for run in runs { try await run.stop() }
        database.expect(log, seed: seed)
    }

    /// The database goes back to any moment before: to when the partitions had other owners, or had never been claimed.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func aDatabaseRestoredToBeforeAClaimIsCaughtUpWith(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let log = ModelLog(partitions: 2, records: 1_500, seed: seed)
        let keys = log.partitions.keys.sorted()
        let database = ModelDatabase()
        if seed % 3 == 0 { database.backUp() }
        let sources = (0..<2).map { ModelSource(log: log, seed: seed &+ UInt64($0)) }
        let runs = sources.enumerated().map { number, source in
            SimulatedPipeline(
                sources: [source],
                target: ModelTarget(
                    database: database, seed: seed &+ UInt64(number), faultPercent: 20, owner: "instance \(number)"),
                workers: 1 + number)
        }
        var reader = Int.random(in: 0..<2, using: &random)
        sources[reader].give(.assign(keys))
        try await Eventually.wait(for: "progress, seed \(seed)") { database.positions.values.contains { $0 > 50 } }
        if seed % 3 == 1 { database.backUp() }
        if random.chance(60) {
            // The claim that the restore undoes is the other instance's.
            sources[1 - reader].give(.assign(keys))
            sources[reader].give(.lose(keys))
            reader = 1 - reader
        } else {
            sources[reader].give(.assign(keys))
        }
        let goal = Int64.random(in: 100...1_500, using: &random)
        try await Eventually.wait(for: "more progress, seed \(seed)") {
            database.positions.values.contains { $0 >= goal }
        }
        if seed % 3 == 2 { database.backUp() }
        try await Eventually.jitter(upTo: 5, &random)
        database.restore()
        // An idle connection is looked at every few seconds; records to commit make it notice at once.
        try await Eventually.wait(for: "the end of the log, seed \(seed)") { database.holds(log) }
        for run in runs { try await run.stop() }
        database.expect(log, seed: seed)
    }
}
