import Testing

@testable import Dataflow

@Suite struct EpochLengthTests {
    @Test(arguments: [(0, 0), (0, 100), (99, 100), (100, 100)] as [(Int64, Int64)])
    func anEpochThatHoldsAllButALittleLastsOneInterval(waiting: Int64, held: Int64) {
        #expect(Pipeline.epochLength(.milliseconds(250), waiting: waiting, held: held) == .milliseconds(250))
    }

    @Test(arguments: [(1, 0), (101, 100), (1_000_000, 999_999)] as [(Int64, Int64)])
    func anEpochLastsSixWhileMoreWaits(waiting: Int64, held: Int64) {
        #expect(Pipeline.epochLength(.milliseconds(250), waiting: waiting, held: held) == .milliseconds(1_500))
    }

    /// Many small commits cost more than they bring: what every epoch touches is written each time.
    @Test(arguments: [(10, 1, 10), (10, 9, 36), (10, 60, 240), (10, 90, 250), (250, 400, 250), (1_000, 900, 1_000)])
    func aShortIntervalIsStretchedByWhatCommitsCost(interval: Int, commit: Int, expected: Int) {
        let length = Pipeline.epochLength(
            .milliseconds(interval), waiting: 0, held: 10, commit: .milliseconds(commit))
        #expect(length == .milliseconds(expected))
    }
}
