import Testing

@testable import Dataflow

@Suite struct TakeoverWatchTests {
    private let start = ContinuousClock.now

    private func row(_ ownerEpoch: Int64, _ offset: Int64) -> ClaimedPartition {
        ClaimedPartition(
            key: PartitionKey(topic: "t", partition: 0), ownerEpoch: ownerEpoch, nextOffset: offset, tail: nil)
    }

    private func watch() -> TakeoverWatch { TakeoverWatch(patience: .seconds(10), at: start) }

    @Test func aPositionThatMovesIsLeftAlone() {
        var watch = watch()
        for second in 0..<600 {
            watch.look(row(2, Int64(second / 8)), at: start + .seconds(second))
            #expect(!watch.isClaimable, "second \(second)")
        }
    }

    @Test func onePositionThatStandsStillMayBeClaimed() {
        var watch = watch()
        watch.look(row(2, 5), at: start + .seconds(1))
        watch.look(row(2, 5), at: start + .seconds(9))
        #expect(!watch.isClaimable)
        watch.look(row(2, 5), at: start + .seconds(10))
        #expect(watch.isClaimable)
    }

    @Test func anotherClaimCountsAsMovement() {
        var watch = watch()
        watch.look(row(2, 5), at: start + .seconds(9))
        watch.look(row(3, 5), at: start + .seconds(11))
        #expect(!watch.isClaimable)
    }

    @Test func aPositionThatCannotBeReadIsClaimedAfterTheSamePatience() {
        var watch = watch()
        watch.look(nil, at: start + .seconds(10))
        #expect(watch.isClaimable)
    }

    @Test func twoThatTakeItFromEachOtherDoSoEverMoreSeldom() {
        var watch = watch()
        var now = start
        var pauses: [Int] = []
        for _ in 0..<8 {
            let since = now
            watch.takenOver(at: now)
            watch.look(row(1, 1), at: now)
            while !watch.isClaimable {
                now += .seconds(1)
                watch.look(row(1, 1), at: now)
            }
            pauses.append(Int((now - since) / .seconds(1)))
        }
        #expect(pauses == [10, 20, 40, 80, 160, 300, 300, 300])
    }

    @Test func afterALongPeacePatienceIsShortAgain() {
        var watch = watch()
        watch.look(row(2, 5), at: start + .seconds(10))
        #expect(watch.isClaimable && watch.patience == .seconds(20))
        watch.takenOver(at: start + .seconds(3_600))
        #expect(!watch.isClaimable && watch.patience == .seconds(10))
    }
}
