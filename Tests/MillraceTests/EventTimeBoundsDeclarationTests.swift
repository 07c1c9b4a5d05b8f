import Dataflow
import Declaration
import Summaries
import Testing

@testable import Millrace

/// `too_late` and `too_early` in a topology file.
@Suite struct EventTimeBoundsDeclarationTests {
    private static func load(
        _ bounds: String, second: String = "", eventTime: String = "event_time: ts, ", parser: String = ""
    ) -> (bounds: EventTimeBounds?, diagnostics: [String]) {
        let text = """
            topology: t
            nodes:
              events: { file: events.ndjson }
              records: { from: events, parse_json: { \(eventTime)fields: { ts: timestamp, k: text } }\(parser) }
              kpi: { from: records, summarize: { by: [k], metrics: { n: count() }\(bounds) } }
              more: { from: records, summarize: { by: [k], metrics: { n: count() }\(second) } }
              show: { from: kpi, console: {} }
              show_more: { from: more, console: {} }
            """
        let (topology, diagnostics) = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        let plan = topology?.stages.compactMap { $0.plan as? SummaryPlan }.first { $0.node == "kpi" }
        return (plan?.bounds, diagnostics.all.map(\.description))
    }

    @Test func boundsAreRead() {
        let found = Self.load(", too_late: 7d, too_early: 10m", second: ", too_early: 600s")
        #expect(found.diagnostics == [])
        #expect(found.bounds == EventTimeBounds(late: 604_800_000_000, early: 600_000_000, field: "ts"))
        #expect(Self.load("").bounds == nil)
    }

    @Test(arguments: [
        (", too_late: 7d", "", "late-without-early", "too_early: 10m"),
        (", too_early: 1m", ", too_early: 2m", "early-bounds", "write the same in both"),
        (", too_late: 7d, too_early: 0s", "", "out-of-range", ""),
    ])
    func mistakesAreSaid(bounds: String, second: String, code: String, hint: String) {
        let found = Self.load(bounds, second: second).diagnostics
        #expect(found.count == 1 && found[0].contains("[\(code)]") && found[0].contains(hint), "\(found)")
    }

    @Test(arguments: [
        (", too_early: 1m", ", concurrency: 4", 1), (", too_early: 1m", ", concurrency: 1", 0),
        ("", ", concurrency: 4", 0),
    ])
    func whoReadsInOrderHasNoConcurrency(bounds: String, parser: String, count: Int) {
        let found = Self.load(bounds, parser: parser).diagnostics
        #expect(found.count == count, "\(found)")
        #expect(found.allSatisfy { $0.contains("warning[ordered-concurrency]") && $0.contains("concurrency: 4") })
    }

    @Test func theyNeedAnEventTime() {
        let found = Self.load(", too_early: 1m", eventTime: "").diagnostics
        #expect(found.count == 1 && found[0].contains("[no-event-time]"), "\(found)")
    }
}
