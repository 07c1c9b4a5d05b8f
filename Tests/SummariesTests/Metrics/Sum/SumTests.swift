import Testing

@testable import Summaries

@Suite struct SumTests {
    @Test func sumsOfIntegersAndDecimalsAreTheirOwnState() throws {
        let levels = try MetricStand("sum(level)")
        #expect(try levels.values([1, nil, -3, 7]) == ["5e-0"])
        #expect(try levels.values([nil]) == ["null"])
        #expect(try levels.values([2], stored: [.decimal(1_000, scale: 2)]) == ["12e-0"])
        #expect(try MetricStand("sum(price)").values([0.25, 1.5], stored: [.decimal(1, scale: 0)]) == ["275e-2"])
        #expect(levels.plan.columns == [.total("m", .decimal)])
        #expect(levels.problem([.decimal(5, scale: 1)])?.column == "m")
        #expect(levels.problem([.decimal(.max, scale: 0)])?.problem.contains("leaves its range") == true)
    }

    @Test func sumsOfDoublesAreExact() throws {
        let ratios = try MetricStand("sum(ratio)")
        #expect(try ratios.values([1e17, 1, -1e17]) == ratios.values([1]))
        #expect(try ratios.values([1e17, 1, -1e17])[0] == "sum 1.0")
        #expect(
            ratios.plan.columns == [.total("m", .decimal), .state("m_exact", .bytes, isAddedLater: true)])
        // The exact sum goes before the shown one, which goes on where there is no other.
        #expect(try ratios.values([0.5], stored: [.decimal(1_225, scale: 2), .null])[0] == "sum 12.75")
        #expect(try ratios.values([0.5], stored: [.null, .null])[0] == "sum 0.5")
        #expect(try ratios.values([0.5], stored: [.decimal(99, scale: 0), .bytes([0x30])])[0] == "sum 0.5")
        #expect(ratios.problem([.null, .bytes([0x31])])?.column == "m_exact")
    }
}
