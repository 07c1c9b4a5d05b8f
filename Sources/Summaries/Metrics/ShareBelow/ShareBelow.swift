import Dataflow
package import Declaration
package import Expressions

/// `share_below(f, x)`: which share of the values is below `x`, exactly: two counts, divided.
package struct ShareBelow: Metric, MetricType {
    package let name: String
    private let field: RecordSchema.Field
    let threshold: Threshold

    package static let spec = MetricSpec(
        name: "share_below", otherNames: ["fraction_below", "percent_below", "percentile_rank", "percentrank"],
        signature: "share_below(f, 300)",
        summary: "the exact share of the values that are below a number, from 0 to 1", weighsRecords: true)

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        guard
            let field = call.leadingField(in: input, spec, expected: MetricCall.numbers, &problems, \.isNumeric)
        else { return nil }
        let example = "for example share_below(\(field.field?.name ?? "duration_ms"), 300)"
        guard call.arguments.count == 2, case .number(let text, _, let location) = call.arguments[1] else {
            let place = call.arguments.count > 2 ? call.arguments[2].location : call.arguments.last?.location
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: place ?? call.functionLocation,
                    "share_below() takes a field and a number", hint: example))
            return nil
        }
        guard let threshold = Threshold(text) else {
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: location,
                    "share_below() cannot compare with \(text), expected a number of at most 18 digits without an exponent",
                    hint: example))
            return nil
        }
        return field.field.map { ShareBelow(name: name, field: $0, threshold: threshold) }
    }

    package var fields: [RecordSchema.Field] { [field] }
    package var identity: MetricIdentity { MetricIdentity("share_below", [threshold.text]) }

    package var columns: [ResultColumn] {
        [
            .shown(name, .double), .state(name + "_below", .integer, isNullable: false),
            .state(name + "_values", .integer, isNullable: false),
        ]
    }

    package var comments: [String] {
        [
            "share of the values of \(field.name) that are below \(threshold.text), from 0 to 1, exact; of several rows: "
                + "sum(\(name)_below)::float8 / sum(\(name)_values)",
            "number of values of \(field.name) that are below \(threshold.text)", "number of values of \(field.name)",
        ]
    }

    package func makeState() -> any MetricState {
        field.type == .double
            ? ShareBelowState<Double>(column: field.column, below: threshold.double)
            : ShareBelowState<Int64>(column: field.column, below: threshold.integer(scale: field.type.decimalPlaces))
    }

    package func makeResult() -> any MetricResult { ShareBelowResult(columns) }
}
