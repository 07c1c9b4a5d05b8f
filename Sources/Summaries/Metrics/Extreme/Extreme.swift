import Dataflow
package import Declaration
package import Expressions

/// `min(f)` and `max(f)`: the smallest or the largest number or moment.
package struct Extreme: Metric {
    package let name: String
    private let field: RecordSchema.Field
    private let isMaximum: Bool

    /// The metric under a name.
    package init(_ name: String, of field: RecordSchema.Field, isMaximum: Bool) {
        self.name = name
        self.field = field
        self.isMaximum = isMaximum
    }

    static func compile(
        _ call: MetricCall, _ spec: MetricSpec, named name: String, input: RecordSchema, isMaximum: Bool,
        _ problems: inout Diagnostics
    ) -> (any Metric)? {
        let expected = "integer, decimal, double or timestamp"
        return call.onlyField(in: input, spec, expected: expected, &problems) { $0.isNumeric || $0 == .timestamp }
            .map { Extreme(name, of: $0, isMaximum: isMaximum) }
    }

    package var fields: [RecordSchema.Field] { [field] }
    package var identity: MetricIdentity { MetricIdentity(isMaximum ? "max" : "min") }
    package var columns: [ResultColumn] { [.total(name, ResultColumn.Kind(field.type))] }

    package var comments: [String] {
        let unit = field.type == .timestamp ? "" : ", in its unit"
        return ["\(isMaximum ? "largest" : "smallest") value of \(field.name)\(unit), exact"]
    }

    package func makeState() -> any MetricState {
        field.type == .double
            ? ExtremeState<Double>(
                column: field.column, isMaximum: isMaximum, initial: isMaximum ? -.infinity : .infinity)
            : ExtremeState<Int64>(column: field.column, isMaximum: isMaximum, initial: isMaximum ? .min : .max)
    }

    package func makeResult() -> any MetricResult {
        field.type == .double
            ? DoubleExtremeResult(column: name, isMaximum: isMaximum)
            : ExtremeResult(column: name, type: field.type, isMaximum: isMaximum)
    }

    /// The smaller or the larger of two values, nil standing for none.
    static func pick<Value: Comparable>(_ new: Value?, _ old: Value?, isMaximum: Bool) -> Value? {
        guard let new else { return old }
        guard let old else { return new }
        return isMaximum ? max(new, old) : min(new, old)
    }
}

/// `min(f)`.
package enum Minimum: MetricType {
    package static let spec = MetricSpec(
        name: "min", otherNames: ["minimum"], signature: "min(f)", summary: "the smallest number or moment")

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        Extreme.compile(call, spec, named: name, input: input, isMaximum: false, &problems)
    }
}

/// `max(f)`.
package enum Maximum: MetricType {
    package static let spec = MetricSpec(
        name: "max", otherNames: ["maximum"], signature: "max(f)", summary: "the largest")

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        Extreme.compile(call, spec, named: name, input: input, isMaximum: true, &problems)
    }
}
