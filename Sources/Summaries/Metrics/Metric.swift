package import Declaration
package import Expressions

/// A type of metric: it declares itself, checks its calls, and makes metrics.
///
/// A metric type is one folder and one line of the catalog. Nothing else knows it by name.
package protocol MetricType: Sendable {
    /// What a call of it may hold.
    static var spec: MetricSpec { get }

    /// Checks a call against the records that feed it.
    ///
    /// Where a diagnostic has said already that something is no good, it goes on with what is known and is silent.
    /// - Parameters:
    ///   - name: the name that the user gave the metric: the column, or the stem of its columns.
    ///   - problems: gets everything that is wrong with the call.
    /// - Returns: the metric, of no use when there are problems; nil when a problem says why there is none.
    static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)?
}

/// A checked metric: what it reads, what it keeps per group, and which columns it makes of that.
///
/// Sinks see its columns and its result, and never ask which metric it is.
package protocol Metric: Sendable {
    /// The name that the user gave it.
    var name: String { get }
    /// The fields that it reads, in the order of the call.
    var fields: [RecordSchema.Field] { get }
    /// The column whose hashes it reads, nil when it reads none.
    var neededHash: Int? { get }
    /// Whether its values depend on the event time.
    var needsEventTime: Bool { get }
    /// Whether its states are told where in the log a record stands (`PlacedState`).
    var needsPlaces: Bool { get }
    /// What decides what its state means; a table in which it is another is refused.
    var identity: MetricIdentity { get }
    /// The columns that it makes, the shown ones first. They are addressed by their position here.
    var columns: [ResultColumn] { get }
    /// What each column holds, for people: what it is, in which unit, how exact. In the order of `columns`.
    var comments: [String] { get }
    /// Whether its value is the number of all records of a group, so that no count of a part of them exceeds it.
    var countsRecords: Bool { get }

    /// An empty state.
    func makeState() -> any MetricState
    /// What shows and merges its states, a group at a time.
    func makeResult() -> any MetricResult
}

extension Metric {
    /// None.
    package var neededHash: Int? { nil }
    /// No.
    package var needsEventTime: Bool { false }
    /// No.
    package var needsPlaces: Bool { false }
    /// No.
    package var countsRecords: Bool { false }

    /// The call that makes them.
    package var comments: [String] {
        let call = "\(identity.function)(\(fields.map(\.name).joined(separator: ", ")))"
        return columns.map { $0.isShown ? call : "state of \(call), by which rows are merged" }
    }
}

/// What a metric computes, apart from its fields and its condition.
///
/// It is kept with each table, so it must not change from version to version. What only decides how a state is shown,
/// such as which percentiles, is no part of it.
package struct MetricIdentity: Hashable, Sendable {
    /// The function.
    package var function: String
    /// What else decides what the state means, such as a precision.
    package var options: [String]

    /// An identity.
    package init(_ function: String, _ options: [String] = []) {
        self.function = function
        self.options = options
    }
}
