import Declaration

/// A panel of a dashboard, with its query.
struct Panel: Encodable {
    struct Place: Encodable {
        var h = 0
        var w = 0
        var x = 0
        var y = 0
    }

    struct Target: Encodable {
        var refId = "A"
        var datasource = Dashboard.Source()
        var editorMode = "code"
        var rawQuery = true
        var format: String
        var rawSql: String
    }

    struct Property: Encodable {
        var id: String
        var value: String
    }

    struct Matcher: Encodable {
        var id = "byName"
        var options: String
    }

    struct Override: Encodable {
        var matcher: Matcher
        var properties: [Property]
    }

    struct Defaults: Encodable { var unit: String? }

    struct FieldConfig: Encodable {
        var defaults = Defaults()
        var overrides: [Override] = []
    }

    var id = 0
    var type: String
    var title: String
    var gridPos = Place()
    var datasource: Dashboard.Source?
    var targets: [Target] = []
    var fieldConfig = FieldConfig()

    init(type: String, title: String) { (self.type, self.title) = (type, title) }

    private init(_ type: String, _ title: String, _ chart: MetricChart?, format: String, sql: String) {
        self.init(type: type, title: title)
        datasource = Dashboard.Source()
        targets = [Target(format: format, rawSql: sql)]
        switch chart?.unit {
        case .share: fieldConfig.defaults.unit = "percentunit"
        case .moment: fieldConfig.defaults.unit = "dateTimeAsIso"
        case .number, nil: break
        }
    }

    /// How a metric changes over time; percentiles are a band, each filled down to the one below it.
    static func overTime(_ chart: MetricChart, _ table: TableCharts) -> Panel {
        var panel = Panel(
            "timeseries", "\(chart.name)", chart, format: "time_series",
            sql: """
                SELECT window_start AS "time",
                    \(lines(chart))
                FROM \(table.table)
                WHERE \(conditions(table, table.total))
                GROUP BY window_start ORDER BY window_start
                """)
        guard chart.isBand else { return panel }
        panel.fieldConfig.overrides = zip(chart.lines.dropFirst(), chart.lines).map { upper, lower in
            Override(
                matcher: Matcher(options: upper.name),
                properties: [Property(id: "custom.fillBelowTo", value: lower.name)])
        }
        return panel
    }

    /// A metric of a table without windows.
    static func total(_ chart: MetricChart, _ table: TableCharts) -> Panel {
        let condition = table.total.map { "\nWHERE \($0)" } ?? ""
        return Panel(
            "stat", chart.name, chart, format: "table",
            sql: "SELECT \(lines(chart))\nFROM \(table.table)\(condition)")
    }

    /// All metrics by the values of a key, those first of which the first metric has most.
    static func top(_ table: TableCharts, _ key: (column: String, title: String, rows: String?)) -> Panel {
        let values = table.charts.map(lines).joined(separator: ",\n    ")
        return Panel(
            "table", "By \(key.title)", nil, format: "table",
            sql: """
                SELECT \(key.column),
                    \(values)
                FROM \(table.table)
                WHERE \(conditions(table, key.rows))
                GROUP BY \(key.column) ORDER BY 2 DESC NULLS LAST LIMIT 20
                """)
    }

    private static func lines(_ chart: MetricChart) -> String {
        chart.lines.map { "\($0.value) AS \(SQLWord.name($0.name))" }.joined(separator: ",\n    ")
    }

    private static func conditions(_ table: TableCharts, _ rows: String?) -> String {
        let all = [table.hasWindow ? "$__timeFilter(window_start)" : nil, rows].compactMap(\.self)
        return all.isEmpty ? "true" : all.joined(separator: " AND ")
    }
}
