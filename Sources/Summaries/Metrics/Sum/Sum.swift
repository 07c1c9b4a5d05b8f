import Dataflow
package import Declaration
package import Expressions

/// `sum(f)`: the exact sum of numbers.
package struct Sum: Metric, MetricType {
    package let name: String
    private let field: RecordSchema.Field

    /// The metric under a name.
    package init(_ name: String, of field: RecordSchema.Field) {
        self.name = name
        self.field = field
    }

    package static let spec = MetricSpec(
        name: "sum", otherNames: ["total"], signature: "sum(f)", summary: "the exact sum of numbers",
        weighsRecords: true)

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        call.onlyField(in: input, spec, expected: MetricCall.numbers, &problems, \.isNumeric).map { Sum(name, of: $0) }
    }

    package var fields: [RecordSchema.Field] { [field] }
    package var identity: MetricIdentity { MetricIdentity("sum") }

    /// The sum of integers and decimals is its own state. Doubles are summed exactly, which a decimal of few bytes cannot
    /// hold.
    package var columns: [ResultColumn] {
        [.total(name, .decimal)]
            + (field.type == .double ? [.state(name + "_exact", .bytes, isAddedLater: true)] : [])
    }

    package var comments: [String] {
        field.type == .double
            ? [
                "sum of \(field.name), in its unit: the exact sum, rounded once to a double",
                "the exact sum; merged with millrace.sum_merge, read with millrace.sum_exact(\(name)_exact)",
            ] : ["exact sum of \(field.name), in its unit"]
    }

    package func makeState() -> any MetricState {
        field.type == .double
            ? DoubleSumState(column: field.column, counts: false) : SumState(column: field.column)
    }

    package func makeResult() -> any MetricResult {
        field.type == .double
            ? DoubleSumResult(DoubleSumMerger.Place(columns, shown: 0, exact: 1))
            : SumResult(column: name, scale: field.type.decimalPlaces)
    }
}
