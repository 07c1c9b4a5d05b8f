import Testing

@testable import Summaries

@Suite struct AverageTests {
    @Test func meansOfIntegersAndDecimalsComeFromSumAndCount() throws {
        let levels = try MetricStand("avg(level)")
        #expect(try levels.values([1, nil, 4]) == ["2.5", "5e-0", "2"])
        #expect(try levels.values([nil]) == ["null", "null", "0"])
        #expect(try levels.values([2], stored: [.null, .decimal(10, scale: 0), .integer(2)]) == ["4.0", "12e-0", "3"])
        #expect(try MetricStand("avg(price)").values([0.5, 1]) == ["0.75", "150e-2", "2"])
        #expect(levels.plan.columns.filter(\.isMerged).map(\.name) == ["m_sum", "m_count"])
        #expect(levels.problem([.null, .decimal(1, scale: 0), .integer(.max)])?.column == "m_count")
        #expect(levels.problem([.null, .decimal(5, scale: 1), .integer(1)])?.column == "m_sum")
    }

    @Test func meansOfDoublesAreRoundedOnce() throws {
        let ratios = try MetricStand("avg(ratio)")
        #expect(try ratios.values([1e17, 3, -1e17]).prefix(3) == ["1.0", "sum 3.0", "3"])
        #expect(
            try ratios.values([1], stored: [.null, .decimal(5, scale: 0), .integer(2), .null]).prefix(3)
                == ["2.0", "sum 6.0", "3"])
        #expect(ratios.plan.columns.map(\.name) == ["m", "m_sum", "m_count", "m_exact"])
        #expect(ratios.problem([.null, .null, .integer(.max), .bytes([0x30])])?.column == "m_count")
        #expect(ratios.problem([.null, .null, .integer(1), .bytes([0x31, 0xfc, 0x10, 0x01])])?.column == "m_exact")
    }
}
