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

    @Test func theFirstRecordOfAStretchThatFailedIsTriedAloneAndFirst() {
        var work = ExecWork(ends: Self.ends(9), recordsMax: 9, bytesMax: 1_000, attempts: 2)
        _ = work.next()
        #expect(work.failed(2..<9) == nil)
        #expect([work.next(), work.next(), work.next(), work.next()] == [2..<3, 3..<6, 6..<9, nil])
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

    /// Programs that die of some records, wherever they are found out: those are given up, all others are answered once.
    @Test(arguments: [1, 7, 99], [true, false]) func onlyRecordsThatKillAreGivenUp(seed: UInt64, answersAtOnce: Bool) {
        var random = SeededRandom(seed: seed)
        let count = 2_000
        let bad = Set((0..<count).filter { _ in Int.random(in: 0..<100, using: &random) == 0 })
        var work = ExecWork(ends: Self.ends(count), recordsMax: 256, bytesMax: 65_536, attempts: 2)
        var answered: [Int] = []
        var (givenUp, runs): (Set<Int>, Int) = ([], 0)
        while let stretch = work.next() {
            runs += 1
            guard let killer = stretch.first(where: bad.contains) else {
                answered += stretch
                work.answered(stretch.count)
                continue
            }
            // What was answered before it counts, where answers come at once; else nothing does.
            let from = answersAtOnce ? killer : stretch.lowerBound
            answered += stretch.lowerBound..<from
            work.answered(from - stretch.lowerBound)
            if let record = work.failed(from..<stretch.upperBound) { givenUp.insert(record) }
        }
        #expect(work.isDone && givenUp == bad, "seed \(seed)")
        #expect(answered.sorted() == (0..<count).filter { !bad.contains($0) }, "seed \(seed)")
        #expect(
            runs < 8 + bad.count * (answersAtOnce ? 8 : 30), "seed \(seed): \(runs) runs for \(bad.count) bad records")
    }
}
