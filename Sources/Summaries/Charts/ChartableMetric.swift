import Dataflow
package import Declaration

/// A metric whose rows can be merged in SQL, so that it can be drawn for any stretch of time and any rows.
package protocol ChartableMetric: Metric {
    /// The metric over many rows of its table; nil where nothing of it can be drawn.
    var chart: MetricChart? { get }
}

extension Metric {
    /// A column in SQL.
    func sql(_ column: Int) -> String { SQLWord.name(columns[column].name) }
}

extension SummaryPlan {
    /// What can be drawn of a table of this summary.
    /// - Parameters:
    ///   - table: the table in SQL.
    ///   - title: the table as the topology names it.
    package func charts(of table: String, titled title: String) -> TableCharts {
        var conditions: [String] = []
        if windows.count > 1 { conditions.append("window_size = \(SQLWord.literal(windows[0].name))") }
        func rows(of set: GroupingSet?) -> String? {
            let own = groupingSets == nil ? nil : set.map { "grouping_set = \(SQLWord.literal($0.name))" }
            let all = conditions + [own].compactMap(\.self)
            return all.isEmpty ? nil : all.joined(separator: " AND ")
        }
        // The set with the fewest rows that still has all records; each has.
        let coarsest = sets.min { $0.keys.count < $1.keys.count }
        var key: (column: String, title: String, rows: String?)?
        if let place = keys.indices.first(where: { keys[$0].type == .text }) {
            let set = sets.filter { $0.keys.contains(place) }.min { $0.keys.count < $1.keys.count }
            if let set { key = (SQLWord.name(keys[place].name), keys[place].name, rows(of: set)) }
        }
        return TableCharts(
            table: table, title: title, hasWindow: !windows.isEmpty, total: rows(of: coarsest), key: key,
            charts: metrics.compactMap { ($0.metric as? any ChartableMetric)?.chart })
    }
}
