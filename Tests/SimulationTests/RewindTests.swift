import Dataflow
import DataflowTesting
import Foundation
import Synchronization
import Testing

/// Faults at moments that matter, each brought about on purpose.
@Suite(.serialized) struct RewindTests {
    /// A tally whose `discard` takes as long as a test wants, as freeing large tables does.
    private struct SlowDiscard: Operator {
        let isDiscarding: @Sendable () -> Void

        func makeWorker(in slot: StageSlot) -> any OperatorWorker { Worker(isDiscarding) }

        final class Worker: AggregateWorker {
            private let inner = TallyOperator.makeTally()
            private let isDiscarding: @Sendable () -> Void

            init(_ isDiscarding: @escaping @Sendable () -> Void) { self.isDiscarding = isDiscarding }

            func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
                inner.process(batch, rows, output)
            }
            func takeDelta(epoch: UInt64) -> (any Delta)? { inner.takeDelta(epoch: epoch) }
            func discard() {
                inner.discard()
                isDiscarding()
            }
        }
    }

    /// Reads the partitions of a log to their ends, `step` records a batch, as often as it is told to rewind; then
    /// flushes. What a well-behaved source does.
    static func read(
        _ log: ModelLog, _ intake: Intake, step: Int = 20, between: (Int) -> Void = { _ in }
    ) throws {
        let keys = log.partitions.keys.sorted()
        var claimed = try intake.claim(keys)
        try intake.begin(claimed.filter { $0.partition.nextOffset == nil }.map { ($0.index, 0) })
        var batches = 0
        while !intake.isStopping {
            var places = claimed.map {
                (index: $0.index, key: $0.partition.key, next: Int($0.partition.nextOffset ?? 0))
            }
            while !intake.needsRewind, !intake.isStopping {
                guard let batch = intake.makeBatch(timeout: .milliseconds(2)) else { continue }
                for place in places.indices {
                    let (index, key, next) = places[place]
                    let end = min(next + step, log.partitions[key, default: []].count)
                    guard end > next else { continue }
                    log.append(next..<end, of: key, at: index, to: batch)
                    places[place].next = end
                }
                guard !batch.runs.isEmpty else {
                    intake.recycle(batch)
                    break
                }
                intake.submit(batch)
                batches += 1
                between(batches)
            }
            if !intake.needsRewind, intake.flush(within: .seconds(60)) { return }
            if intake.needsRewind { claimed = try intake.reclaim().owned }
        }
    }

    /// What a source does that must take a message to stay in its group, although everything is just being dropped.
    @Test(arguments: [false, true])
    func aBatchTakenDuringADiscardIsCountedOnce(isHandedOverAfterwards: Bool) async throws {
        let log = ModelLog(partitions: 2, records: 60, seed: 7)
        let database = ModelDatabase()
        let isDiscarding = Atomic(false)
        let mayGoOn = Atomic(false)
        let keys = log.partitions.keys.sorted()
        let source = ScriptedSource { intake in
            let claimed = try intake.claim(keys)
            try intake.begin(claimed.map { ($0.index, 0) })
            guard log.submit(0..<10, of: keys[0], at: claimed[0].index, to: intake) else { return }
            while !isDiscarding.load(ordering: .sequentiallyConsistent) { usleep(100) }
            let extra = intake.makeBatchBeyondBounds()
            if isHandedOverAfterwards {
                // The poll takes long enough for the discard to be over.
                mayGoOn.store(true, ordering: .sequentiallyConsistent)
                while !intake.needsRewind { usleep(100) }
                log.append(0..<1, of: keys[1], at: claimed[1].index, to: extra)
                intake.submit(extra)
            } else {
                log.append(10..<11, of: keys[0], at: claimed[0].index, to: extra)
                intake.submit(extra)
                mayGoOn.store(true, ordering: .sequentiallyConsistent)
            }
            while !intake.needsRewind { usleep(100) }
            try Self.read(log, intake)
        }
        let target = ScriptedTarget(ModelTarget(database: database, seed: 1, faultPercent: 0)) { number in
            number == 1 ? .refused(reason: "a row was refused") : nil
        }
        let node = SlowDiscard {
            isDiscarding.store(true, ordering: .sequentiallyConsistent)
            while !mayGoOn.load(ordering: .sequentiallyConsistent) { usleep(100) }
        }
        let run = SimulatedPipeline(sources: [source], target: target, node: node, workers: 1)
        try await run.end()
        database.expect(log)
    }

    /// The source has handed over everything and the refusal of the last epoch is over before it flushes.
    @Test func aFlushIsNoSuccessWhileARewindIsDue() async throws {
        let log = ModelLog(partitions: 1, records: 40, seed: 9)
        let database = ModelDatabase()
        let key = log.partitions.keys.sorted()[0]
        let source = ScriptedSource { intake in
            let claimed = try intake.claim([key])
            try intake.begin([(claimed[0].index, 0)])
            guard log.submit(0..<40, of: key, at: claimed[0].index, to: intake) else { return }
            while !intake.needsRewind { usleep(100) }
            #expect(!intake.flush(within: .seconds(60)))
            try Self.read(log, intake)
        }
        let target = ScriptedTarget(ModelTarget(database: database, seed: 1, faultPercent: 0)) { number in
            number == 1 ? .refused(reason: "a row was refused") : nil
        }
        try await SimulatedPipeline(sources: [source], target: target, workers: 1).end()
        database.expect(log)
    }

    /// The last commit of a log is refused just before its source flushes, while it does, or just after.
    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func aRewindThatMeetsTheEndOfTheLogIsCarriedOut(seed: UInt64) async throws {
        let log = ModelLog(partitions: 2, records: 40, seed: seed)
        let database = ModelDatabase()
        let source = ScriptedSource { intake in
            try Self.read(log, intake, step: 10) { batches in
                // Epochs last a millisecond: the refusal of one meets any of the moments that follow.
                if batches % 4 == 0 { usleep(UInt32(seed) * 100) }
            }
        }
        let target = ScriptedTarget(ModelTarget(database: database, seed: seed, faultPercent: 0)) { number in
            number <= 3 ? .refused(reason: "a row was refused") : nil
        }
        let run = SimulatedPipeline(sources: [source], target: target, workers: 1 + Int(seed % 3))
        try await run.end()
        database.expect(log, seed: seed)
    }

    /// A source whose partition is not set back by a rewind goes on where it was: what lies between would be lost.
    @Test func recordsThatAreLeftOutAreNoticedAndReadAgain() async throws {
        let log = ModelLog(partitions: 1, records: 100, seed: 3)
        let database = ModelDatabase()
        let key = log.partitions.keys.sorted()[0]
        let source = ScriptedSource { intake in
            let claimed = try intake.claim([key])
            try intake.begin([(claimed[0].index, 0)])
            guard log.submit(0..<10, of: key, at: claimed[0].index, to: intake) else { return }
            guard log.submit(50..<60, of: key, at: claimed[0].index, to: intake) else { return }
            while !intake.needsRewind { usleep(100) }
            try Self.read(log, intake)
        }
        let run = SimulatedPipeline(
            sources: [source], target: ModelTarget(database: database, seed: 1, faultPercent: 0), workers: 2)
        try await run.end()
        database.expect(log)
    }

    @Test func aSourceThatAlwaysLeavesRecordsOutStopsThePipeline() async throws {
        let log = ModelLog(partitions: 1, records: 100, seed: 3)
        let database = ModelDatabase()
        let key = log.partitions.keys.sorted()[0]
        let source = ScriptedSource { intake in
            var index = try intake.claim([key])[0].index
            try intake.begin([(index, 0)])
            while !intake.isStopping {
                if intake.needsRewind { index = try intake.reclaim().owned[0].index }
                guard let batch = intake.makeBatch(timeout: .milliseconds(2)) else { continue }
                log.append(50..<60, of: key, at: index, to: batch)
                intake.submit(batch)
            }
        }
        let run = SimulatedPipeline(
            sources: [source], target: ModelTarget(database: database, seed: 1, faultPercent: 0), workers: 1)
        let error = await #expect(throws: (any Error).self) { try await run.end() }
        #expect(
            error.map { String(describing: $0) }?.hasPrefix(
                "model[0]: records from offset 50 to 60 came where those from offset 0 were expected") == true)
        #expect(database.table == [:])
    }

    /// A restore to before the last claim lowers the owner epoch. Nobody has taken anything over, so it is claimed again.
    @Test func aPartitionOfARestoredDatabaseIsReadOn() async throws {
        let log = ModelLog(partitions: 1, records: 100, seed: 5)
        let database = ModelDatabase()
        let key = log.partitions.keys.sorted()[0]
        let source = ScriptedSource { intake in
            var claimed = try intake.claim([key])
            try intake.begin([(claimed[0].index, 0)])
            database.backUp()
            claimed = try intake.claim([key])
            guard log.submit(0..<10, of: key, at: claimed[0].index, to: intake) else { return }
            #expect(intake.flush(within: .seconds(60)))
            database.restore()
            guard log.submit(10..<20, of: key, at: claimed[0].index, to: intake) else { return }
            while !intake.needsRewind { usleep(100) }
            let reclaimed = try intake.reclaim()
            #expect(reclaimed.owned.map(\.partition.nextOffset) == [0])
            #expect(reclaimed.lost == [])
            try Self.read(log, intake)
        }
        let run = SimulatedPipeline(
            sources: [source], target: ModelTarget(database: database, seed: 1, faultPercent: 0), workers: 1)
        try await run.end()
        database.expect(log)
    }
}
