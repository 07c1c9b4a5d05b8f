import Dataflow
import DataflowTesting
import Foundation
import Synchronization
import Testing

/// Rewinds of a pipeline with several sources, which come one upon the other and while commits are being written.
@Suite(.serialized) struct SeveralSourcesTests {
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
