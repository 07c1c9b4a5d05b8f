import DataflowTesting
import Expressions
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Summaries

@Suite struct GeneratedColumnTests {
    private static func source(_ name: String, isUnbounded: Bool = false) -> Formula<GeneratedColumn.Source> {
        .name(.init(metric: 0, column: 0, name: name, isUnbounded: isUnbounded))
    }

    private static func value(_ formula: Formula<GeneratedColumn.Source>, _ numbers: [String: Double]) -> Double? {
        GeneratedColumn(name: "x", formula: formula, text: "").value { numbers[$0.name] }
    }

    @Test func divisionsByZeroAndNullsAreNull() {
        let ratio = Formula.operation(.divide, Self.source("a"), Self.source("b"))
        #expect(Self.value(ratio, ["a": 1, "b": 4]) == 0.25)
        #expect(Self.value(ratio, ["a": 1, "b": 0]) == nil)
        #expect(Self.value(ratio, ["a": 1]) == nil)
        #expect(Self.value(.operation(.subtract, .negate(ratio), .number(2)), ["a": 6, "b": 3]) == -4)
        #expect(Self.value(.negate(Self.source("a")), ["a": 0])?.sign == .plus, "-0 is 0")
    }

    @Test func valuesOfDoublesThatCouldOverflowAreNull() {
        let square = Formula.operation(
            .multiply, Self.source("a", isUnbounded: true), Self.source("a", isUnbounded: true))
        #expect(Self.value(square, ["a": 1e70]) == 1e140)
        #expect(Self.value(square, ["a": -0.0]) == 0)
        #expect(Self.value(square, ["a": 1.1e70]) == nil)
        #expect(Self.value(square, ["a": 1e-71]) == nil)
    }

    @Test func magnitudesAreThoseOfTheLargestAndSmallestValues() throws {
        var product = Self.source("a", isUnbounded: true)
        for _ in 0..<3 { product = .operation(.multiply, product, Self.source("a", isUnbounded: true)) }
        let four = try #require(ColumnMagnitude(product))
        #expect(four.low == -280 && four.high == 280)
        #expect(ColumnMagnitude(.operation(.multiply, product, Self.source("a", isUnbounded: true))) == nil)
        #expect(ColumnMagnitude(.operation(.divide, product, .number(1e30))) == nil)
        #expect(ColumnMagnitude(.operation(.divide, product, .number(1e10))) != nil)
        var sum = Self.source("a")
        for _ in 0..<9 { sum = .operation(.add, sum, Self.source("a")) }
        #expect(ColumnMagnitude(sum) != nil)
    }

    /// The console has them behind the metrics of every row.
    @Test func linesHaveThemBehindTheMetrics() throws {
        var plan = SummaryPlan.ofRecords(
            keys: [], hasWindow: false,
            metrics: try [
                SummaryRecord.metric("n", "count()"), SummaryRecord.metric("total", "sum(price)"),
                SummaryRecord.metric("mean", "avg(level)"), SummaryRecord.metric("all", "sum(ratio)"),
            ])
        func source(_ metric: Int, _ name: String) -> Formula<GeneratedColumn.Source> {
            .name(.init(metric: metric, column: 0, name: name, isUnbounded: metric == 3))
        }
        plan.generated = [
            GeneratedColumn(
                name: "per", formula: .operation(.divide, source(1, "total"), source(0, "n")), text: "total / n"),
            GeneratedColumn(
                name: "none", formula: .operation(.divide, source(2, "mean"), source(0, "n")), text: "mean / n"),
            GeneratedColumn(
                name: "twice", formula: .operation(.multiply, source(3, "all"), .number(2)), text: "all * 2"),
        ]
        let delta = SummaryDelta.empty(plan, MemoryAccountant(budget: 1 << 40))
        delta.add(
            [
                SummaryRecord(time: 0, country: nil, level: nil, paid: nil, user: "a", price: 150, ratio: 0.5),
                SummaryRecord(time: 0, country: nil, level: nil, paid: nil, user: "b", price: 175, ratio: 0.25),
            ], serial: 1)
        delta.complete()
        #expect(
            SummaryJSON.line(delta.sets[0], 0)
                == #"{"n": 2, "total": 3.25, "mean": null, "all": 0.75, "per": 1.625, "none": null, "twice": 1.5}"#)
    }
}
