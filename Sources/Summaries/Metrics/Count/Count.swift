package import Declaration
package import Expressions

/// `count()`: how many records.
package struct Count: Metric, MetricType {
    package let name: String

    /// The metric under a name.
    package init(_ name: String) { self.name = name }

    package static let spec = MetricSpec(
        name: "count", signature: "count()", summary: "the number of records")

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        guard call.arguments.isEmpty else {
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: call.functionLocation, "count() takes no field",
                    hint: "to count the records that have a value, add where: \"field is not null\""))
            return nil
        }
        call.checkOptions(spec, &problems)
        return Count(name)
    }

    package var fields: [RecordSchema.Field] { [] }
    package var identity: MetricIdentity { MetricIdentity("count") }
    package var columns: [ResultColumn] { [.total(name, .integer, isNullable: false)] }

    package func makeState() -> any MetricState { CountState() }
    package func makeResult() -> any MetricResult { CountResult(column: name) }
}
