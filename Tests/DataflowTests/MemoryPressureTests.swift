import Testing

@testable import Dataflow

@Suite struct MemoryPressureTests {
    private static let share = 40 << 20

    /// An account in which an epoch's share is 40 MiB.
    private static func account(groups: Double = 0, rows: Double = 0) -> MemoryAccount {
        var account = MemoryAccount(budget: 256 << 20)
        account[.program] = 32 << 20
        account[.queues] = 96 << 20
        account[.batches] = 8 << 20
        account[.groups] = Int(groups * Double(share))
        account[.rows] = Int(rows * Double(share))
        return account
    }

    @Test func anEpochsShareIsAThirdOfWhatTheFixedPartsLeave() {
        #expect(Self.account().epochShare == Self.share)
        #expect(Self.account(groups: 5, rows: 5).epochShare == Self.share, "what comes and goes does not move it")
    }

    @Test func totalsLeaveAnEpochAnEighth() {
        var account = Self.account()
        account[.totals] = 60 << 20
        #expect(account.epochShare == 20 << 20)
        account[.totals] = 1 << 30
        #expect(account.epochShare == 15 << 20)
        #expect(MemoryPressure.of(account, sealed: nil) == .none, "what cannot be given back is no pressure")
    }

    @Test(arguments: [(0.0, 0.0), (0.99, 0.0), (0.5, 0.4)])
    func belowTheShareAllIsWell(groups: Double, rows: Double) {
        #expect(MemoryPressure.of(Self.account(groups: groups, rows: rows), sealed: nil) == .none)
    }

    @Test(arguments: [(1.0, 0.0), (0.5, 0.6), (9.0, 9.0)])
    func withNothingBeingWrittenAnEpochClosesAndReadingNeverStops(groups: Double, rows: Double) {
        #expect(MemoryPressure.of(Self.account(groups: groups, rows: rows), sealed: nil) == .closeEarly)
    }

    /// Groups of both epochs, rows, groups of the sealed one; in shares.
    @Test(
        arguments: [
            (0.4, 0.3, 0.3, MemoryPressure.none), (1.2, 0.5, 1.0, .closeEarly), (1.5, 0.5, 1.0, .shrinkBatches),
            (0.9, 0.0, 0.2, .shrinkBatches), (1.1, 1.4, 1.0, .shrinkBatches), (2.0, 0.0, 1.0, .stopReading),
            (1.1, 0.0, 0.1, .stopReading), (1.0, 2.0, 1.0, .stopReading),
        ])
    func theOrderIsCloseShrinkStop(groups: Double, rows: Double, sealed: Double, expected: MemoryPressure) {
        let account = Self.account(groups: groups, rows: rows)
        #expect(MemoryPressure.of(account, sealed: Int(sealed * Double(Self.share))) == expected)
    }

    @Test func pressureNeverFallsAsGroupsGrow() {
        for sealed in [nil, 0, Self.share / 2, Self.share] {
            let levels = stride(from: Double(sealed ?? 0) / Double(Self.share), to: 4, by: 0.01).map {
                MemoryPressure.of(Self.account(groups: $0), sealed: sealed)
            }
            #expect(levels == levels.sorted())
            #expect(levels.last == (sealed == nil ? .closeEarly : .stopReading))
        }
    }

    @Test func batchesShrinkToAQuarterAndNoFurtherThanTheLeast() {
        #expect(MemoryPressure.closeEarly.batchBytes(of: 1 << 20) == 1 << 20)
        #expect(MemoryPressure.shrinkBatches.batchBytes(of: 1 << 20) == 1 << 18)
        #expect(MemoryPressure.stopReading.batchBytes(of: 64 << 10) == Limits.batchBytesMin)
        #expect(MemoryPressure.shrinkBatches.batchBytes(of: 4_096) == 4_096, "what the user asked for is never raised")
    }

    @Test func aSmallerBatchGivesItsBuffersBack() {
        let batch = Batch(payloadBytes: 1 << 20, layout: BatchLayout([.text, .integer]))
        batch.beginRows(10_000)
        batch.reset()
        let before = batch.memoryBytes
        batch.resize(payloadBytes: 1 << 18)
        #expect(batch.memoryBytes < before / 3)
        #expect(batch.columns.isEmpty)
        batch.resize(payloadBytes: 1 << 20)
        #expect(batch.room >= 1 << 20)
        batch.beginRows(100)
        #expect(batch.columns.count == 2)
    }

    @Test func anonymousPagesAreThoseBehindWhichNoFileStands() {
        #expect(ProcessMemory.anonymousPages(Array("5120 2048 900 1 0 33 0\n".utf8)) == 1148)
        #expect(ProcessMemory.anonymousPages(Array("5120 2048\n".utf8)) == nil)
        #expect((ProcessMemory.anonymousBytes ?? 0) > 1 << 20)
    }
}

@Suite struct PressureWatchTests {
    private let start = ContinuousClock.now

    @Test func anEpisodeIsToldOnceAndEndsAfterTenSeconds() {
        var watch = PressureWatch()
        #expect(watch.look(.none, at: start) == [])
        #expect(watch.nextMoment == nil)
        #expect(watch.look(.closeEarly, at: start) == [.pressureBegan])
        for second in 1...30 {
            // It comes and goes.
            let level: MemoryPressure = second % 5 == 0 ? .shrinkBatches : .none
            #expect(watch.look(level, at: start + .seconds(second)) == [])
        }
        #expect(watch.look(.none, at: start + .seconds(31)) == [])
        #expect(watch.nextMoment == start + .seconds(41))
        #expect(watch.look(.none, at: start + .seconds(40)) == [])
        #expect(watch.look(.none, at: start + .seconds(41)) == [.pressureEnded])
        #expect(watch.nextMoment == nil)
        #expect(watch.look(.closeEarly, at: start + .seconds(42)) == [.pressureBegan], "another episode")
    }

    @Test func readingThatStopsIsAnEpisodeOfItsOwn() {
        var watch = PressureWatch()
        #expect(watch.look(.stopReading, at: start) == [.pressureBegan, .readingStopped])
        #expect(watch.look(.closeEarly, at: start + .seconds(1)) == [])
        #expect(watch.look(.stopReading, at: start + .seconds(2)) == [])
        #expect(watch.look(.closeEarly, at: start + .seconds(3)) == [])
        #expect(watch.look(.closeEarly, at: start + .seconds(13)) == [.readingGoesOn])
        #expect(watch.look(.none, at: start + .seconds(14)) == [])
        #expect(watch.look(.none, at: start + .seconds(24)) == [.pressureEnded])
    }
}
