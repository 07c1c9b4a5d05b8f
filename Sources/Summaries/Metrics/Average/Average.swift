import Dataflow
package import Declaration
package import Expressions

/// `avg(f)`: the mean of numbers.
package struct Average: Metric, MetricType {
    package let name: String
    private let field: RecordSchema.Field

    /// The metric under a name.
    package init(_ name: String, of field: RecordSchema.Field) {
        self.name = name
        self.field = field
    }

    package static let spec = MetricSpec(
        name: "avg", otherNames: ["mean", "average"], signature: "avg(f)", summary: "the mean of numbers",
        weighsRecords: true)

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        call.onlyField(in: input, spec, expected: MetricCall.numbers, &problems, \.isNumeric).map {
            Average(name, of: $0)
        }
    }

    package var fields: [RecordSchema.Field] { [field] }
    package var identity: MetricIdentity { MetricIdentity("avg") }

    package var columns: [ResultColumn] {
        [
            .shown(name, .double), .state(name + "_sum", .decimal),
            .state(name + "_count", .integer, isNullable: false),
        ] + (field.type == .double ? [.state(name + "_exact", .bytes, isAddedLater: true)] : [])
    }

    package var comments: [String] {
        [
            "mean of \(field.name), in its unit; of several rows: sum(\(name)_sum) / sum(\(name)_count)",
            "sum of \(field.name)" + (field.type == .double ? ", rounded once to a double" : ", exact"),
            "number of values of \(field.name)",
        ]
            + (field.type == .double
                ? ["the exact sum; merged with millrace.sum_merge, read with millrace.sum_exact(\(name)_exact)"] : [])
    }

    package func makeState() -> any MetricState {
        field.type == .double
            ? DoubleSumState(column: field.column, counts: true) : SumState(column: field.column)
    }

    package func makeResult() -> any MetricResult {
        field.type == .double
            ? DoubleAverageResult(columns)
            : AverageResult(columns, scale: field.type.decimalPlaces)
    }
}
