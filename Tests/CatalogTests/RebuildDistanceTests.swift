import Testing

@testable import Catalog

@Suite struct RebuildDistanceTests {
    private func distance(_ states: (position: Int64, lacking: Int64)...) -> RebuildDistance {
        var distance = RebuildDistance()
        for (number, state) in states.enumerated() {
            distance.partitions[.init(topic: "events", number: Int32(number))] = state
        }
        return distance
    }

    /// Who has joined its group for some partitions only must not be waited for with the tables standing still.
    @Test func itHasMovedWhenItHasDoneSoWhereverItIsBehind() {
        let before = distance((10, 5), (20, 0))
        #expect(!distance((10, 7), (20, 0)).hasMoved(since: before))
        #expect(!distance((12, 5), (20, 1)).hasMoved(since: before))
        #expect(distance((12, 5), (21, 1)).hasMoved(since: before))
        #expect(distance((12, 5), (20, 0)).hasMoved(since: before))
        #expect(distance((12, 5), (20, 0)).messages == 5)
    }

    @Test func whatHadNotBegunHasMovedWhenItReads() {
        #expect(!distance((3, 9), (0, 4)).hasMoved(since: nil))
        #expect(distance((3, 9), (1, 3)).hasMoved(since: nil))
        #expect(RebuildDistance().hasMoved(since: nil))
    }
}
