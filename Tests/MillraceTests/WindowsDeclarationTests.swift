import Dataflow
import Declaration
import Summaries
import Testing

@testable import Millrace
@testable import Nodes

/// `window`, `windows` and `tables` in a topology file.
@Suite struct WindowsDeclarationTests {
    /// A topology with these settings of a `summarize` node from line 8, and of a `postgres` node from line 11 on.
    private static func load(
        _ settings: String, _ tables: String = "table: kpi", eventTime: String = "event_time: ts, ",
        metrics: String = "{ n: count() }"
    ) -> (plan: SummaryPlan?, tables: [TablePlan.Table], diagnostics: [String]) {
        let text = """
            topology: t
            nodes:
              events: { file: events.ndjson }
              records: { from: events, parse_json: { \(eventTime)fields: { ts: timestamp, tz: text, tz2: text, n: integer } } }
              kpi:
                from: records
                summarize:
                  \(settings)
                  by: [tz2]
                  metrics: \(metrics)
              out: { from: kpi, postgres: { url: "postgresql://h/d", \(tables) } }
            """
        let (topology, diagnostics) = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        let plan = topology?.stages.compactMap { $0.plan as? SummaryPlan }.first
        let sinks = topology?.sinks.compactMap { $0.plan as? TablePlan } ?? []
        return (plan, sinks.flatMap(\.tables), diagnostics.all.map(\.description))
    }

    @Test(arguments: [
        ("window: 1m", ["1m"]), ("window: { size: 10m, every: 1m }", ["10m every 1m"]),
        ("window: { size: 1 day, zone: Europe/Berlin }", ["1 day in Europe/Berlin"]),
        ("window: { size: 1 month, zone: tz }", ["1 month in the zone of tz"]),
        ("window: 1 week", ["1 week in UTC"]), ("window: quarter", ["1 quarter in UTC"]), ("window: 1 day", ["1d"]),
        (
            "windows: [1m, 1h, { size: 1 day, zone: tz }]", ["1m", "1h", "1 day in the zone of tz"]
        ),
        ("windows: 1m", ["1m"]),
    ])
    func windowsAreReadAsTheyAreWritten(settings: String, definitions: [String]) {
        let (plan, _, diagnostics) = Self.load(settings)
        #expect(diagnostics == [])
        #expect(plan?.windows.map(\.function.definition) == definitions)
    }

    @Test func theZonesFieldIsUsed() {
        let plan = Self.load("windows: [1m, { size: 1 day, zone: tz }]").plan
        #expect(plan?.fieldNames == ["tz", "tz2"] && plan?.zoneField?.name == "tz")
        #expect(plan?.definitionLines.first?.text == "window: 1 day in the zone of tz, 1m")
    }

    @Test func everyWindowHasItsTable() {
        let (_, tables, diagnostics) = Self.load(
            "windows: [1m, 1h, { size: 1 day, zone: tz }]", "tables: { 1 day: days, 1m: minutes, 1h: hours }")
        #expect(diagnostics == [])
        #expect(tables.map { "\($0.name) \($0.window ?? -1)" } == ["days 2", "minutes 0", "hours 1"])
        #expect(Self.load("windows: [1m, 1h]").tables.map(\.window) == [nil])
        #expect(Self.load("window: 1m", "tables: { 1m: minutes }").tables.map(\.window) == [0])
    }

    @Test(arguments: [
        ("windows: []", "8:16: error[window-count]: found no windows, expected 1 to 8; to make all time one group"),
        (
            "windows: [1s, 2s, 3s, 4s, 5s, 6s, 10s, 12s, 15s]",
            "8:16: error[window-count]: found 9 windows, expected 1 to 8"
        ),
        ("windows: [1m, 60s]", "8:21: error[duplicate-window]: window 1m is there twice"),
        (
            "windows: [{ size: 1 day, zone: tz }, { size: 1 week, zone: tz2 }]",
            "error[window-zone]: the windows of a node take their zones from one field, found tz and tz2; use a summarize"
        ),
        (
            "window: { size: 1 day, zone: \"+02:00\" }",
            "found \"+02:00\", expected the name of a time zone or a text field; Etc/GMT-2 is always +02:00: its sign is that of "
                + "the way to Greenwich"
        ),
        (
            "window: { size: 1 day, zone: \"-0300\" }",
            "; Etc/GMT+3 is always -0300: its sign is that of the way to Greenwich"
        ),
        ("window: { size: 1 day, zone: \"+05:30\" }", "; write the name of a zone that keeps that offset"),
        ("window: { size: 1 day, zone: \"+00:00\" }", "; write UTC"),
        ("window: { size: 1 day, zone: n }", "error[window-zone]: the zone is the field n, which is integer"),
        ("window: { size: 7m, every: 2m }", "error[window-hop]: a window of 7m is no multiple of 2m"),
        (
            "window: { size: 1 day, every: 1h, zone: tz }",
            "error[window-fields]: no window has size and every and zone, expected those of one of tumbling (size), "
        ),
        (
            "window: 2 weeks",
            "error[wrong-type]: 'window' has the wrong type, found '2 weeks', expected a length of time such as 1m, 1h or 7d "
                + "from 1s to 366d, or a unit of the calendar such as 1 day or 1 month; "
                + "windows of the calendar are one unit long: 1 week"
        ),
        ("window: 1w", "; write 1 week"), ("window: 3mo", "windows of the calendar are one unit long: 1 month"),
        ("window: 400d", "error[out-of-range]: 'window' is out of range, found '400d', expected a length of time"),
        ("window: 7d", "warning[window-drift]: windows of this length begin on Thursdays"),
        ("windows: [1m, 7d]", "8:21: warning[window-drift]: windows of this length begin on Thursdays"),
    ])
    func whatIsWrongWithAWindowIsNamed(settings: String, words: String) {
        let found = Self.load(settings).diagnostics
        #expect(found.count == 1 && found[0].contains(words), "\(found)")
    }

    @Test(arguments: [
        (
            "shared: false",
            "error[table-count]: node out has no table, expected `table`, or `tables` with one for each window"
        ),
        (
            "table: a, tables: { 1m: b, 1h: c }",
            "error[table-count]: found `tables` beside `table`, expected one of them"
        ),
        ("tables: { 1m: a }", "error[table-window]: window 1h has no table, expected one for each window; add 1h:"),
        (
            "tables: { 1m: a, 2h: b }",
            "error[table-window]: the summary has no window called 2h, expected one of 1m, 1h"
        ),
        ("tables: { 1m: a, 1h: a }", "error[table-twice]"), ("tables: { 1m: a, 1h: a.b.c }", "error[table-name]"),
    ])
    func whatIsWrongWithTablesIsNamed(tables: String, words: String) {
        let found = Self.load("windows: [1m, 1h]", tables).diagnostics
        #expect(found.count == 1 && found[0].contains(words), "\(found)")
    }

    @Test func tablesWithoutWindowsAreOne() {
        // `rollup` beside `by` is a problem of its own.
        let found = Self.load("rollup: [tz]", "tables: { 1m: a }").diagnostics
        #expect(
            found.contains { $0.contains("error[table-window]: the summary has no windows, so one table is enough") },
            "\(found)")
    }

    @Test func oneWayOfWindowsIsEnough() {
        let found = Self.load("window: 1m\n      windows: [1h]").diagnostics
        #expect(
            found == [
                "t.yaml:8:15: error[window-count]: found `window` beside `windows`, expected one of them; write all windows in `windows`"
            ])
    }

    @Test func theColumnOfSeveralWindowsIsTaken() {
        let metrics = "{ window_size: count() }"
        #expect(Self.load("window: 1m", metrics: metrics).diagnostics == [])
        let found = Self.load("windows: [1m, 1h]", metrics: metrics).diagnostics
        #expect(found.count == 1 && found[0].contains("error[column-name]"), "\(found)")
    }

    @Test func anEventTimeIsNeeded() {
        let found = Self.load("windows: [1m, 1h]", eventTime: "").diagnostics
        #expect(found.count == 1 && found[0].contains("error[no-event-time]: a window needs an event time"), "\(found)")
    }
}
