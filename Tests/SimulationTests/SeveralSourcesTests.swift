import Dataflow
import DataflowTesting
import Foundation
import Platform
import Synchronization
import Testing

/// Rewinds of a pipeline with several sources, which come one upon the other and while commits are being written.
@Suite(.serialized) struct SeveralSourcesTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func rewindsInARowLeaveEveryRecordReadOnce(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let log = ModelLog(partitions: 6, records: 500, seed: seed)
        let keys = log.partitions.keys.sorted()
        let database = ModelDatabase()
        let sources = (0..<3).map { ModelSource(log: log, seed: seed &* 31 &+ UInt64($0)) }
        let refusals = Mutex(SeededRandom(seed: seed &+ 7))
        let target = ScriptedTarget(ModelTarget(database: database, seed: seed, faultPercent: 30)) { _ in
            refusals.withLock { $0.chance(15) } ? .refused(reason: "a row was refused") : nil
        }
        let run = SimulatedPipeline(sources: sources, target: target, workers: 1 + Int(seed % 3))
        var isHeld = Dictionary(uniqueKeysWithValues: keys.map { ($0, true) })
        let reader = { (key: PartitionKey) in sources[Int(key.partition) % 3] }
        for key in keys { reader(key).give(.assign([key])) }
        for _ in 0..<60 {
            guard let key = keys.randomElement(using: &random), let held = isHeld[key] else { continue }
            reader(key).give(held ? (random.chance(50) ? .lose([key]) : .revoke([key])) : .assign([key]))
            isHeld[key] = !held
            if random.chance(40) { try await Eventually.jitter(upTo: 2, &random) }
        }
        for key in keys where isHeld[key] == false { reader(key).give(.assign([key])) }
        try await Eventually.wait(for: "the end of the log, seed \(seed)") { database.holds(log) }
        try await run.stop()
        database.expect(log, seed: seed)
        #expect(run.memory.held(by: .rows) == 0, "seed \(seed)")
        #expect(database.turns > 0, "seed \(seed): nobody waited for a turn")
        let progress = run.pipeline.progress()
        let read = database.counters.values.reduce(0) { $0 + $1.read }
        #expect(progress.records == read && progress.uncommitted == 0, "seed \(seed): progress is not the ledger's")
        #expect(progress.deadLetters == Int64(database.deadLetters.count), "seed \(seed)")
    }

    /// One source drops everything while the database is at work on an epoch of another's.
    @Test(arguments: [false, true])
    func aDiscardDuringACommitWaitsForItsOutcome(isCommitted: Bool) async throws {
        let log = ModelLog(partitions: 2, records: 100, seed: 9)
        let keys = log.partitions.keys.sorted()
        let halves = keys.map { log.only($0) }
        let database = ModelDatabase()
        let isWriting = Atomic(false)
        let hasAsked = Atomic(false)
        let first = ScriptedSource { intake in
            try RewindTests.read(halves[0], intake, step: 100)
        }
        let second = ScriptedSource { intake in
            while !isWriting.load(ordering: .sequentiallyConsistent) { usleep(100) }
            hasAsked.store(true, ordering: .sequentiallyConsistent)
            intake.discard()
            #expect(intake.needsRewind)
            #expect(!intake.flush(within: .seconds(60)), "nothing is flushed while a rewind is due")
            // A refused epoch may have been read and committed again by now.
            #expect(!isCommitted || database.positions[keys[0]] == 100)
            try RewindTests.read(halves[1], intake)
        }
        let target = ScriptedTarget(ModelTarget(database: database, seed: 1, faultPercent: 0)) { number in
            guard number == 1 else { return nil }
            isWriting.store(true, ordering: .sequentiallyConsistent)
            while !hasAsked.load(ordering: .sequentiallyConsistent) { usleep(100) }
            // Long enough for the discard to be asked for, whichever comes first.
            usleep(2_000)
            return isCommitted ? nil : .fenced(reason: "taken over")
        }
        let run = SimulatedPipeline(sources: [first, second], target: target, workers: 2)
        try await run.end()
        database.expect(log)
    }

    @Test func aPartitionIsReadByOneSource() async throws {
        let log = ModelLog(partitions: 1, records: 10, seed: 3)
        let keys = log.partitions.keys.sorted()
        let hasClaimed = Atomic(false)
        let first = ScriptedSource { intake in
            _ = try intake.claim(keys)
            hasClaimed.store(true, ordering: .sequentiallyConsistent)
        }
        let second = ScriptedSource { intake in
            while !hasClaimed.load(ordering: .sequentiallyConsistent) { usleep(100) }
            _ = try intake.claim(keys)
        }
        let run = SimulatedPipeline(
            sources: [first, second],
            target: ModelTarget(database: ModelDatabase(), seed: 1, faultPercent: 0), workers: 2)
        let error = await #expect(throws: (any Error).self) { try await run.end() }
        #expect(
            error.map { String(describing: $0) }?.hasPrefix("model[0] is read by the sources model0 and model1") == true
        )
    }
}
