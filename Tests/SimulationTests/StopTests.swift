import Dataflow
import DataflowTesting
import Foundation
import Synchronization
import Testing

/// How a pipeline ends when it cannot end as it should, and what it says of what it read.
@Suite(.serialized) struct StopTests {
    /// A target whose commits wait until the test lets them go, or until they are cancelled.
    private static func stuck(
        _ database: ModelDatabase, ignoresCancel: Bool, _ mayGoOn: @escaping @Sendable () -> Bool,
        _ isWriting: @escaping @Sendable () -> Void, _ isCancelled: @escaping @Sendable () -> Bool
    ) -> ScriptedTarget {
        ScriptedTarget(ModelTarget(database: database, seed: 1, faultPercent: 0)) { _ in
            isWriting()
            while !mayGoOn() {
                if !ignoresCancel, isCancelled() { throw WaitCancelled() }
                usleep(200)
            }
            return nil
        }
    }

    /// A commit that does not end is given up: what was read is not committed, that is said, and it ends.
    @Test(arguments: [false, true])
    func aCancelledPipelineEndsAndSaysWhatItDidNotCommit(ignoresCancel: Bool) async throws {
        let log = ModelLog(partitions: 1, records: 100, seed: 5)
        let database = ModelDatabase()
        let mayGoOn = Atomic(false)
        let isWriting = Atomic(false)
        let isCancelled = Atomic(false)
        let target = Self.stuck(
            database, ignoresCancel: ignoresCancel, { mayGoOn.load(ordering: .sequentiallyConsistent) },
            { isWriting.store(true, ordering: .sequentiallyConsistent) },
            { isCancelled.load(ordering: .sequentiallyConsistent) })
        let run = SimulatedPipeline(
            sources: [ScriptedSource { intake in try RewindTests.read(log, intake, step: 20) }], target: target,
            workers: 1)
        try await Eventually.wait(for: "a commit") { isWriting.load(ordering: .sequentiallyConsistent) }
        try await Eventually.wait(for: "everything to be read") { run.pipeline.progress().uncommitted == 100 }
        run.pipeline.stop()
        run.pipeline.cancel()
        isCancelled.store(true, ordering: .sequentiallyConsistent)
        let error = await #expect(throws: UncommittedRecords.self) { try await run.end() }
        mayGoOn.store(true, ordering: .sequentiallyConsistent)
        #expect(error?.count == 100)
        #expect(error?.hanging.contains("commit") == ignoresCancel)
    }

    /// A source that waits for messages is woken for a rewind, and for the end; nobody calls what it has taken back.
    @Test func aWaitingSourceIsWoken() async throws {
        let log = ModelLog(partitions: 1, records: 10, seed: 5)
        let key = log.partitions.keys.sorted()[0]
        let isWaiting = Atomic(false)
        let wakes = Atomic(0)
        let (woken, mayDiscard) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let source = ScriptedSource { intake in
            intake.setWaker {
                wakes.add(1, ordering: .sequentiallyConsistent)
                woken.signal()
            }
            _ = try intake.claim([key])
            isWaiting.store(true, ordering: .sequentiallyConsistent)
            while !intake.needsRewind { woken.wait() }
            #expect(try intake.reclaim().count == 1)
            isWaiting.store(true, ordering: .sequentiallyConsistent)
            while !intake.isStopping { woken.wait() }
            intake.setWaker(nil)
        }
        let other = ScriptedSource { intake in
            mayDiscard.wait()
            intake.discard()
        }
        let run = SimulatedPipeline(
            sources: [source, other], target: ModelTarget(database: ModelDatabase(), seed: 1, faultPercent: 0),
            workers: 1)
        try await Eventually.wait(for: "a source that waits") {
            isWaiting.exchange(false, ordering: .sequentiallyConsistent)
        }
        mayDiscard.signal()
        try await Eventually.wait(for: "the rewind") { isWaiting.load(ordering: .sequentiallyConsistent) }
        run.pipeline.stop()
        try await run.end()
        let before = wakes.load(ordering: .sequentiallyConsistent)
        run.pipeline.cancel()
        #expect(wakes.load(ordering: .sequentiallyConsistent) == before)
    }

    /// A source that is asked to drop something while the database hangs is not held when the pipeline gives up.
    @Test func aDiscardDuringACommitThatHangsEndsWithThePipeline() async throws {
        let log = ModelLog(partitions: 1, records: 100, seed: 5)
        let database = ModelDatabase()
        let mayGoOn = Atomic(false)
        let isWriting = Atomic(false)
        let target = Self.stuck(
            database, ignoresCancel: true, { mayGoOn.load(ordering: .sequentiallyConsistent) },
            { isWriting.store(true, ordering: .sequentiallyConsistent) }, { false })
        let hasReturned = Atomic(false)
        let key = log.partitions.keys.sorted()[0]
        let source = ScriptedSource { intake in
            let claimed = try intake.claim([key])
            try intake.begin([(claimed[0].index, 0)])
            guard log.submit(0..<50, of: key, at: claimed[0].index, to: intake) else { return }
            while !isWriting.load(ordering: .sequentiallyConsistent) { usleep(100) }
            intake.discard()
            #expect(!intake.flush(within: .seconds(60)))
            #expect(throws: WaitCancelled.self) { try intake.reclaim() }
            hasReturned.store(true, ordering: .sequentiallyConsistent)
        }
        let run = SimulatedPipeline(sources: [source], target: target, workers: 1)
        try await Eventually.wait(for: "a commit") { isWriting.load(ordering: .sequentiallyConsistent) }
        run.pipeline.cancel()
        let error = await #expect(throws: UncommittedRecords.self) { try await run.end() }
        mayGoOn.store(true, ordering: .sequentiallyConsistent)
        let isReturned = hasReturned.load(ordering: .sequentiallyConsistent)
        #expect(isReturned)
        #expect(error?.count == 50)
    }

    /// The last commit of a run is refused after its source has ended: that is not a success.
    @Test func aLastCommitThatIsRefusedIsSaid() async throws {
        let log = ModelLog(partitions: 1, records: 40, seed: 5)
        let database = ModelDatabase()
        let key = log.partitions.keys.sorted()[0]
        let source = ScriptedSource { intake in
            let claimed = try intake.claim([key])
            try intake.begin([(claimed[0].index, 0)])
            guard log.submit(0..<40, of: key, at: claimed[0].index, to: intake) else { return }
        }
        let target = ScriptedTarget(ModelTarget(database: database, seed: 1, faultPercent: 0)) { _ in
            .refused(reason: "a row was refused")
        }
        let run = SimulatedPipeline(sources: [source], target: target, workers: 2)
        let error = await #expect(throws: UncommittedRecords.self) { try await run.end() }
        #expect(error?.count == 40)
        #expect(database.positions[key] == 0)
    }

    /// How full a process is depends on how many workers may be in a node.
    @Test(arguments: [nil, 1]) func stagesSayHowManyMayBeInThem(concurrency: Int?) async throws {
        let log = ModelLog(partitions: 1, records: 100, seed: 5)
        let database = ModelDatabase()
        let run = SimulatedPipeline(
            sources: [ScriptedSource { intake in try RewindTests.read(log, intake, step: 30) }],
            target: ModelTarget(database: database, seed: 1, faultPercent: 0), concurrency: concurrency, workers: 3)
        try await run.end()
        let progress = run.pipeline.progress()
        let busy = progress.nodes[0].busy
        #expect(busy > .zero)
        #expect(progress.stages == [StageSnapshot(head: "tally0", permits: concurrency ?? 3, busy: busy)])
    }

    /// What waits in the source and what was read and is not in the database, both lag behind.
    @Test func lagCountsWhatIsNotCommitted() async throws {
        let log = ModelLog(partitions: 1, records: 100, seed: 5)
        let database = ModelDatabase()
        let mayGoOn = Atomic(false)
        let target = Self.stuck(
            database, ignoresCancel: true, { mayGoOn.load(ordering: .sequentiallyConsistent) }, {}, { false })
        let run = SimulatedPipeline(
            sources: [ScriptedSource(lag: 7) { intake in try RewindTests.read(log, intake, step: 30) }], target: target,
            workers: 2)
        try await Eventually.wait(for: "everything to be read") { run.pipeline.progress().lag == 107 }
        #expect(run.pipeline.progress().records == 0)
        mayGoOn.store(true, ordering: .sequentiallyConsistent)
        try await run.end()
        #expect(run.pipeline.progress().lag == 7)
        #expect(run.pipeline.progress().records == 100)
        database.expect(log)
    }
}
