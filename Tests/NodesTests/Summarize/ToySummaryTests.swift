import Declaration
import LocalServices
import Platform
import Postgres
import Summaries
import SummariesTesting
import Testing
import TopologyFile

@testable import Dataflow
@testable import Nodes

/// Metrics and windows that nobody outside of their folder knows are declared, checked, documented, shown and stored like
/// all others.
@Suite struct ToySummaryTests {
    /// `summarize` with the toys.
    private enum ToySummarize: NodeType {
        static let spec = Summarize.spec(of: .withToys)

        static func compile(
            _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
        ) -> CompiledNode {
            Summarize.compile(node, reading: input, of: .withToys, &problems)
        }
    }

    /// What is said about a topology whose `summarize` has these settings, and its plan.
    private static func check(_ settings: String) -> (plan: SummaryPlan?, diagnostics: [String]) {
        let types: [any NodeType.Type] = NodeCatalog.types.map { $0 == Summarize.self ? ToySummarize.self : $0 }
        let text = """
            topology: toys
            nodes:
              events: { file: { paths: [none.jsonl] } }
              records:
                from: events
                parse_json: { event_time: at, fields: { at: timestamp, level: integer, name: text } }
              kpi: { from: records, summarize: { \(settings) } }
              out: { from: kpi, console: {} }
            """
        let reader = TopologyReader(
            specs: types.map { $0.spec }, settings: NodeCatalog.settings, environment: [:])
        var (declaration, diagnostics) = reader.survey(file: "t.yaml", bytes: Array(text.utf8))
        guard let declaration else { return (nil, diagnostics.all.map(\.description)) }
        let (topology, problems) = TopologyCompiler.compile(declaration, types: types)
        diagnostics.append(contentsOf: problems)
        let plan = topology.stages.lazy.compactMap { $0.plan as? SummaryPlan }.first
        return (plan, diagnostics.all.map(\.description))
    }

    @Test func theyAreDeclared() throws {
        let (plan, diagnostics) = Self.check("window: { size: 1h, shift: 7m }, metrics: { wide: spread(level) }")
        #expect(diagnostics == [])
        let found = try #require(plan)
        #expect(found.metrics.map { $0.columns.map(\.name) } == [["wide", "wide_least", "wide_most"]])
        let lines = found.definitionLines.map(\.text)
        #expect(lines.contains("metric wide: spread(level integer)"))
        #expect(lines.contains("window: \(Shifted(size: .seconds(3_600), shift: .seconds(420)).definition)"))
        #expect(Self.check("window: 1m, metrics: { n: count() }").plan?.definitionLines.first?.text == "window: 1m")
    }

    @Test func theyAreOnTheReferencePage() {
        let page = NodeReference(specs: [ToySummarize.spec], settings: []).markdown
        #expect(page.contains("; `spread(f)`, how far whole numbers lie apart."))
        #expect(page.contains(Shifted.spec.summary))
        #expect(page.contains("| `window.shift` | duration from 1s to 1d |"))
        let shipped = NodeReference(specs: NodeCatalog.specs, settings: []).markdown
        #expect(!shipped.contains("spread") && !shipped.contains("window.shift"))
    }

    @Test(arguments: [
        (
            "metrics: { wide: spred(level) }",
            "unknown metric 'spred', expected one of count, sum, min, max, avg, uniques, percentiles, top, first, last, share_below, spread; "
                + "did you mean 'spread'?"
        ),
        ("metrics: { wide: range(level) }", "did you mean 'spread'?"),
        ("metrics: { wide: spread(name) }", "spread() cannot work on name, which is text, expected integer"),
        ("metrics: { wide: spread() }", "spread() needs a field; for example spread(at)"),
        ("metrics: { wide: \"spread(level, level)\" }", "spread() takes one field"),
        ("metrics: { wide: \"spread(level, by: 2)\" }", "spread() has no option by"),
        ("metrics: { wide: spread(level), wide_most: count() }", "makes a column wide_most, which is also"),
        ("window: { size: 1h, evry: 1m }, metrics: { n: count() }", "did you mean 'every'?"),
        ("window: { shift: 1m }, metrics: { n: count() }", "'window' lacks 'size'"),
        ("window: { size: 1h, shift: 1m, every: 1m }, metrics: { n: count() }", "error[window-fields]"),
        ("window: { size: 7m, every: 2m }, metrics: { n: count() }", "a window of 7m is no multiple of 2m"),
        ("window: { size: 0s }, metrics: { n: count() }", "error[out-of-range]: 'size' is out of range"),
    ])
    func theirMistakesAreSaidLikeAllOthers(settings: String, words: String) {
        let found = Self.check(settings).diagnostics
        #expect(found.count == 1 && found[0].contains(words), "\(found)")
    }

    private static func records(_ levels: [Int64?], minute: Int64 = 0) -> [SummaryRecord] {
        levels.map {
            SummaryRecord(
                time: minute * 60_000_000, country: "DE", level: $0, paid: nil, user: "u", price: nil, ratio: 0)
        }
    }

    private static func plan(_ window: any WindowFunction) throws -> SummaryPlan {
        SummaryPlan.ofRecords(
            keys: Array(SummaryRecord.keys.prefix(1)), window: window,
            metrics: [
                MetricPlan(Count("events")),
                try SummaryRecord.metric("wide", "spread(level)", of: SummaryCatalog.withToys.metrics),
            ])
    }

    private static func delta(_ plan: SummaryPlan, _ records: [SummaryRecord]) -> SummaryDelta {
        let delta = SummaryDelta.empty(plan, TargetStand.memory)
        delta.add(records[...], serial: 1)
        delta.complete()
        return delta
    }

    @Test func theyAreShownAsJSON() throws {
        let plan = try Self.plan(Shifted(size: .seconds(3_600), shift: .seconds(420)))
        let delta = Self.delta(plan, Self.records([5, nil, -2], minute: 66) + Self.records([1, 1], minute: 67))
        #expect(
            GroupOrder(delta).entries.map { SummaryJSON.line(delta.sets[Int($0.set)], Int($0.group)) } == [
                #"{"window_start": "1970-01-01T00:07:00Z", "country": "DE", "events": 3, "wide": 7}"#,
                #"{"window_start": "1970-01-01T01:07:00Z", "country": "DE", "events": 2, "wide": 0}"#,
            ])
    }

    /// A table made by the sink, rows that are there merged with new ones, and windows that overlap.
    @Test func theyAreStoredAndMerged() async throws {
        try await onThread {
            let stand = try TargetStand("toys")
            let plan = try Self.plan(Hopping(everySeconds: 60, count: 2))
            let instance = try stand.instance(plan: plan)
            #expect(try instance.commit(records: Self.records([5, 3], minute: 1)) == .committed)
            #expect(try instance.commit(records: Self.records([nil], minute: 9)) == .committed)
            #expect(
                try instance.commit(records: Self.records([-1], minute: 2) + Self.records([4], minute: 9)) == .committed
            )
            var connection = try stand.connect()
            let found = try connection.query(
                "SELECT concat_ws(' ', extract(epoch FROM window_start)::int8 / 60, country, events, wide, wide_least, wide_most)"
                    + " FROM kpi ORDER BY window_start")
            #expect(
                try (0..<found.rowCount).map { try found.text($0, 0) } == [
                    "0 DE 2 2 3 5", "1 DE 3 6 -1 5", "2 DE 1 0 -1 -1", "8 DE 2 0 4 4", "9 DE 2 0 4 4",
                ])
            let types = try connection.query(
                "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) "
                    + "FROM information_schema.columns WHERE table_name = 'kpi'")
            #expect(
                try types.text(0, 0)
                    == "window_start timestamp with time zone, country text, events bigint, wide bigint, "
                    + "wide_least bigint, wide_most bigint, group_key bytea")
            #expect(
                try connection.query("SELECT definition FROM millrace.tables").text(0, 0)
                    == "window: 2m every 1m\nby: country text\nmetric events: count()\n"
                    + "metric wide: spread(level integer)")
            // A row that somebody has changed is named, and so is the column.
            try stand.execute("UPDATE kpi SET wide_least = 100")
            #expect { try instance.commit(records: Self.records([1], minute: 1)) } throws: { error in
                "\(error)".contains("column wide_least: found 100, expected at most")
            }
        }
    }
}
