package import Declaration
package import Expressions
import Platform

/// The metric types that a summary may have, in the order of the reference page. Nothing registers itself.
package struct MetricCatalog: Sendable {
    /// Those of Millrace.
    package static let all = MetricCatalog([
        Count.self, Sum.self, Minimum.self, Maximum.self, Average.self, Uniques.self, Percentiles.self,
        Top.self, First.self, Last.self, ShareBelow.self,
    ])

    /// The types.
    package var types: [any MetricType.Type]

    /// A catalog of some types, each name once.
    package init(_ types: [any MetricType.Type]) { self.types = types }

    /// Whether the metric of a call depends on how many records have a value.
    func weighsRecords(_ call: MetricCall) -> Bool {
        types.contains { $0.spec.name == call.function && $0.spec.weighsRecords }
    }

    private var names: [String] { types.map { $0.spec.name } }

    /// Makes a metric of a call.
    /// - Parameters:
    ///   - name: the name that the user gave the metric.
    ///   - problems: gets everything that is wrong with the call.
    /// - Returns: the metric, of no use when there are problems; nil when a problem says why there is none.
    package func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        guard let type = types.first(where: { $0.spec.name == call.function }) else {
            let other = types.lazy.compactMap { $0.spec.otherNames[call.function.lowercased()] }.first
            problems.append(
                Diagnostic(
                    code: "unknown-metric", at: call.functionLocation,
                    "unknown metric '\(call.function)', expected one of \(names.joined(separator: ", "))",
                    hint: other.map { "did you mean '\($0)'?" } ?? Suggestion.hint(for: call.function, in: names)))
            return nil
        }
        return type.compile(call, named: name, input: input, &problems)
    }

    /// The metrics for the reference page.
    package var reference: String {
        types.map { "`\($0.spec.signature)`, \($0.spec.summary)" }.joined(separator: "; ")
    }
}
