import Platform
import Testing

@testable import Nodes

/// What is left of a batch's records: none is lost, none is answered twice, and a bad one costs its neighbours little.
@Suite struct ExecWorkTests {
    @Test func whatIsReturnedWaitsWithoutBlame() {
        var work = ExecWork(ends: [1, 2, 3], recordsMax: 1, bytesMax: 10, attempts: 1)
        for _ in 0..<5 {
            guard let stretch = work.next() else { return }
            #expect(stretch == 0..<1 && work.waitingCount == 2)
            work.returned(stretch)
        }
        #expect(work.waitingCount == 3 && !work.isDone)
    }

    /// Lines of 10 bytes.
    private static func ends(_ count: Int) -> [Int] { (0..<count).map { 10 * ($0 + 1) } }

    @Test func stretchesKeepToTheirBoundsAndCoverAllRecordsInOrder() {
        var work = ExecWork(ends: Self.ends(1_000), recordsMax: 64, bytesMax: 500, attempts: 2)
        var next = 0
        while let stretch = work.next() {
            #expect(stretch.lowerBound == next && (1...50).contains(stretch.count))
            next = stretch.upperBound
            work.answered(stretch.count)
        }
        #expect(next == 1_000 && work.isDone)
    }

    @Test func aRecordLongerThanTheBoundIsAStretchOfItsOwn() {
        var work = ExecWork(ends: [10, 900, 910], recordsMax: 64, bytesMax: 100, attempts: 2)
        #expect([work.next(), work.next(), work.next(), work.next()] == [0..<1, 1..<2, 2..<3, nil])
    }

    @Test func theRecordThatAProgramFailedAtIsTriedAloneAndFirst() {
        var work = ExecWork(ends: Self.ends(9), recordsMax: 9, bytesMax: 1_000, attempts: 2)
        _ = work.next()
        #expect(work.failed(2..<9, after: 3) == nil)
        #expect((0..<5).map { _ in work.next() } == [5..<6, 2..<3, 3..<5, 6..<7, 7..<9])
        #expect(work.failed(3..<5, after: 7) == nil)
        #expect((0..<3).map { _ in work.next() } == [4..<5, 3..<4, nil])
    }

    @Test func whatIsNotAnsweredAfterAllIsDoneAgain() {
        var work = ExecWork(ends: Self.ends(2), recordsMax: 1, bytesMax: 1_000, attempts: 1)
        for _ in 0..<2 { work.answered(work.next()?.count ?? 0) }
        #expect(work.isDone && !work.isWaiting)
        work.unanswered(1)
        #expect(!work.isDone && work.failed(1..<2) == 1 && work.isDone)
    }

    @Test func aLoneRecordIsGivenUpAfterItsTries() {
        var work = ExecWork(ends: Self.ends(1), recordsMax: 9, bytesMax: 1_000, attempts: 3)
        for given in [nil, nil, 0] {
            let stretch = work.next()
            #expect(stretch == 0..<1)
            #expect(work.failed(0..<1) == given)
        }
        #expect(work.next() == nil && work.isDone)
    }

    /// What programs do at some records.
    enum Vice: CaseIterable {
        /// They die, having answered all before it.
        case dying
        /// They die, having read ahead and answered nothing.
        case dyingAhead
        /// They leave its answer out.
        case skipping
    }

    /// Wherever those records are found out: they are given up, all others are answered once.
    @Test(arguments: [1, 7, 99], Vice.allCases) func onlyBadRecordsAreGivenUp(seed: UInt64, vice: Vice) {
        var random = SeededRandom(seed: seed)
        let count = 2_000
        let bad = Set((0..<count).filter { _ in Int.random(in: 0..<100, using: &random) == 0 })
        var work = ExecWork(ends: Self.ends(count), recordsMax: 256, bytesMax: 65_536, attempts: 2)
        var answered: [Int] = []
        var (givenUp, failures): (Set<Int>, Int) = ([], 0)
        while let stretch = work.next() {
            guard let first = stretch.first(where: bad.contains) else {
                answered += stretch
                work.answered(stretch.count)
                continue
            }
            failures += 1
            let lines =
                switch vice {
                case .dying: first - stretch.lowerBound
                case .dyingAhead: 0
                case .skipping: stretch.count { !bad.contains($0) }
                }
            if let record = work.failed(stretch, after: lines) { givenUp.insert(record) }
        }
        #expect(work.isDone && givenUp == bad, "seed \(seed)")
        #expect(answered.sorted() == (0..<count).filter { !bad.contains($0) }, "seed \(seed)")
        let failuresMax = bad.count * (vice == .dying ? 4 : 12)
        #expect(failures <= failuresMax, "seed \(seed): \(failures) failures for \(bad.count) bad records")
    }
}
