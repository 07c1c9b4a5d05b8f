import Dataflow
package import Declaration
package import Expressions
import Sketches

/// `top(f, n)`: the most frequent values with their counts.
package struct Top: Metric, MetricType {
    package let name: String
    private let field: RecordSchema.Field
    let number: Int

    package static let spec = MetricSpec(
        name: "top",
        otherNames: [
            "topk", "top_k", "topn", "top_n", "approx_top_k", "approx_top_count", "approx_top_sum", "heavy_hitters",
            "frequent_items", "most_frequent",
        ],
        advice: ["mode": "top(f, 1)"],
        signature: "top(f, 20)",
        summary: "the most frequent values with their counts, at most so many, as a list in JSON: exact up to 1,024 "
            + "distinct values, estimates with their error beyond")

    /// The most values that are shown: each is some 40 bytes in every row.
    private static let numberMax = 100

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        guard
            let field = call.leadingField(
                in: input, spec, expected: "text, integer, decimal or boolean", &problems, { ItemKind($0) != nil })
        else { return nil }
        let example = "for example top(\(field.field?.name ?? "country"), 20)"
        guard call.arguments.count == 2, case .number(let text, _, let location) = call.arguments[1] else {
            let place = call.arguments.count > 2 ? call.arguments[2].location : call.arguments.last?.location
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: place ?? call.functionLocation,
                    "top() takes a field and how many values to show", hint: example))
            return nil
        }
        guard let number = Int(text), (1...numberMax).contains(number) else {
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: location,
                    "top() cannot show \(text) values, expected a whole number from 1 to \(numberMax)", hint: example))
            return nil
        }
        guard let field = field.field, ItemKind(field.type) != nil else { return nil }
        return Top(name: name, field: field, number: number)
    }

    package var fields: [RecordSchema.Field] { [field] }
    package var needsPlaces: Bool { true }
    package var identity: MetricIdentity { MetricIdentity("top") }

    package var columns: [ResultColumn] {
        let sketch = name + "_sketch"
        return [
            .shown(
                name, .json, isNullable: false, reading: ResultColumn.Reading("top_json", of: sketch, ["\(number)"])),
            .state(sketch, .bytes, isNullable: false),
        ]
    }

    package var comments: [String] {
        [
            "the \(number) most frequent values of \(field.name) with their counts; exact up to 1,024 distinct values, "
                + "beyond that the true count is within error of count",
            "sketch of all values of \(field.name): unite rows with millrace.top_merge, read with millrace.top",
        ]
    }

    private var kind: ItemKind {
        guard let kind = ItemKind(field.type) else { preconditionFailure("the field's type was checked") }
        return kind
    }

    package func makeState() -> any MetricState { TopState(column: field.column, type: field.type) }

    package func makeResult() -> any MetricResult { TopResult(columns, kind, number: number) }
}

extension ItemKind {
    /// How values of a field are counted, nil for types whose values are not.
    init?(_ type: ColumnType) {
        switch type {
        case .text: self = .text
        case .boolean: self = .boolean
        case .integer: self = .integer
        case .decimal(let scale): self = .decimal(scale: scale)
        case .double, .timestamp: return nil
        }
    }
}
