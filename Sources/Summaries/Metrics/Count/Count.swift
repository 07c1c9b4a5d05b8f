package import Declaration
package import Expressions

/// `count()`: how many records; `count(f)`: how many have a value.
package struct Count: Metric, MetricType {
    package let name: String
    private let field: RecordSchema.Field?

    /// The metric under a name.
    /// - Parameter field: whose values are counted; nil for all records.
    package init(_ name: String, of field: RecordSchema.Field? = nil) {
        self.name = name
        self.field = field
    }

    package static let spec = MetricSpec(
        name: "count", signature: "count()",
        summary: "the number of records, and `count(f)`, of those that have a value")

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        guard !call.arguments.isEmpty else {
            call.checkOptions(spec, &problems)
            return Count(name)
        }
        return call.onlyField(in: input, spec, expected: "a field", &problems) { _ in true }.map { Count(name, of: $0) }
    }

    package var fields: [RecordSchema.Field] { field.map { [$0] } ?? [] }
    package var identity: MetricIdentity { MetricIdentity("count") }
    package var columns: [ResultColumn] { [.total(name, .integer, isNullable: false)] }

    package var countsRecords: Bool { field == nil }

    package var comments: [String] {
        [field.map { "number of records that have a value of \($0.name)" } ?? "number of records"]
    }

    package func makeState() -> any MetricState { CountState(column: field?.column) }
    package func makeResult() -> any MetricResult { CountResult(column: name) }
}
