import Dataflow
package import Declaration

/// A metric whose rows can be merged in SQL, so that it can be drawn for any stretch of time and any rows.
package protocol ChartableMetric: Metric {
    /// The metric over many rows of its table; nil where nothing of it can be drawn.
    var chart: MetricChart? { get }
    /// Its most frequent values over many rows; nil where it keeps none.
    var list: ListChart? { get }
}

extension ChartableMetric {
    /// None.
    package var list: ListChart? { nil }
}

extension Metric {
    /// A column in SQL.
    func sql(_ column: Int) -> String { SQLWord.name(columns[column].name) }
}
