import Testing

@testable import Summaries

@Suite struct ExtremeTests {
    @Test(arguments: [
        ("min(level)", ["-3"]), ("max(level)", ["7"]), ("min(price)", ["-350e-2"]), ("max(price)", ["725e-2"]),
        ("min(ratio)", ["-3.5"]), ("max(ratio)", ["7.25"]), ("min(time)", ["-3us"]), ("max(time)", ["7us"]),
    ])
    func theyAreTheSmallestAndTheLargest(call: String, expected: [String]) throws {
        #expect(try MetricStand(call).values([2, -3.5, nil, 7.25, 0]) == expected)
    }

    @Test func storedValuesTakePart() throws {
        #expect(try MetricStand("max(level)").values([2], stored: [.integer(5)]) == ["5"])
        #expect(try MetricStand("min(level)").values([2], stored: [.integer(5)]) == ["2"])
        #expect(try MetricStand("min(level)").values([nil], stored: [.integer(5)]) == ["5"])
        #expect(try MetricStand("min(level)").values([nil], stored: [.null]) == ["null"])
        #expect(try MetricStand("max(time)").values([2], stored: [.integer(9)]) == ["9us"])
        #expect(try MetricStand("max(price)").values([2], stored: [.decimal(3, scale: 0)]) == ["300e-2"])
        #expect(try MetricStand("max(ratio)").values([2], stored: [.double(2.5)]) == ["2.5"])
        #expect(try MetricStand("max(ratio)").values([-0.0], stored: [.double(-0.0)]) == ["0.0"])
    }

    @Test func storedValuesOfAnotherKindAreErrors() throws {
        #expect(try MetricStand("max(price)").problem([.decimal(1, scale: 3)])?.column == "m")
        #expect(try MetricStand("max(ratio)").problem([.double(.nan)])?.problem.contains("found") == false)
    }
}
