package import Dataflow
package import Declaration

/// What a `summarize` node does, checked and resolved against the schema of its input.
package struct SummaryPlan: GroupSchema {
    /// One part of a group's key.
    package struct Key: Sendable {
        /// The name of the table's column.
        package var name: String
        /// The type of the table's column.
        package var type: ColumnType
        /// The batch column it is read from.
        package var column: Int
        /// The longest text there can be, in bytes; nil for other types.
        package var textBytesMax: Int?

        /// Creates a part of a key.
        package init(name: String, type: ColumnType, column: Int, textBytesMax: Int? = nil) {
            self.name = name
            self.type = type
            self.column = column
            self.textBytesMax = textBytesMax
        }
    }

    /// The node's name.
    package var node: String
    /// How event time is cut into windows; none: all time is one.
    package var windows: [NamedWindow]
    /// The batch column of the event time; there is one when there is a window.
    package var eventTimeColumn: Int?
    /// The fields of `by`, or of all grouping sets, in order of first appearance.
    package var keys: [Key]
    /// The sets that `grouping_sets`, `rollup` or `cube` asks for, nil with a plain `by`.
    package var groupingSets: [GroupingSet]?
    /// The metrics in order.
    package var metrics: [MetricPlan]
    /// Which records are too late or too early; nil: none.
    package var bounds: EventTimeBounds?
    /// The columns that are computed from the metrics of a row.
    package var generated: [GeneratedColumn] = []
    /// The places, by window and then by set, of the groups that somebody asks for; nil: all.
    var wanted: Set<Int>?
    /// Where the keys are declared, nil for a plan without a file.
    package var keysPlace: SourceLocation?

    /// Creates a plan.
    package init(
        node: String, window: (any WindowFunction)? = nil, eventTimeColumn: Int? = nil, keys: [Key],
        groupingSets: [GroupingSet]? = nil, metrics: [MetricPlan]
    ) {
        self.node = node
        windows = NamedWindow.list(window.map { [$0] } ?? [])
        self.eventTimeColumn = eventTimeColumn
        self.keys = keys
        self.groupingSets = groupingSets
        self.metrics = metrics
    }

    /// The grouping sets in order; a plain `by` is one set of all keys.
    package var sets: [GroupingSet] { groupingSets ?? [GroupingSet(Array(keys.indices), of: keys)] }
}

extension SummaryPlan {
    /// Whether it matters where in the log a record stands.
    package var needsPlaces: Bool { metrics.contains { $0.metric.needsPlaces } }

    /// The fields that its keys and metrics depend on.
    package var fieldNames: Set<String> {
        let zones = windows.compactMap(\.function.zoneField?.name)
        return metrics.reduce(into: Set(keys.map(\.name) + zones)) { $0.formUnion($1.fieldNames) }
    }
}
