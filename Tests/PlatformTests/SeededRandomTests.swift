import Platform
import Testing

@Suite struct SeededRandomTests {
    /// The first numbers of the reference implementation (Vigna, splitmix64.c, 2015) for this seed.
    @Test func itIsSplitMix64() {
        var random = SeededRandom(seed: 1_234_567)
        let numbers: [UInt64] = (0..<5).map { _ in random.next() }
        #expect(
            numbers == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }

    @Test func numbersAreInRangeAndAllOfThemCome() {
        var random = SeededRandom(seed: 1)
        let dice = (0..<1_000).map { _ in random.below(6) }
        #expect(Set(dice) == Set(0..<6))
        #expect(Set((0..<200).map { _ in random.pick(["a", "b"]) }) == ["a", "b"])
        let heads = (0..<10_000).count { _ in random.chance(30) }
        #expect((2_700...3_300).contains(heads))
        #expect((0..<100).allSatisfy { _ in random.chance(100) && !random.chance(0) })
    }
}
