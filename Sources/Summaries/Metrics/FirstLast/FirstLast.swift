import Dataflow
package import Declaration
package import Expressions

/// `first(f)` and `last(f)`: the value of the record with the earliest or the latest event time that has one.
///
/// Of records with the same event time the one that stands first, or last, in the log: by a hash of topic and partition, then
/// by offset. So the result is a function of the log alone.
package struct FirstLast: Metric {
    package let name: String
    private let field: RecordSchema.Field
    private let timeColumn: Int
    let isLast: Bool

    static func compile(
        _ call: MetricCall, _ spec: MetricSpec, named name: String, input: RecordSchema, isLast: Bool,
        _ problems: inout Diagnostics
    ) -> (any Metric)? {
        let field = call.onlyField(in: input, spec, expected: "a field", &problems) { _ in true }
        guard let timeColumn = input.eventTimeColumn else {
            if !input.eventTimeIsUnresolved {
                problems.append(
                    Diagnostic(
                        code: "no-event-time", at: call.functionLocation, "\(call.function)() needs an event time",
                        hint: "add `event_time: <timestamp field>` to the parse_json node"))
            }
            return nil
        }
        return field.map { FirstLast(name: name, field: $0, timeColumn: timeColumn, isLast: isLast) }
    }

    package var fields: [RecordSchema.Field] { [field] }
    package var needsEventTime: Bool { true }
    package var needsPlaces: Bool { true }
    package var identity: MetricIdentity { MetricIdentity(isLast ? "last" : "first") }

    package var columns: [ResultColumn] {
        [
            .total(name, ResultColumn.Kind(field.type)), .state(name + "_time", .timestamp),
            .state(name + "_place", .bytes),
        ]
    }

    package var comments: [String] {
        let which = isLast ? "latest" : "earliest"
        return [
            "\(field.name) of the record with the \(which) event time that has a value",
            "event time of that record",
            "place of that record in the log, by which records of one event time are ordered",
        ]
    }

    package func makeState() -> any MetricState {
        FirstLastState(column: field.column, type: field.type, timeColumn: timeColumn, isLast: isLast)
    }

    package func makeResult() -> any MetricResult { FirstLastResult(columns, type: field.type, isLast: isLast) }
}

/// `first(f)`.
package enum First: MetricType {
    package static let spec = MetricSpec(
        name: "first", otherNames: ["first_value", "earliest", "any_value", "argmin", "arg_min", "min_by"],
        signature: "first(f)", summary: "the value of the record with the earliest event time that has one")

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        FirstLast.compile(call, spec, named: name, input: input, isLast: false, &problems)
    }
}

/// `last(f)`.
package enum Last: MetricType {
    package static let spec = MetricSpec(
        name: "last", otherNames: ["last_value", "latest", "argmax", "arg_max", "max_by"], signature: "last(f)",
        summary: "of the one with the latest")

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        FirstLast.compile(call, spec, named: name, input: input, isLast: true, &problems)
    }
}
