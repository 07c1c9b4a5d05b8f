import Dataflow
package import Declaration
package import Expressions
import Sketches

/// `uniques(f)`: about how many distinct values.
package struct Uniques: Metric, MetricType {
    /// How precise it is.
    package enum Precision: String, Sendable, CaseIterable {
        /// 1.6 % standard error, never exact, least memory.
        case compact
        /// 1.6 % standard error, exact up to 8.
        case standard
        /// 0.8 % standard error, exact up to 32.
        case precise
    }

    package let name: String
    private let field: RecordSchema.Field
    let precision: Precision

    /// The metric under a name.
    package init(_ name: String, of field: RecordSchema.Field, _ precision: Precision = .standard) {
        self.name = name
        self.field = field
        self.precision = precision
    }

    package static let spec = MetricSpec(
        name: "uniques",
        otherNames: [
            "distinct", "count_distinct", "countdistinct", "approx_count_distinct", "unique", "uniq", "cardinality",
        ],
        signature: "uniques(f)",
        summary: "about how many distinct values there are (in quotes, `\"uniques(f, precision: precise)\"` is more "
            + "precise, and `compact` takes less memory)",
        options: [MetricSpec.Option("precision", Precision.allCases.map(\.rawValue))])

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        guard let field = call.field(in: input, &problems) else { return nil }
        call.expectOneField(&problems, hint: precisionHint(call))
        call.checkOptions(spec, &problems)
        guard let precision = precision(call, &problems), let field = field.field else { return nil }
        return Uniques(name, of: field, precision)
    }

    private static func precision(_ call: MetricCall, _ problems: inout Diagnostics) -> Precision? {
        guard let option = call.option("precision") else { return .standard }
        guard case .word(let text) = option.value, let precision = Precision(rawValue: text) else {
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: option.valueLocation,
                    "unknown precision, expected \(spec.options[0].expectation)"))
            return nil
        }
        return precision
    }

    /// `uniques(user, precise)` as it works.
    private static func precisionHint(_ call: MetricCall) -> String? {
        guard call.arguments.count > 1, case .field(let field, _) = call.arguments[0],
            case .field(let word, _) = call.arguments[1], Precision(rawValue: word) != nil
        else { return nil }
        return "write \"uniques(\(field), precision: \(word))\" in quotes"
    }

    package var fields: [RecordSchema.Field] { [field] }
    package var neededHash: Int? { field.column }
    package var identity: MetricIdentity { MetricIdentity("uniques", [precision.rawValue]) }

    package var columns: [ResultColumn] {
        [
            .shown(
                name, .integer, isNullable: false,
                bounds: ResultColumn.Bounds(
                    low: ResultColumn.Reading("uniques_low", of: name + "_sketch"),
                    high: ResultColumn.Reading("uniques_high", of: name + "_sketch"), atMost: name + "_values")),
            .state(name + "_sketch", .bytes, isNullable: false),
            .state(name + "_values", .integer, isAddedLater: true),
        ]
    }

    package var comments: [String] {
        let field = field.name
        return [
            "distinct values of \(field), \(precision.error); bounds: millrace.uniques_low(\(name)_sketch), "
                + "millrace.uniques_high(\(name)_sketch); does not add up over rows: merge the sketches",
            "sketch of the distinct values of \(field); merged with millrace.uniques_merge, read with "
                + "millrace.uniques_estimate(\(name)_sketch, \(name)_values)",
            "number of values of \(field) that the sketch has seen, which the estimate does not exceed",
        ]
    }

    package func makeState() -> any MetricState {
        UniquesState(column: field.column, parameters: precision.parameters)
    }

    package func makeResult() -> any MetricResult { UniquesResult(columns, precision.parameters) }
}

extension Uniques.Precision {
    /// How far the estimate is from the truth.
    fileprivate var error: String {
        let error = (parameters.standardError * 1_000).rounded() / 10
        let exact = parameters.explicitThreshold > 0 ? ", exact up to \(parameters.explicitThreshold)" : ""
        return "relative standard error \(error) %\(exact)"
    }

    /// The sketch parameters behind it.
    fileprivate var parameters: HyperLogLogParameters {
        switch self {
        case .compact: .compact
        case .standard: .standard
        case .precise: .precise
        }
    }
}
