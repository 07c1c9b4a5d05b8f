import Testing

@testable import EventGenerator

@Suite struct AliasTableTests {
    @Test func picksInProportionToTheWeights() {
        let weights: [UInt64] = [5, 0, 20, 1, 74]
        let table = AliasTable(weights: weights)
        var random = EventRandom(seed: 1, index: 0)
        var counts = [Int](repeating: 0, count: weights.count)
        for _ in 0..<200_000 { counts[table.pick(random.next())] += 1 }
        #expect(counts[1] == 0)
        for (count, weight) in zip(counts, weights) {
            let expected = Double(weight) * 2000
            #expect(abs(Double(count) - expected) <= 5 * expected.squareRoot(), "seed 1: weight \(weight)")
        }
    }

    @Test func oneWeightIsAlwaysPicked() {
        let table = AliasTable(weights: [7])
        #expect([0, 1, 0xffff_ffff_0000_0000, .max].allSatisfy { table.pick($0) == 0 })
    }
}

@Suite struct SkewedRankTests {
    @Test func everyRankOfAShortListOccurs() {
        for count: UInt64 in [1, 2, 3, 5, 8, 100] {
            let ranks = SkewedRank(count: count)
            var random = EventRandom(seed: 2, index: count)
            let seen = Set((0..<20_000).map { _ in ranks.pick(&random) })
            #expect(seen == Set(1...UInt32(count)), "seed 2, count \(count)")
        }
    }

    @Test func frequencyFallsWithTheRank() {
        let ranks = SkewedRank(count: 1 << 20)
        var random = EventRandom(seed: 3, index: 0)
        var octaves = [Int](repeating: 0, count: 21)
        for _ in 0..<400_000 { octaves[31 - ranks.pick(&random).leadingZeroBitCount] += 1 }
        // An octave has twice as many ranks as the one before, each 2^-0.75 times as frequent: 2^0.25 times the events.
        for octave in 1..<20 {
            let ratio = Double(octaves[octave]) / Double(octaves[octave - 1])
            #expect((1.09...1.29).contains(ratio), "seed 3, octave \(octave)")
        }
    }

    @Test func theLongestListIsInRange() {
        let ranks = SkewedRank(count: SkewedRank.countMax)
        var random = EventRandom(seed: 4, index: 0)
        #expect((0..<10_000).allSatisfy { _ in (1...1 << 31).contains(UInt64(ranks.pick(&random))) })
    }
}

@Suite struct EventRandomTests {
    @Test func idsOfDistinctRanksAreDistinct() {
        let ids = Set((UInt32(0)..<200_000).map(EventRandom.mix32))
        #expect(ids.count == 200_000)
    }
}
