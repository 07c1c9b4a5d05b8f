import Testing

@testable import WebPage

/// Charts with the queries that made them.
@Suite struct TablesPageTests {
    private static func page() -> TablesPage {
        let topology = TopologyFigures(
            name: "t", version: 1, state: "running", mood: .well, wanted: "running", changedBy: "me", changedAt: 0)
        let request = PageRequest(view: .tables, topology: "t", viewer: Viewer(mayAct: false, formToken: "x"))
        return TablesPage(request: request, topology: topology, tables: ["kpi"], table: "kpi", range: .day)
    }

    @Test func whatWasNotReadIsNamedWithItsQuery() {
        var page = Self.page()
        let chart = Chart(title: "users", kind: .lines, lines: [], from: 0, to: 60)
        page.charts = [.init(sql: "SELECT 1 < 2", value: chart, failure: "not in time")]
        let text = page.markup.text
        #expect(text.contains("<b>users</b>") && text.contains("not in time"))
        #expect(text.contains("SELECT 1 &lt; 2</pre>"))
        #expect(!text.contains("<figure"))
    }

    @Test func estimatesHaveABand() {
        var chart = Chart(
            title: "users", kind: .lines, lines: [.init(name: "", values: [10, 20])], from: 0, to: 120)
        #expect(!chart.markup.text.contains("two standard errors"))
        chart.bounds = (low: [9, 18], high: [11, 22])
        let text = chart.markup.text
        #expect(text.contains("two standard errors"))
        // Up along what it is at most, back along what it is at least; 50 is the top.
        #expect(text.contains("d=\"M0 109.2L600 78.4L600 89.6L0 114.8Z\""), "\(text)")
    }
}
