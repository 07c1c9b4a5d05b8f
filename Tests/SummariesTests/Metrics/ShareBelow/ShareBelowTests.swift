import SummariesTesting
import Testing

@testable import Declaration
@testable import Summaries

@Suite struct ShareBelowTests {
    @Test(arguments: [
        ("share_below(level, 3)", ["0.5", "2", "4"]), ("share_below(level, 2.5)", ["0.5", "2", "4"]),
        ("share_below(level, -9)", ["0.0", "0", "4"]), ("share_below(level, 99)", ["1.0", "4", "4"]),
        ("share_below(price, 7.25)", ["0.5", "2", "4"]), ("share_below(price, 7.251)", ["0.75", "3", "4"]),
        ("share_below(ratio, 7.25)", ["0.6", "3", "5"]), ("share_below(ratio, 0)", ["0.2", "1", "5"]),
    ])
    func itIsTheShareOfTheValuesBelow(call: String, expected: [String]) throws {
        #expect(try MetricStand(call).values([2, -3.5, nil, 7.25, 8.5]) == expected)
    }

    @Test func noValuesHaveNoShare() throws {
        #expect(try MetricStand("share_below(level, 3)").values([nil]) == ["null", "0", "0"])
    }

    @Test func storedCountsTakePart() throws {
        let share = try MetricStand("share_below(level, 3)")
        #expect(try share.values([1, 5], stored: [.null, .integer(1), .integer(2)]) == ["0.5", "2", "4"])
        #expect(share.problem([.null, .integer(3), .integer(2)])?.column == "m_below")
        #expect(share.problem([.null, .integer(-1), .integer(2)])?.problem.contains("below zero") == true)
        #expect(share.problem([.null, .integer(0), .integer(.max)])?.column == "m_values")
    }

    /// The limit in the units of the field, and what tables remember of it.
    @Test(arguments: [
        ("300", "300", 0, 300), ("300.0", "300", 2, 30_000), ("0.1", "0.1", 0, 1), ("-0.1", "-0.1", 0, 0),
        ("-2.5", "-2.5", 0, -2), ("2.5", "2.5", 0, 3), ("002.50", "2.5", 1, 25), ("-0", "0", 0, 0),
        ("999999999999999999", "999999999999999999", 4, Int64.max), (".5", "0.5", 1, 5),
    ])
    func aThresholdIsExact(written: String, text: String, places: Int, limit: Int64) throws {
        let threshold = try #require(Threshold(written))
        #expect(threshold.text == text)
        #expect(threshold.integer(scale: places) == limit)
    }

    @Test(arguments: ["1e3", "1234567890123456789", "0.1234567890123456789", "x"])
    func whatIsNoPlainNumberIsNoThreshold(written: String) { #expect(Threshold(written) == nil) }

    @Test(arguments: [
        ("share_below(level)", "share_below() takes a field and a number; for example share_below(level, 300)"),
        ("share_below(level, 1, 2)", "share_below() takes a field and a number"),
        ("share_below(level, paid)", "share_below() takes a field and a number"),
        ("share_below()", "share_below() needs a field"),
        ("share_below(country, 1)", "share_below() cannot work on country, which is text, expected integer"),
        ("share_below(level, 1e3)", "share_below() cannot compare with 1e3, expected a number of at most 18 digits"),
    ])
    func mistakesAreNamed(call: String, expected: String) {
        let problems = #expect(throws: Diagnostics.self) { try SummaryRecord.metric("m", call) }
        #expect(
            problems?.all.count == 1 && "\(problems?.description ?? "")".contains(expected),
            "\(String(describing: problems))")
    }
}
