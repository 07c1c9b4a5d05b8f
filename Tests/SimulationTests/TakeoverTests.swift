import Dataflow
import DataflowTesting
import Foundation
import Synchronization
import Testing

/// Partitions whose rows in the database are not what their reader left: taken over by another instance, or restored.
@Suite(.serialized) struct TakeoverTests {
    private static let context = CommitContext(isCancelled: { false }, reportTrouble: { _ in }, wait: { _ in })

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
}
