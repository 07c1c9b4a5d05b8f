package import Declaration

extension Percentiles: ChartableMetric {
    /// Percentiles of many rows are read from their merged sketches.
    package var chart: MetricChart? {
        let sketch = "millrace.percentiles_merge(\(sql(columns.count - 1)))"
        let lines = percentiles.sorted { $0.percent < $1.percent }.map { percentile in
            MetricChart.Line(
                "p\(percentile.text)",
                "millrace.percentile(\(sketch), \(percentile.percent) / 100)",
                column: name + "_" + percentile.columnSuffix)
        }
        return MetricChart(name: name, lines: lines, isBand: true, sketch: sketch)
    }
}
