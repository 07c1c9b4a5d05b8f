package import Declaration

extension ShareBelow: ChartableMetric {
    package var chart: MetricChart? {
        let share = "sum(\(sql(1))) / nullif(sum(\(sql(2))), 0)"
        return MetricChart(name: name, lines: [.init(name, share)], unit: .share)
    }
}
