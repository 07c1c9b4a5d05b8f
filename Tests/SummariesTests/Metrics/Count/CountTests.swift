import Testing

@testable import Summaries

@Suite struct CountTests {
    @Test func itCountsRecordsAndAddsToWhatIsStored() throws {
        let count = try MetricStand("count()")
        #expect(try count.values([1, nil, 3, 3]) == ["4"])
        #expect(try count.values([1], stored: [.integer(41)]) == ["42"])
        #expect(try count.values([1], stored: [.null]) == ["1"])
        #expect(count.plan.columns == [.total("m", .integer, isNullable: false)])
        #expect(count.plan.metric.neededHash == nil && count.plan.fieldNames.isEmpty)
    }

    @Test func ofAFieldItCountsTheValues() throws {
        let count = try MetricStand("count(level)")
        #expect(try count.values([1, nil, 3, 3]) == ["3"])
        #expect(try count.values([nil]) == ["0"])
        #expect(try count.values([1, nil], stored: [.integer(41)]) == ["42"])
        #expect(count.plan.fieldNames == ["level"])
        #expect(try MetricStand("count(country)").values([1, nil]) == ["0"])
    }

    @Test func aTotalBeyondItsRangeIsAnError() throws {
        let count = try MetricStand("count()")
        #expect(count.problem([.integer(.max)])?.problem.contains("leaves its range") == true)
        #expect(count.problem([.integer(-1)])?.problem.contains("below zero") == true)
    }
}
