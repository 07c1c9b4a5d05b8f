import Dataflow
package import Declaration
package import Expressions
import Sketches

/// `percentiles(f, 50, 95, 99)`: the values below which so many percent of all values lie.
package struct Percentiles: Metric, MetricType {
    package let name: String
    private let field: RecordSchema.Field
    let percentiles: [Percentile]

    /// The metric under a name.
    package init(_ name: String, of field: RecordSchema.Field, _ percentiles: [Percentile]) {
        self.name = name
        self.field = field
        self.percentiles = percentiles
    }

    package static let spec = MetricSpec(
        name: "percentiles",
        otherNames: ["percentile", "quantile", "quantiles", "percentile_cont"],
        advice: ["median": "percentiles(f, 50)"],
        signature: "percentiles(f, 50, 95, 99)",
        summary:
            "percentiles of numbers, each in a column of its own, with percents from 0 to 100, those below 1 beside one above",
        weighsRecords: true)

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        guard
            let field = call.leadingField(in: input, spec, expected: MetricCall.numbers, &problems, \.isNumeric)
        else { return nil }
        let percentiles = Percentile.list(of: call, &problems)
        return field.field.map { Percentiles(name, of: $0, percentiles) }
    }

    package var fields: [RecordSchema.Field] { [field] }
    /// Which percentiles are shown does not change what a sketch holds.
    package var identity: MetricIdentity { MetricIdentity("percentiles") }

    package var columns: [ResultColumn] {
        let sketch = name + "_sketch"
        return percentiles.map {
            .shown(
                name + "_" + $0.columnSuffix, .double,
                reading: ResultColumn.Reading("percentile", of: sketch, ["\($0.percent) / 100"]),
                bounds: ResultColumn.Bounds(
                    low: ResultColumn.Reading("percentile_low", of: sketch, ["\($0.percent) / 100"]),
                    high: ResultColumn.Reading("percentile_high", of: sketch, ["\($0.percent) / 100"])))
        } + [.state(sketch, .bytes, isNullable: false)]
    }

    package var comments: [String] {
        let sketch = name + "_sketch"
        return percentiles.map {
            "percentile \($0.text) of \(field.name), in its unit, at most 0.5416 % off while the values lie within a factor "
                + "of 2^32; bounds: millrace.percentile_low(\(sketch), \($0.text) / 100.0) and percentile_high; does not "
                + "add up over rows: merge the sketches"
        } + [
            "sketch of the values of \(field.name); merged with millrace.percentiles_merge, read with "
                + "millrace.percentile(\(sketch), 0.95)"
        ]
    }

    package func makeState() -> any MetricState { PercentilesState(column: field.column, type: field.type) }

    package func makeResult() -> any MetricResult {
        PercentilesResult(percentiles, QuantileValueKind(field.type), sketch: name + "_sketch")
    }
}
