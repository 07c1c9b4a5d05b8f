package import Declaration

extension Average: ChartableMetric {
    package var chart: MetricChart? {
        MetricChart(name: name, lines: [.init(name, "sum(\(sql(1))) / nullif(sum(\(sql(2))), 0)")])
    }
}
