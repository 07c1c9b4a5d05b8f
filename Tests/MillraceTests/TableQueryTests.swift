import Declaration
import Testing

@testable import Millrace

/// What `millrace sql` prints. Whether the queries are right is for DifferentialTests.
@Suite struct TableQueryTests {
    /// The queries of a topology with these nodes between `records` and `kpi`, which reads from `last`.
    private static func queries(
        _ nodes: String = "", from last: String = "records", metrics: String = "{ n: count() }",
        fields: String = "ts: timestamp, k: text, n: integer", sinks: String = "table: kpi", by: String = "by: [k]"
    ) -> [TableQuery] {
        let text = """
            topology: t
            nodes:
              events: { kafka: { brokers: "b:9092", topics: [t] } }
              records: { from: events, parse_json: { event_time: ts, fields: { \(fields) } } }
            \(nodes)
              kpi:
                from: \(last)
                summarize: { windows: [1m, 1h], \(by), metrics: \(metrics) }
              out: { from: kpi, postgres: { url: "postgresql://h/d", \(sinks) } }
            """
        let (topology, diagnostics) = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        #expect(diagnostics.all.map(\.description) == [])
        return topology?.tableQueries() ?? []
    }

    @Test func everyTableHasItsQuery() {
        let each = Self.queries(sinks: "tables: { 1m: minutes, 1h: hours }")
        #expect(each.map(\.table) == ["minutes", "hours"])
        #expect(each.map { $0.columns.map(\.name) } == [["window_start", "k", "n"], ["window_start", "k", "n"]])
        #expect(each[1].text.contains("interval '3600 seconds'") && !each[1].text.contains("interval '60 seconds'"))
        let one = Self.queries()
        #expect(one.map(\.table) == ["kpi"])
        #expect(one[0].columns.map(\.name) == ["window_size", "window_start", "k", "n"])
        #expect(one[0].gaps == [])
    }

    @Test func whatColumnsAgreeInIsSaid() {
        let columns = Self.queries(metrics: #"{ n: count(), u: uniques(k), p: "percentiles(n, 50)", a: avg(n) }"#)[0]
            .columns
        #expect(columns.prefix(3).allSatisfy { $0.agreement == .key })
        #expect(columns[3].agreement == .exact && columns[6].agreement == .rounded)
        #expect(columns[4].agreement == .estimate(standardError: 0.0163, exactUpTo: 8))
        #expect(columns[5] == TableQueryColumn("p_p50", .within(relative: 0.005_416)))
    }

    @Test(arguments: [
        ("shaped: { from: records, derive: { e: path_template(k) } }", "the function path_template; it is null"),
        ("shaped: { from: records, derive: { e: \"pseudonym(k, 'key')\" } }", "the function pseudonym; it is null"),
        (
            "shaped: { from: records, filter: \"url_host(k) = 'a'\" }",
            "the function url_host; it lets all records through"
        ),
        ("shaped: { from: records, sample: 1% }", "a sample is chosen by a hash that SQL does not have"),
        ("shaped: { from: records, derive: { e: k::timestamp } }", "a text that is no timestamp stops the query"),
        (
            "shaped: { from: records, derive: { e: \"regexp_substr(k, 'a+?')\" } }",
            "the pattern 'a+?' holds +?, which Postgres may read differently"
        ),
        (
            "shaped: { from: records, lookup: { maxmind: x.mmdb, on: k, add: { c: text } } }",
            "there is no SQL for the networks of x.mmdb"
        ),
        (
            "shaped: { from: records, lookup: { file: none.csv, on: k, add: { c: text } } }",
            "none.csv cannot be read here or has more than 1000 rows; make a table shaped_rows(\"k\" text, \"c\" text)"
        ),
        (
            "shaped: { from: records, exec: { command: [/opt/score], add: { c: text } } }",
            "there is no SQL for what score answers; its fields are null"
        ),
    ])
    func whatSQLCannotSayIsNamed(node: String, gap: String) {
        let query = Self.queries("  " + node, from: "shaped")[0]
        #expect(query.gaps.count == 1 && query.gaps[0].contains(gap), "\(query.gaps)")
        #expect(QueryScript(topology: "t", queries: [query]).text.contains("-- NOT THE SAME: \(query.gaps[0])"))
    }

    @Test func formatsAndZonesThatPostgresHasNoWordForAreNamed() {
        let fields = "ts: { type: timestamp, zone: k }, k: text, n: integer"
        #expect(Self.queries(fields: fields)[0].gaps.count == 1)
        let days = "ts: { type: timestamp, format: \"%Y %j %z\" }, k: text, n: integer"
        #expect(Self.queries(fields: days)[0].gaps[0].contains("no SQL for its format or zone"))
        let named = "ts: { type: timestamp, zone: Europe/Berlin }, k: text, n: integer"
        #expect(Self.queries(fields: named)[0].gaps == [])
    }

    @Test func recordsThatAreTooLateAreNamed() {
        let gaps = Self.queries(by: "by: [k], too_late: 1h, too_early: 1m")[0].gaps
        #expect(gaps.count == 1 && gaps[0].contains("what is too late or too early depends on"), "\(gaps)")
    }

    @Test func sourcesAreToldApart() {
        let text = """
            topology: t
            nodes:
              live: { kafka: { brokers: "b:9092", topics: [a, b] } }
              old: { file: old.ndjson }
              first: { from: live, parse_json: { fields: { k: text, n: integer } } }
              second: { from: old, parse_json: { fields: { k: text, n: double } } }
              kpi: { from: [first, second], summarize: { by: [k], metrics: { n: count() } } }
              out: { from: kpi, postgres: { url: "postgresql://h/d", table: kpi } }
            """
        let queries = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml").topology?.tableQueries() ?? []
        #expect(queries.count == 1)
        let query = queries.first?.text ?? ""
        #expect(query.contains("WHERE topic IN ('a', 'b')") && query.contains("WHERE topic = 'file:old'"))
        #expect(query.contains(#""k" FROM "first""#) && !query.contains(#""n" FROM "first""#))
    }
}
