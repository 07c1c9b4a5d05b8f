import Testing

@testable import Summaries

@Suite struct PercentilesTests {
    @Test func eachPercentileHasAColumnBesideTheSketch() throws {
        let levels = try MetricStand("percentiles(level, 0, 50, 100)")
        #expect(levels.plan.columns.map(\.name) == ["m_p0", "m_p50", "m_p100", "m_sketch"])
        #expect(levels.plan.columns.map(\.isMerged) == [false, false, false, true])
        let values = try levels.values([1, 2, 3, nil])
        for (shown, value) in zip(values, [1.0, 2, 3]) {
            #expect(abs(try #require(Double(shown)) - value) <= 0.01 * value, "\(shown)")
        }
        #expect(values[3].hasPrefix("\\x"))
        #expect(try levels.values([nil]).prefix(3) == ["null", "null", "null"])
    }

    /// Beside one above 1, what is below 1 is percent too.
    @Test func lowPercentilesStandBesideOthers() throws {
        let columns = try MetricStand("percentiles(level, 0.1, .5, 50)").plan.columns
        #expect(columns.map(\.name) == ["m_p0_1", "m_p0_5", "m_p50", "m_sketch"])
        let values = try MetricStand("percentiles(level, 0.1, 50)").values((1...1_000).map { Double($0) })
        #expect(try #require(Double(values[0])) <= 2.02)
    }

    @Test func columnsThatComeLaterAreReadFromTheSketch() throws {
        let columns = try MetricStand("percentiles(level, 50, 99.9)").plan.columns
        #expect(columns[1].reading == ResultColumn.Reading("percentile", of: "m_sketch", ["99.9 / 100"]))
        #expect(columns[2].reading == nil)
    }

    @Test func storedSketchesAreMerged() throws {
        let levels = try MetricStand("percentiles(level, 100)")
        let bytes = try levels.values([5])[1].dropFirst(2)
        var stored: [UInt8] = []
        var rest = bytes
        while !rest.isEmpty {
            stored.append(try #require(UInt8(rest.prefix(2), radix: 16)))
            rest = rest.dropFirst(2)
        }
        #expect(try levels.values([1], stored: [.null, .bytes(stored)])[0] == "5.0")
        #expect(levels.problem([.null, .bytes([0x11, 0x8c, 0x44])])?.column == "m_sketch")
    }

    /// Which percentiles are shown does not change what the sketch holds.
    @Test func thePercentilesAreNoPartOfWhatItMeans() throws {
        let call = try MetricStand("percentiles(price, 50, 95)").plan.canonicalCall(separator: " ")
        #expect(call == "percentiles(price decimal(2))")
    }
}
