import Dataflow
import Declaration
import Summaries
import Testing

@testable import Millrace
@testable import Nodes

/// `columns` of a `summarize` node in a topology file.
@Suite struct ColumnsDeclarationTests {
    private static func load(_ columns: String, metrics: String) -> (plan: SummaryPlan?, diagnostics: [String]) {
        let text = """
            topology: t
            nodes:
              events: { file: events.ndjson }
              records: { from: events, parse_json: { event_time: ts, fields: { ts: timestamp, k: text, v: integer, d: double } } }
              kpi:
                from: records
                summarize:
                  window: 1m
                  by: [k]
                  metrics: \(metrics)
                  columns: \(columns)
              out: { from: kpi, postgres: { url: "postgresql://h/d", table: kpi } }
            """
        let (topology, diagnostics) = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        let plan = topology?.stages.compactMap { $0.plan as? SummaryPlan }.first
        return (plan, diagnostics.all.map(\.description))
    }

    private static let metrics = """
        { n: count(), users: uniques(k), latency: "percentiles(v, 50, 95)", pages: "top(k, 3)", latest: last(k), cost: sum(d) }
        """

    @Test func columnsAreReadInOrder() throws {
        let (plan, diagnostics) = Self.load(
            "{ per_user: n / users, spread: (latency_p95 - latency_p50) * 2.5, share: 100 * n/(n + users) }",
            metrics: Self.metrics)
        #expect(diagnostics == [])
        #expect(plan?.generated.map(\.name) == ["per_user", "spread", "share"])
        let table = try #require(plan).generated.map { GeneratedTableColumn($0).definition }
        #expect(
            table == [
                #""per_user" double precision GENERATED ALWAYS AS "#
                    + #"(("n"::double precision / nullif("users"::double precision, 0::double precision)) "#
                    + "+ 0::double precision) STORED",
                #""spread" double precision GENERATED ALWAYS AS "#
                    + #"((("latency_p95"::double precision - "latency_p50"::double precision) * '2.5'::double precision) "#
                    + "+ 0::double precision) STORED",
                #""share" double precision GENERATED ALWAYS AS ((('100.0'::double precision * "n"::double precision) / "#
                    + #"nullif(("n"::double precision + "users"::double precision), 0::double precision)) "#
                    + "+ 0::double precision) STORED",
            ])
    }

    @Test(arguments: [
        (
            "{ x: m / n }",
            "11:21: error[unknown-column]: unknown column 'm', expected one of n, users, latency_p50, latency_p95, cost"
        ),
        (
            "{ x: usres / n }",
            "11:21: error[unknown-column]: unknown column 'usres', expected one of n, users, latency_p50, latency_p95, cost; did you mean 'users'?"
        ),
        (
            "{ x: latency / n }",
            "11:21: error[unknown-column]: unknown column 'latency', expected one of n, users, latency_p50, latency_p95, cost; metric latency has latency_p50, latency_p95"
        ),
        (
            "{ x: k * 2 }",
            "11:21: error[unknown-column]: unknown column 'k', expected one of n, users, latency_p50, latency_p95, cost; it is a field to group by: use it in a metric, or compute with derive"
        ),
        (
            "{ y: n * 2, x: y / n }",
            "11:31: error[unknown-column]: unknown column 'y', expected one of n, users, latency_p50, latency_p95, cost; a computed column cannot use another one: write its formula in its place"
        ),
        (
            "{ x: users_sketch / n }",
            "11:21: error[column-type]: cannot compute with users_sketch, which is a state that rows are merged by, expected a number; metric users has users"
        ),
        (
            "{ x: n + pages }",
            "11:25: error[column-type]: cannot compute with pages, which is a list in JSON, expected a number"
        ),
        (
            "{ x: latest }",
            "11:21: error[column-type]: cannot compute with latest, which is a text, expected a number"
        ),
        (
            "{ x: \"n / nullif(users, 0)\" }",
            "11:26: error[column-syntax]: a column is arithmetic over metrics, found nullif(users, 0), expected numbers, names of metrics, + - * / and ( ); a division by 0 is null here: write a / b"
        ),
        (
            "{ x: n % 2 }",
            "11:23: error[column-syntax]: a column is arithmetic over metrics, found n % 2, expected numbers, names of metrics, + - * / and ( )"
        ),
        (
            "{ n: users * 2 }",
            "11:18: error[column-name]: column n cannot be called so, it is a column of metric n; give it another name"
        ),
        (
            "{ window_start: n * 2 }",
            "11:18: error[column-name]: column window_start cannot be called so, it is the window; give it another name"
        ),
        (
            "{ Ratio: n * 2 }",
            "11:18: error[column-name]: a column cannot be called Ratio, expected a lower-case letter or _, then letters, digits or _"
        ),
        (
            "{ x: cost * cost * cost * cost * cost }",
            "11:21: error[column-range]: column x may leave the range of doubles, found products or quotients of many values; use fewer factors, or divide before you multiply"
        ),
        ("{ x: n / }", "11:24: error[expression-syntax]"),
    ])
    func aColumnThatIsNoneIsExplained(columns: String, expected: String) {
        let found = Self.load(columns, metrics: Self.metrics).diagnostics
        #expect(found.count == 1 && found[0].hasPrefix("t.yaml:" + expected), "\(found)")
    }

    /// One cause, one diagnostic.
    @Test func aMetricThatIsNoneIsNotMissedByColumns() {
        let (_, diagnostics) = Self.load(
            "{ x: n / total, y: a_p50 / n }", metrics: "{ n: count(), total: sum(nothing), a: percentile(v, 50) }")
        #expect(diagnostics.count == 2, "\(diagnostics)")
        #expect(diagnostics.allSatisfy { $0.hasPrefix("t.yaml:10:") })
    }
}
