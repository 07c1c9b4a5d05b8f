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
    /// How far back it looks, nil for the time range of the dashboard.
    var timeFrom: String?
    var targets: [Target] = []
    var fieldConfig = FieldConfig()

    init(type: String, title: String) { (self.type, self.title) = (type, title) }

    fileprivate init(_ type: String, _ title: String, format: String, unit: String? = nil, sql: String) {
        self.init(type: type, title: title)
        datasource = Dashboard.Source()
        targets = [Target(format: format, rawSql: sql)]
        fieldConfig.defaults.unit = unit
    }
}

extension Panel {
    /// The panels of a table: its metrics, its lists of frequent values, and all metrics by a key.
    static func all(of table: TableCharts) -> [Panel] {
        var panels = table.charts.compactMap { chart in
            table.window == nil ? total(chart, table) : overTime(chart, table)
        }
        panels += table.lists.map { list($0, table) }
        if let key = table.key, !table.charts.isEmpty { panels.append(by(key, table)) }
        return panels
    }

    /// How a metric changes over time; percentiles are a band, each filled down to the one below it. Nil for moments, which
    /// are no figures to draw.
    private static func overTime(_ chart: MetricChart, _ table: TableCharts) -> Panel? {
        guard chart.unit != .moment else { return nil }
        let lines = chart.lines.map { ($0.name, $0.value) }
        var panel = Panel(
            "timeseries", chart.name, format: "time_series", unit: chart.unit == .share ? "percentunit" : nil,
            sql: """
                SELECT window_start AS "time",
                    \(columns(lines))
                FROM \(table.table)
                WHERE \(conditions(table, table.total, addsUp: false))
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
    private static func total(_ chart: MetricChart, _ table: TableCharts) -> Panel {
        // Such a panel shows numbers: a moment is so many milliseconds.
        let (unit, lines): (String?, [(String, String)]) =
            switch chart.unit {
            case .share: ("percentunit", chart.lines.map { ($0.name, $0.value) })
            case .moment: ("dateTimeAsIso", chart.lines.map { ($0.name, "extract(epoch FROM \($0.value)) * 1000") })
            case .number: (nil, chart.lines.map { ($0.name, $0.value) })
            }
        let condition = table.total.map { "\nWHERE \($0)" } ?? ""
        return Panel(
            "stat", chart.name, format: "table", unit: unit,
            sql: "SELECT \(columns(lines))\nFROM \(table.table)\(condition)")
    }

    /// The most frequent values, and each one's share of all.
    private static func list(_ list: ListChart, _ table: TableCharts) -> Panel {
        var panel = Panel(
            "table", list.name, format: "table",
            sql: """
                SELECT t.value, t.count, t.error, t.count::float8 / millrace.top_total(merged.sketch) AS share
                FROM (SELECT \(list.sketch) AS sketch
                    FROM \(table.table)
                    WHERE \(conditions(table, table.total, addsUp: true))) AS merged,
                    millrace.top(merged.sketch, \(list.number)) AS t
                ORDER BY t.count DESC, t.value
                """)
        panel.fieldConfig.overrides = [
            Override(matcher: Matcher(options: "share"), properties: [Property(id: "unit", value: "percentunit")])
        ]
        return panel
    }

    /// All metrics by the values of a key, those first of which the first metric has most.
    private static func by(_ key: (column: String, title: String, rows: String?), _ table: TableCharts) -> Panel {
        let lines = table.charts.flatMap { chart in
            chart.lines.map { (chart.lines.count > 1 ? "\(chart.name) \($0.name)" : $0.name, $0.value) }
        }
        return Panel(
            "table", "By \(key.title)", format: "table",
            sql: """
                SELECT \(key.column),
                    \(columns(lines))
                FROM \(table.table)
                WHERE \(conditions(table, key.rows, addsUp: true))
                GROUP BY \(key.column) ORDER BY 2 DESC NULLS LAST LIMIT 20
                """)
    }

    private static func columns(_ lines: [(name: String, value: String)]) -> String {
        lines.map { "\($0.value) AS \(SQLWord.name($0.name))" }.joined(separator: ",\n    ")
    }

    /// The rows of a panel: those whose windows the time range touches.
    /// - Parameter addsUp: whether rows of several windows are merged, of which no two may then overlap.
    private static func conditions(_ table: TableCharts, _ rows: String?, addsUp: Bool) -> String {
        var all: [String?] = []
        if let window = table.window {
            all = [window.reaches("$__timeFrom()::timestamptz"), "window_start <= $__timeTo()::timestamptz"]
            if addsUp { all.append(window.apart) }
        }
        let known = (all + [rows]).compactMap(\.self)
        return known.isEmpty ? "true" : known.joined(separator: " AND ")
    }
}
