package import Declaration

extension Top: ChartableMetric {
    /// Lists are not drawn over time.
    package var chart: MetricChart? { nil }

    /// Lists do not add up; their sketches do.
    package var list: ListChart? {
        ListChart(name: name, sketch: "millrace.top_merge(\(sql(1)))", number: number)
    }
}
