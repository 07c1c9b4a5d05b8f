import Dataflow
package import Declaration
import Expressions

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
        let metrics = metrics.compactMap { $0.metric as? any ChartableMetric }
        return TableCharts(
            table: table, title: title, window: windows.first.map(Self.chart), total: rows(of: coarsest), key: key,
            charts: metrics.compactMap(\.chart) + generated.compactMap(chart), lists: metrics.compactMap(\.list))
    }

    private static func chart(_ window: NamedWindow) -> WindowChart {
        let function = window.function
        return (function as? any ChartableWindow)?.chart
            ?? WindowChart(length: function.longest, every: function.longest)
    }

    /// A computed column over many rows: computed anew from its metrics over those rows, since ratios do not add up. Nil
    /// where one of them cannot be merged.
    private func chart(_ column: GeneratedColumn) -> MetricChart? {
        var merged: [GeneratedColumn.Source: String] = [:]
        for source in column.formula.names {
            let chart = (metrics[source.metric].metric as? any ChartableMetric)?.chart
            guard let line = chart?.lines.first(where: { $0.column == source.name }) else { return nil }
            merged[source] = "(\(line.value))"
        }
        return MetricChart(
            name: column.name, lines: [.init(column.name, column.sql { merged[$0] ?? SQLWord.name($0.name) })])
    }
}
