import Catalog
import Declaration
import Foundation
import Postgres
import WebPage

/// The tables of a topology, for the page: charts and rows with the SQL that made them.
struct PageTables {
    /// Values of a key that one can choose from, and rows by key.
    private static let (valuesMax, rowsMax) = (50, 20)
    /// Points of a chart: one with more windows is drawn for the newest of them.
    private static let pointsMax = 1_500
    /// Columns of a heat map, and bars of each: they are as many shapes.
    private static let (columnsMax, barsMax) = (48, 16)

    private let request: PageRequest
    private let topology: TopologyFigures
    private let tables: [TableCharts]
    private let range: TablesPage.Range
    private let table: TableCharts?

    private let deadline: ContinuousClock.Instant

    /// - Parameter deadline: what is not read by then is said not to be.
    init(
        _ request: PageRequest, _ topology: TopologyFigures, _ tables: [TableCharts],
        before deadline: ContinuousClock.Instant
    ) {
        self.deadline = deadline
        self.request = request
        self.topology = topology
        self.tables = tables
        range = request.query["range"].flatMap(TablesPage.Range.init(rawValue:)) ?? .day
        table = tables.first { $0.title == request.query["table"] } ?? tables.first
    }

    func page(_ catalog: inout Catalog) throws -> TablesPage {
        var page = TablesPage(
            request: request, topology: topology, tables: tables.map(\.title), table: table?.title, range: range)
        guard let table else { return page }
        guard try catalog.exists(table.table) else {
            page.complaint =
                "The catalogue's database has no table \(table.title): it is not made yet, or is in another database."
            return page
        }
        let chosen = request.query["key"].flatMap(TablesPage.KeyValue.init(query:))
        if let key = table.key {
            page.key = (key.title, try values(of: key, table, &catalog), chosen)
        }
        let condition = condition(table, chosen)
        if table.window != nil {
            // Moments are no figures to draw.
            for chart in table.charts where chart.unit != .moment {
                page.charts.append(try draw(chart, table, condition, &catalog))
                guard let sketch = chart.sketch else { continue }
                let apart = Self.merging(condition, table)
                page.charts.append(try drawSpread(chart, sketch, table, apart, &catalog))
            }
        }
        if !table.charts.isEmpty { page.rows = try rows(table, chosen, &catalog) }
        return page
    }

    private static let tooLong =
        "The database has not answered this in the time that a page has: choose a shorter range, or run the SQL yourself."

    private var secondsLeft: Double { (deadline - .now) / .seconds(1) }

    /// The windows that are shown, and which rows of them count every record once.
    private func condition(_ table: TableCharts, _ chosen: TablesPage.KeyValue?) -> String {
        var all: [String] = []
        if let window = table.window, let seconds = range.seconds {
            let begin = Int64(Date.now.timeIntervalSince1970 - seconds) / 60 * 60
            all.append(window.reaches(SQLWord.timestamp(begin * 1_000_000)))
        }
        if let chosen, let key = table.key {
            let isIt = chosen.text.map { "\(key.column)::text = \(SQLWord.literal($0))" } ?? "\(key.column) IS NULL"
            all += [key.rows, isIt].compactMap(\.self)
        } else {
            all += [table.total].compactMap(\.self)
        }
        return all.isEmpty ? "true" : all.joined(separator: " AND ")
    }

    /// The same where rows of several windows are merged, of which no two may then overlap.
    private static func merging(_ condition: String, _ table: TableCharts) -> String {
        table.window?.apart.map { "\(condition) AND \($0)" } ?? condition
    }

    private func values(
        of key: (column: String, title: String, rows: String?), _ table: TableCharts, _ catalog: inout Catalog
    ) throws -> [TablesPage.KeyValue] {
        let sql = """
            SELECT \(key.column)::text FROM \(table.table) WHERE \(key.rows ?? "true")
            GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT \(Self.valuesMax)
            """
        do {
            return try catalog.reading(sql, within: secondsLeft) { found in
                try (0..<found.rowCount).map { TablesPage.KeyValue(text: try found.text($0, 0)) }
                    .sorted { $0.label < $1.label }
            }
        } catch let error as PostgresError where error.sqlState != nil {
            return []  // Too many rows to look through in time: then there is nothing to choose from.
        }
    }

    /// An aggregate as a number; a moment as seconds since 1970.
    private static func number(_ line: MetricChart.Line, _ unit: MetricChart.Unit) -> String {
        unit == .moment
            ? "extract(epoch FROM \(line.value))::float8" : "(\(line.value))::float8"
    }

    private func draw(
        _ chart: MetricChart, _ table: TableCharts, _ condition: String, _ catalog: inout Catalog
    ) throws -> TablesPage.Answer<any Drawing> {
        let bounds = chart.bounds.map { [("low", $0.low), ("high", $0.high)] } ?? []
        let all = chart.lines + bounds.map { MetricChart.Line("\(chart.name) \($0.0)", $0.1) }
        let lines = all.map { "\(Self.number($0, chart.unit)) AS \(SQLWord.name($0.name))" }
        let sql = """
            SELECT window_start,
                \(lines.joined(separator: ",\n    "))
            FROM \(table.table)
            WHERE \(condition)
            GROUP BY window_start ORDER BY window_start DESC LIMIT \(Self.pointsMax)
            """
        let isSum = chart.lines.count == 1 && ["sum(", "count("].contains { chart.lines[0].value.hasPrefix($0) }
        var drawing = Chart(
            title: chart.name, kind: chart.isBand ? .band : isSum ? .bars : .lines, lines: [], from: 0, to: 0,
            format: Self.format(chart.unit))
        drawing.areStretches = true
        return try answer(sql, drawing as any Drawing, &catalog) { found in
            let times = try (0..<found.rowCount).map { Double(try found.microsecondsSince1970($0, 0) ?? 0) / 1e6 }
            let places = Self.places(times)
            let columns = try all.indices.map { index in
                var values = Array(repeating: Double.nan, count: places.count)
                for row in 0..<found.rowCount {
                    values[places.of(times[row])] = try found.double(row, index + 1) ?? .nan
                }
                return values
            }
            drawing.lines = zip(chart.lines, columns).map { line, values in
                Chart.Line(name: chart.lines.count > 1 ? line.name : "", values: values)
            }
            if !bounds.isEmpty { drawing.bounds = (columns[columns.count - 2], columns[columns.count - 1]) }
            (drawing.from, drawing.to) = (places.from, places.to)
            return drawing
        }
    }

    /// How the values of a metric are spread, over stretches of time of which each is a window or several.
    private func drawSpread(
        _ chart: MetricChart, _ sketch: String, _ table: TableCharts, _ condition: String, _ catalog: inout Catalog
    ) throws -> TablesPage.Answer<any Drawing> {
        let sql = """
            WITH span AS (
                SELECT min(s) AS first, max(s) + coalesce((max(s) - min(s)) / nullif(count(*) - 1, 0), 60) AS past,
                    least(count(*), \(Self.columnsMax))::int AS places
                FROM (SELECT DISTINCT extract(epoch FROM window_start)::float8 AS s FROM \(table.table)
                    WHERE \(condition)) AS windows
            ), merged AS (
                SELECT first, past, places, width_bucket(extract(epoch FROM window_start)::float8, first, past, places) AS place,
                    \(sketch) AS sketch
                FROM \(table.table), span
                WHERE \(condition)
                GROUP BY 1, 2, 3, 4
            )
            SELECT first, past, places, place, low, high, count
            FROM merged, millrace.distribution(sketch, \(Self.barsMax)) ORDER BY place, low
            """
        var drawing = HeatMap(
            title: "\(chart.name), how it is spread", columns: [], from: 0, to: 60, format: Self.format(chart.unit))
        return try answer(sql, drawing as any Drawing, &catalog) { found in
            guard found.rowCount > 0, let first = try found.double(0, 0), let past = try found.double(0, 1) else {
                return drawing
            }
            (drawing.from, drawing.to) = (first, past)
            drawing.columns = Array(repeating: [], count: Int(try found.int32(0, 2) ?? 1))
            for row in 0..<found.rowCount {
                guard let place = try found.int32(row, 3), let low = try found.double(row, 4),
                    let high = try found.double(row, 5), let count = try found.int64(row, 6)
                else { continue }
                drawing.columns[min(drawing.columns.count, max(1, Int(place))) - 1].append(
                    HeatMap.Bar(low: low, high: high, count: count))
            }
            return drawing
        }
    }

    /// Equal steps of time from the first to the last window: where a window is missing, there is a gap.
    private struct Places {
        var from: Double
        var step: Double
        var count: Int
        var to: Double { from + step * Double(count) }
        func of(_ time: Double) -> Int { min(count - 1, max(0, Int(((time - from) / step).rounded()))) }
    }

    private static func places(_ times: [Double]) -> Places {
        guard let first = times.min(), let last = times.max() else {
            let now = Date.now.timeIntervalSince1970
            return Places(from: now - 60, step: 60, count: 1)
        }
        let sorted = times.sorted()
        let step = zip(sorted.dropFirst(), sorted).map { $0 - $1 }.filter { $0 > 0 }.min() ?? 60
        let count = min(pointsMax * 2, Int(((last - first) / step).rounded()) + 1)
        return Places(from: first, step: max(step, (last - first) / Double(max(1, count - 1))), count: count)
    }

    private static func format(_ unit: MetricChart.Unit) -> @Sendable (Double) -> String {
        switch unit {
        case .number: { Figures.count($0) }
        case .share: { Figures.count($0 * 100) + " %" }
        case .moment: { Date(timeIntervalSince1970: $0).formatted(.iso8601) }
        }
    }

    /// All metrics by the values of a key, or their totals where there is none.
    private func rows(
        _ table: TableCharts, _ chosen: TablesPage.KeyValue?, _ catalog: inout Catalog
    ) throws -> TablesPage.Answer<TablesPage.Rows> {
        let lines = table.charts.flatMap { chart in chart.lines.map { (chart, $0) } }
        let names = lines.map { chart, line in chart.lines.count > 1 ? "\(chart.name) \(line.name)" : chart.name }
        let columns = zip(lines, names).map { "\(Self.number($0.1, $0.0.unit)) AS \(SQLWord.name($1))" }
        var condition = condition(table, chosen)
        if chosen == nil, let key = table.key {
            condition = condition.replacing(table.total ?? "true", with: key.rows ?? "true")
        }
        condition = Self.merging(condition, table)
        let first = table.key.map { "\($0.column)::text" } ?? "'all rows'"
        let group = table.key.map { "GROUP BY \($0.column) " } ?? ""
        let sql = """
            SELECT \(first) AS \(SQLWord.name(table.key?.title ?? "rows")),
                \(columns.joined(separator: ",\n    "))
            FROM \(table.table)
            WHERE \(condition)
            \(group)ORDER BY 2 DESC NULLS LAST LIMIT \(Self.rowsMax)
            """
        let empty = TablesPage.Rows(columns: [table.key?.title ?? "rows"] + names, rows: [])
        return try answer(sql, empty, &catalog) { found in
            var rows = empty
            rows.rows = try (0..<found.rowCount).map { row in
                [TablesPage.KeyValue(text: try found.text(row, 0)).label]
                    + (try lines.indices.map { index in
                        let value = try found.double(row, index + 1)
                        return value.map(Self.format(lines[index].0.unit)) ?? "–"
                    })
            }
            return rows
        }
    }

    /// Runs a query; one that the database does not answer says why in its place.
    private func answer<Value>(
        _ sql: String, _ empty: Value, _ catalog: inout Catalog, _ read: (QueryResult) throws -> Value
    ) throws -> TablesPage.Answer<Value> {
        guard secondsLeft > 0.05 else {
            return TablesPage.Answer(sql: sql, value: empty, failure: Self.tooLong)
        }
        do {
            return TablesPage.Answer(sql: sql, value: try catalog.reading(sql, within: secondsLeft, read))
        } catch let error as PostgresError where error.sqlState != nil {
            let isLong = error.sqlState == "57014"
            return TablesPage.Answer(
                sql: sql, value: empty,
                failure: isLong
                    ? Self.tooLong : Redaction.redacted("\(error)"))
        }
    }
}
