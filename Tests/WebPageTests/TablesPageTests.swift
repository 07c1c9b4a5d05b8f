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

    /// Null, the empty text and all values are three things, and no text is taken for one of them.
    @Test func everyValueOfAKeyCanBeChosen() {
        let values: [TablesPage.KeyValue] =
            ["", "=", "=null", "null", "==", "a"].map { .init(text: $0) } + [.init(text: nil)]
        #expect(TablesPage.KeyValue(query: "") == nil)
        #expect(values.map { TablesPage.KeyValue(query: $0.query) } == values)
        #expect(Set(values.map(\.query)).count == values.count)
        var page = Self.page()
        page.key = ("page", values, TablesPage.KeyValue(text: ""))
        let text = page.markup.text
        #expect(text.contains("<option value=\"=\" selected>(empty)</option>"), "\(text)")
        #expect(text.contains("<option value=\"=null\">(null)</option>"))
        #expect(text.contains("<option value=\"\">all</option>"))
        // One that is not among the most frequent stays chosen.
        page.key = ("page", [], TablesPage.KeyValue(text: "rare"))
        #expect(page.markup.text.contains("<option value=\"rare\" selected>rare</option>"))
    }

    /// Windows are stretches of time, whatever draws them; moments far apart are said with their days.
    @Test func linesAndBarsOfWindowsHaveTheSamePlaces() {
        let day = 86_400.0
        var chart = Chart(
            title: "users", kind: .lines, lines: [.init(name: "", values: [10, 10, 10])], from: 0, to: 3 * day)
        #expect(chart.markup.text.contains("<path class=\"line c0\" d=\"M0 0L300 0L600 0\"/>"))
        chart.areStretches = true
        #expect(
            chart.markup.text.contains("<path class=\"line c0\" d=\"M100 0L300 0L500 0\"/>"), "\(chart.markup.text)")
        #expect(chart.markup.text.contains("data-stretches"))
        #expect(chart.markup.text.contains("data-clock=\"day\">01-04 00:00</time>"))
        chart.kind = .bars
        #expect(chart.markup.text.contains("M0 140v-140h198v140ZM200 140"), "\(chart.markup.text)")
        chart.kind = .lines
        chart.lines = [.init(name: "", values: [10])]
        #expect(chart.markup.text.contains("d=\"M288 0h24\""), "\(chart.markup.text)")
    }

    @Test func aHeatMapIsDarkerWhereMoreValuesAre() {
        let few = HeatMap.Bar(low: 1, high: 10, count: 1)
        let most = HeatMap.Bar(low: 10, high: 100, count: 99)
        let map = HeatMap(title: "ms", columns: [[few, most], [], [most]], from: 0, to: 180)
        let text = map.markup.text
        // A third of the width each; 10 is half the way from 1 to 100.
        #expect(text.contains("<path class=\"heat h0\" d=\"M0 140v-70h200v70Z\"/>"), "\(text)")
        #expect(text.contains("<path class=\"heat h5\" d=\"M0 70v-70h200v70ZM400 70v-70h200v70Z\"/>"), "\(text)")
        #expect(text.contains("<span>100</span><span>10</span><span>1</span>"))
        #expect(text.contains("data-values=\"100||99\n10 to 100||10 to 100\""))
    }

    @Test(arguments: [
        [
            HeatMap.Bar(low: -100, high: -1, count: 1), .init(low: 0, high: 0, count: 5),
            .init(low: 2, high: 50, count: 1),
        ],
        [.init(low: -8, high: -2, count: 1)], [.init(low: 3, high: 3, count: 7)], [.init(low: 0, high: 0, count: 7)],
    ])
    func aHeatMapHasAPlaceForEveryValue(bars: [HeatMap.Bar]) throws {
        let scale = try #require(HeatMap.Scale(bars))
        let places = bars.flatMap { [scale.place($0.low), scale.place($0.high)] }
        #expect(places == places.sorted() && places.allSatisfy { (0...1).contains($0) }, "\(places)")
        #expect(abs(scale.value(at: 0) - bars[0].low) < 1e-9)
        #expect(abs(scale.value(at: 1) - bars[bars.count - 1].high) < 1e-9)
        let text = HeatMap(title: "x", columns: [bars], from: 0, to: 60).markup.text
        #expect(!text.contains("nan") && !text.contains("inf"), "\(text)")
    }

    @Test func aHeatMapWithoutValuesIsEmpty() {
        let text = HeatMap(title: "x", columns: [], from: 0, to: 60).markup.text
        #expect(text.contains("no values") && !text.contains("heat h"))
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
