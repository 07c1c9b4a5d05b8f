import Testing

@testable import Summaries

@Suite struct UniquesTests {
    @Test func itCountsDistinctValues() throws {
        let users = try MetricStand("uniques(user)")
        let values = try users.values([1, 2, 2, 1, 3])
        #expect(values[0] == "3" && values[2] == "5" && values[1].hasPrefix("\\x128c44"))
        #expect(users.plan.metric.neededHash == 4)
        #expect(users.plan.columns.map(\.isAddedLater) == [false, false, true])
        #expect(try MetricStand("uniques(level)").values([nil])[0] == "0")
    }

    @Test func storedSketchesAreMerged() throws {
        let users = try MetricStand("uniques(user)")
        let stored: [StoredColumns.Value] = [.null, .bytes([0x12, 0x8c, 0x44, 0, 0, 0, 0, 0, 0, 0, 1]), .integer(7)]
        let values = try users.values([1, 1], stored: stored)
        #expect(values[0] == "2" && values[2] == "9")
        // Nobody knows how many values a sketch of an earlier version has seen.
        #expect(try users.values([1], stored: [.null, stored[1], .null])[2] == "null")
        #expect(try users.values([1], stored: [.null, .bytes([0x11, 0x8c, 0x44]), .null])[2] == "1")
        #expect(users.problem([.null, .bytes([0x11, 0x8c]), .integer(0)])?.column == "m_sketch")
        #expect(users.problem([.null, stored[1], .integer(.max)])?.column == "m_values")
    }

    @Test func thePrecisionIsPartOfWhatItMeans() throws {
        #expect(try MetricStand("uniques(user)").plan.canonicalCall(separator: " ") == "uniques(user text, standard)")
        let precise = try MetricStand("uniques(user, precision: precise)").plan
        #expect(precise.canonicalCall(separator: ":") == "uniques(user:text, precise)")
    }
}
