package import Dataflow
package import Declaration
package import Expressions

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
    /// The window's length in microseconds, nil without windows.
    package var windowMicroseconds: Int64?
    /// The batch column of the event time; there is one when there is a window.
    package var eventTimeColumn: Int?
    /// The fields of `by`, or of all grouping sets, in order of first appearance.
    package var keys: [Key]
    /// The sets that `grouping_sets` asks for, nil with a plain `by`.
    package var groupingSets: [GroupingSet]?
    /// The metrics in order.
    package var metrics: [MetricPlan]
    /// Where the keys are declared, nil for a plan without a file.
    package var keysPlace: SourceLocation?

    /// Creates a plan.
    package init(
        node: String, windowMicroseconds: Int64? = nil, eventTimeColumn: Int? = nil, keys: [Key],
        groupingSets: [GroupingSet]? = nil, metrics: [MetricPlan]
    ) {
        self.node = node
        self.windowMicroseconds = windowMicroseconds
        self.eventTimeColumn = eventTimeColumn
        self.keys = keys
        self.groupingSets = groupingSets
        self.metrics = metrics
    }

    /// The grouping sets in order; a plain `by` is one set of all keys.
    package var sets: [GroupingSet] { groupingSets ?? [GroupingSet(Array(keys.indices), of: keys)] }
}

/// One metric of a `summarize` node.
package struct MetricPlan: Sendable {
    /// What is computed.
    package enum Function: Sendable, Hashable {
        /// How many records.
        case count
        /// The exact sum of a numeric field.
        case sum
        /// The smallest value of a numeric or timestamp field.
        case min
        /// The largest value of a numeric or timestamp field.
        case max
        /// The mean of a numeric field.
        case avg
        /// How many distinct values.
        case uniques(HLLPreset)
        /// Quantiles in percent, as the user wrote them.
        case percentiles([Percentile])
    }

    /// A percentile: `p` in percent with the text the user wrote, from which the column is named.
    package struct Percentile: Sendable, Hashable {
        /// 0 to 100.
        package var percent: Double
        /// `95`, `99.9`, …
        package var text: String

        /// Creates a percentile.
        package init(percent: Double, text: String) {
            self.percent = percent
            self.text = text
        }

        /// `p95`, `p99_9`, …
        package var columnSuffix: String { "p" + String(text.map { $0 == "." ? "_" : $0 }) }
    }

    /// The precision of a `uniques` column.
    package enum HLLPreset: String, Sendable, CaseIterable {
        /// 1.6 % standard error, exact up to 8.
        case standard
        /// 1.6 % standard error, never exact, least memory.
        case compact
        /// 0.8 % standard error, exact up to 32.
        case precise
    }

    /// The metric's name: the table's column, or the stem of its columns.
    package var name: String
    /// What is computed.
    package var function: Function
    /// The batch column it reads, nil for `count()`.
    package var column: Int?
    /// The type of that column.
    package var type: ColumnType?
    /// The name of the field it reads, nil for `count()`.
    package var sourceField: String?
    /// Which records take part, nil for all.
    package var condition: TypedExpression?
    /// The condition as the user wrote it.
    package var conditionText: String?

    /// Creates a metric.
    package init(
        name: String, function: Function, column: Int? = nil, type: ColumnType? = nil, sourceField: String? = nil,
        condition: TypedExpression? = nil, conditionText: String? = nil
    ) {
        self.name = name
        self.function = function
        self.column = column
        self.type = type
        self.sourceField = sourceField
        self.condition = condition
        self.conditionText = conditionText
    }
}

extension SummaryPlan {
    /// The fields that its keys and metrics depend on.
    package var fieldNames: Set<String> {
        metrics.reduce(into: Set(keys.map(\.name))) { $0.formUnion($1.fieldNames) }
    }
}

extension MetricPlan {
    /// Whether its states read the hashes of its column.
    package var needsHashes: Bool { if case .uniques = function { true } else { false } }

    /// The condition as it was parsed.
    package var expression: Expression? {
        // It was parsed before, so it can be parsed.
        conditionText.flatMap { try? Expression.parse($0, at: SourceLocation(file: "", line: 1, column: 1)) }
    }

    /// The fields that the metric depends on.
    package var fieldNames: Set<String> {
        Set(sourceField.map { [$0] } ?? []).union(expression?.fieldNames ?? [])
    }
}
