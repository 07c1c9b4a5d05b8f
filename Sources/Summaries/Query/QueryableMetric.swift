package import Declaration

/// A metric that aggregates of Postgres can answer.
package protocol QueryableMetric: Metric {
    /// The aggregates that answer its shown columns, in their order.
    /// - Parameter records: which records take part.
    func aggregates(_ records: AggregatedRecords) -> [Aggregate]
}

/// An aggregate over the records of a group.
package struct Aggregate: Sendable {
    /// The expression in SQL.
    package var text: String
    /// How its value and the table's compare.
    package var agreement: TableQueryColumn.Agreement
    /// What is not the same where records stand in several partitions.
    package var remarkOnPartitions: String?

    /// An aggregate.
    package init(_ text: String, _ agreement: TableQueryColumn.Agreement = .exact) {
        self.text = text
        self.agreement = agreement
    }
}

/// The records of a group that take part in a metric.
package struct AggregatedRecords: Sendable {
    /// The metric's condition in SQL, nil for all records.
    package var condition: String?

    /// The records that fulfil a condition.
    package init(where condition: String?) { self.condition = condition }

    /// What stands behind an aggregate over them: nothing, or a FILTER.
    /// - Parameter other: one more condition.
    package func filter(_ other: String? = nil) -> String {
        let all = [other, condition].compactMap(\.self)
        return all.isEmpty ? "" : " FILTER (WHERE \(all.joined(separator: " AND ")))"
    }
}
