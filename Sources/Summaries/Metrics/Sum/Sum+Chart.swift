package import Declaration

extension Sum: ChartableMetric {
    package var chart: MetricChart? { MetricChart(name: name, lines: [.init(name, "sum(\(sql(0)))")]) }
}
