import Testing

@testable import Nodes

@Suite struct StretchesTests {
    private static let some = Stretches([30..<40, 10..<20, 20..<25])

    @Test(
        arguments: [
            (0..<5, [0..<5]), (10..<25, []), (12..<18, []), (15..<35, [25..<30]), (0..<50, [0..<10, 25..<30, 40..<50]),
            (25..<30, [25..<30]), (39..<41, [40..<41]),
        ] as [(Range<Int64>, [Range<Int64>])])
    func gapsAreWhatNoneHolds(stretch: Range<Int64>, gaps: [Range<Int64>]) {
        #expect(Self.some.gaps(in: stretch) == gaps)
        #expect(Self.some.covers(stretch) == gaps.isEmpty)
    }

    @Test func aGapReachesToItsNeighbours() {
        #expect(Self.some.gap(around: 26..<27, within: 0..<100) == 25..<30)
        #expect(Self.some.gap(around: 26..<27, within: 26..<28) == 26..<28)
        #expect(Self.some.gap(around: 50..<51, within: 0..<60) == 40..<60)
        #expect(Self.some.gap(around: 2..<3, within: -7..<60) == -7..<10)
        #expect(Stretches([]).gap(around: 2..<3, within: 0..<60) == 0..<60)
    }

    @Test func whatIsAddedStandsInOrder() {
        var stretches = Self.some
        stretches.insert(0..<1)
        stretches.insert(25..<30)
        stretches.insert(90..<91)
        stretches.insert(7..<7)
        #expect(stretches.all == [0..<1, 10..<20, 20..<25, 25..<30, 30..<40, 90..<91])
    }
}
