package import Declaration

extension Uniques: ChartableMetric {
    /// Distinct values do not add up; their sketches do.
    package var chart: MetricChart? {
        let merged = "millrace.uniques_merge(\(sql(1)))"
        return MetricChart(
            name: name, lines: [.init(name, "round(millrace.uniques_estimate(\(merged), sum(\(sql(2)))))")],
            bounds: (low: "millrace.uniques_low(\(merged))", high: "millrace.uniques_high(\(merged))"))
    }
}
