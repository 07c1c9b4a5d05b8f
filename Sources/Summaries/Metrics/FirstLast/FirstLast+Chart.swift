import Dataflow
package import Declaration

extension FirstLast: ChartableMetric {
    /// Only numbers are drawn.
    package var chart: MetricChart? {
        guard fields[0].type.isNumeric else { return nil }
        let order = "\(sql(1))\(isLast ? " DESC" : ""), \(sql(2))\(isLast ? " DESC" : "")"
        let values = "array_agg(\(sql(0)) ORDER BY \(order)) FILTER (WHERE \(sql(0)) IS NOT NULL)"
        return MetricChart(name: name, lines: [.init(name, "(\(values))[1]")])
    }
}
