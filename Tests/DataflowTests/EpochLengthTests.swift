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
}
