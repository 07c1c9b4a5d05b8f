import Declaration
import Platform
import Testing

@testable import Dataflow
@testable import Expressions

@Suite struct MetricCallTests {
    private func parse(_ text: String) throws -> MetricCall {
        try MetricCall.parse(text, at: SourceLocation(file: "t", line: 3, column: 10))
    }

    @Test func argumentsAreFieldsAndNumbers() throws {
        let call = try parse("percentiles(duration_ms, 50, 95, 99.9)")
        #expect(call.function == "percentiles")
        #expect(call.functionLocation.column == 10)
        #expect(call.arguments.map(\.location.column) == [22, 35, 39, 43])
        guard case .field("duration_ms", _) = call.arguments[0], case .number("99.9", 99.9, _) = call.arguments[3]
        else {
            Issue.record("wrong arguments: \(call.arguments)")
            return
        }
        #expect(call.options.isEmpty)
    }

    @Test func optionsHaveNamesAndPlaces() throws {
        let call = try parse("uniques(`user id`, precision: precise, exact: 8, on: true, low: -1.5, by: 'x')")
        #expect(call.options.map(\.name) == ["precision", "exact", "on", "low", "by"])
        #expect(
            call.options.map(\.value) == [
                .word("precise"), .number(text: "8", 8), .boolean(true), .number(text: "-1.5", -1.5), .word("x"),
            ])
        #expect(call.option("precision")?.location.column == 29)
        #expect(call.option("precision")?.valueLocation.column == 40)
        #expect(call.option("missing") == nil)
        guard case .field("user id", _) = call.arguments[0] else {
            Issue.record("wrong arguments: \(call.arguments)")
            return
        }
    }

    @Test func aCallMayBeEmpty() throws {
        #expect(try parse(" count ( ) ").arguments.isEmpty)
    }
}

@Suite struct TimestampLiteralTests {
    @Test(arguments: [
        ("1970-01-01", 0), ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-01-01T00:00:00Z", 1_767_225_600_000_000), ("2024-02-29T12:30:15.5+02:00", 1_709_202_615_500_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000), ("9999-12-31T23:59:59.9999999Z", 253_402_300_799_999_999),
        ("2026-01-01 01:00:00-05:30", 1_767_249_000_000_000),
    ])
    func wellFormedTimestampsAreRead(text: String, microseconds: Int64) {
        #expect(TimestampLiteral.parse(text) == microseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-13-01", "2026-02-29", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "0000-01-01", "0001-01-01T00:00:00+01:00", "2026-1-1",
        "9999-12-31T23:59:59-01:00",
    ])
    func malformedTimestampsAreRefused(text: String) {
        #expect(TimestampLiteral.parse(text) == nil)
    }
}

@Suite struct DecimalComparisonTests {
    @Test func rewritingKeepsTheAnswer() {
        var random = SeededRandom(seed: 5)
        for round in 0..<20_000 {
            let (scale, other) = (Int.random(in: 0...6, using: &random), Int.random(in: 0...6, using: &random))
            let spread: Int64 = [3, 2000, .max].randomElement(using: &random) ?? 3
            let units = Int64.random(in: -spread...spread, using: &random)
            let constant = Int64.random(in: -spread...spread, using: &random)
            let comparison = Comparison.allCases.randomElement(using: &random) ?? .equal
            let rewritten = DecimalComparison.rewrite(
                comparison, scale: scale, constantUnits: constant, constantScale: other)
            let (left, right) = (Int128(units) * NaiveNumber.power(other), Int128(constant) * NaiveNumber.power(scale))
            #expect(
                holds(rewritten.comparison, Int128(units), Int128(rewritten.units)) == holds(comparison, left, right),
                "seed 5, round \(round): \(units)e-\(scale) \(comparison.rawValue) \(constant)e-\(other)")
        }
    }

    private func holds(_ comparison: Comparison, _ a: Int128, _ b: Int128) -> Bool {
        switch comparison {
        case .equal: a == b
        case .notEqual: a != b
        case .less: a < b
        case .lessOrEqual: a <= b
        case .greater: a > b
        case .greaterOrEqual: a >= b
        }
    }
}
