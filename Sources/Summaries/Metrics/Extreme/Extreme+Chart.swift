package import Declaration

extension Extreme: ChartableMetric {
    package var chart: MetricChart? {
        MetricChart(
            name: name, lines: [.init(name, "\(identity.function)(\(sql(0)))")],
            unit: columns[0].kind == .timestamp ? .moment : .number)
    }
}
