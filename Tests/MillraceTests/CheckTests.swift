import Dataflow
import Declaration
import Foundation
import Testing

@testable import Millrace

/// What `check` says about a file: all of it at once, each cause once.
@Suite struct CheckTests {
    private static func lines(_ text: String, environment: [String: String] = [:]) -> [String] {
        TopologyLoader(environment: environment).load(text: text, from: "t.yaml").diagnostics.all.map(\.description)
    }

    /// More than thirty mistakes in all parts of a file. Each is reported, in one round, once.
    private static let nasty = #"""
        topology: Game-KPIs
        memory: 64MB
        commit_intervall: 1s
        workers: 010
        nodes:
          events:
            kafka: { brokers: "b:1", topics: ['bad topic!', "a,b"], start: noon, settings: { plugin.library.paths: x, x: y } }
          records:
            from: events
            parse_json:
              event_time: tss
              fields:
                ts: timestamp
                user: string
                n: int
                v: double
                id: { path: "items[0].id", type: text }
                bot: { type: boolean, on_type_error: nul }
                w:
                  path: #weapon
                  type: text
                9x: text
          paying:
            from: records
            filter: vv > 1 && user == 5 && n == v
          kpi:
            from: paing
            summarize:
              window: 15min
              by: [id, v, idd, lower(user)]
              metrics:
                a: percentiles(v, 0.95, 101)
                b: { metric: sum(id), where: v @ 1 }
                c: { metric: count(*), where: !bot }
                d: uniques(user, precise)
                e: medium(v)
                ctid: count()
                f: { metric: percentiles(v, 5, 50) }
          kpi2:
            from: paying
            summarize: { window: 1m, by: [q, user], metrics: { n: sum(user), m: sum(id), k: uniques(qq) } }
          out:
            from: kpi
            postgres: { url: "${NO_SUCH}", table: db.public.t }
          out2:
            from: kpi2
            postgres: { url: postgresql://x, table: pg_temp.t }
          show:
            from: records
            console:
        """#

    private static let places = [
        "1:11 bad-name", "2:9 wrong-type", "3:1 unknown-key", "4:10 wrong-type", "7:40 kafka-topics",
        "7:54 kafka-topics",
        "7:68 kafka-start", "7:86 kafka-settings", "7:111 kafka-settings", "11:19 unknown-field", "14:15 field-type",
        "15:12 field-type", "17:22 field-path", "18:46 unknown-choice", "20:17 no-value", "22:9 field-name",
        "25:13 unknown-field", "27:11 unknown-node", "29:15 wrong-type", "30:24 key-expression",
        "32:27 metric-arguments", "32:33 metric-arguments", "33:40 expression-syntax", "34:28 metric-syntax",
        "34:44 unknown-tag", "35:26 metric-arguments", "36:12 unknown-metric", "37:9 column-name", "38:22 flow-comma",
        "41:35 unknown-field", "41:77 metric-type", "41:93 unknown-field", "44:23 missing-variable", "44:43 table-name",
        "47:45 table-name", "50:13 no-value",
    ]

    @Test func everythingIsSaidInOneRoundAndEachCauseOnce() {
        let found = TopologyLoader(environment: [:]).load(text: Self.nasty, from: "t.yaml").diagnostics
        #expect(found.all.map { "\($0.location.line):\($0.location.column) \($0.code)" } == Self.places, "\(found)")
        #expect(found.all.map(\.description) == found.all.map(\.description).uniqued, "none stands twice")
    }

    /// A `summarize` node with these metrics, of records with `v` double, `k` text, `n` integer and a time.
    private static func topology(
        fields: String = "", window: String = "1m", by: String = "[k]", metrics: String = "{ n: count() }",
        table: String = "t"
    ) -> String {
        """
        topology: t
        nodes:
          events: { file: events.ndjson }
          records:
            from: events
            parse_json: { event_time: ts, fields: { ts: timestamp, v: double, k: text, n: integer\(fields) } }
          kpi:
            from: records
            summarize:
              window: \(window)
              by: \(by)
              metrics: \(metrics)
          out: { from: kpi, postgres: { url: "postgresql://h/d", table: "\(table)" } }
        """
    }

    @Test func aGoodFileHasNothingToSay() {
        #expect(Self.lines(Self.topology()) == [])
    }

    /// The messages of metrics, as people write them.
    @Test(arguments: [
        (
            "{ v: percentiles(v, 5, 50) }",
            "12:21: error[flow-comma]: 'v' is cut off: inside { } and [ ] a comma ends a value; put it in quotes: \"percentiles(v, 5, 50)\", or write one entry a line"
        ),
        (
            "{ m: count(*) }",
            "12:27: error[metric-syntax]: the metric is not well formed, found '*', expected ')'; write count()"
        ),
        (
            "{ m: count(distinct k) }",
            "12:27: error[metric-syntax]: there is no distinct in a metric, found 'distinct k'; write uniques(k)"
        ),
        (
            "{ m: \"uniques(k, precise)\" }",
            "12:33: error[metric-arguments]: uniques() takes one field; write \"uniques(k, precision: precise)\" in quotes"
        ),
        (
            "{ m: \"uniques(k, precision=precise)\" }",
            "12:42: error[metric-syntax]: an option is written with ':', found '='; write \"uniques(k, precision: precise)\" in quotes"
        ),
        (
            "{ m: \"percentiles(v, 0.95)\" }",
            "12:37: error[metric-arguments]: percent is 0 to 100 here, found 0.95; the 95th percentile is 95; 0.95 percent stands beside one above 1, such as 50"
        ),
        (
            "{ m: \"percentiles(v, 95%)\" }",
            "12:39: error[metric-syntax]: the metric is not well formed, found '%', expected ',' or ')'; write the number alone: percents are 0 to 100"
        ),
        (
            "{ m: mean(v) }",
            "12:21: error[unknown-metric]: unknown metric 'mean', expected one of count, sum, min, max, avg, uniques, percentiles, top, first, last, share_below; did you mean 'avg'?"
        ),
        (
            "{ m: avg(v + 1) }",
            "12:27: error[metric-syntax]: the metric is not well formed, found '+', expected ',' or ')'; a metric takes a field, not an expression"
        ),
        (
            "{ m: sum(k) }",
            "12:25: error[metric-type]: sum() cannot work on k, which is text, expected integer, decimal or double"
        ),
        (
            "{ m: sum(v) filter (where v > 1) }",
            "12:28: error[metric-syntax]: the metric is not well formed, found 'filter', expected the end; write { metric: sum(…), where: \"…\" }"
        ),
        (
            "{ m23456789012345678901234567890123456789012345678x: count() }",
            "12:18: error[metric-name]: a metric's name is too long, found 49 bytes, expected at most 48"
        ),
        (
            "{ M: count() }",
            "12:18: error[metric-name]: a metric cannot be called M, expected a lower-case letter or _, then letters, digits or _"
        ),
        (
            "{ xmin: count() }",
            "12:18: error[column-name]: metric xmin makes a column xmin, which is also a system column of every Postgres table; give the metric another name"
        ),
        (
            "{ window_start: count() }",
            "12:18: error[column-name]: metric window_start makes a column window_start, which is also the window; give the metric another name"
        ),
        (
            "{ k: count() }",
            "12:18: error[column-name]: metric k makes a column k, which is also the field to group by; give the metric another name"
        ),
        (
            "{ a_p50: count(), a: \"percentiles(v, 50)\" }",
            "12:34: error[column-name]: metric a makes a column a_p50, which is also a column of metric a_p50; give the metric another name"
        ),
        (
            "{}",
            "12:16: error[no-metrics]: node kpi has no metrics; count the records, for example: metrics: { events: count() }"
        ),
        (
            "{ m: { metric: count(), where: k regexp 'x' } }",
            "12:49: error[expression-syntax]: the expression does not end here, found 'regexp', expected an operator; write regexp_like(field, 'pattern')"
        ),
    ])
    func aMetricThatIsNoneIsExplained(metrics: String, expected: String) {
        #expect(Self.lines(Self.topology(metrics: metrics)) == ["t.yaml:" + expected])
    }

    @Test func aColumnThatPostgresWouldCutIsRefused() {
        let name = String(repeating: "a", count: 48)
        #expect(
            Self.lines(Self.topology(metrics: "{ \(name): \"percentiles(v, 99.9999999999999)\" }")) == [
                "t.yaml:12:18: error[column-length]: metric \(name) makes a column \(name)_p99_9999999999999 of 66 bytes, "
                    + "expected at most 63; give the metric a shorter name"
            ])
    }

    @Test(arguments: [
        ("string", "text"), ("int", "integer"), ("bigint", "integer"), ("float", "double"), ("bool", "boolean"),
        ("decimal", "decimal(2)"), ("numeric(10,2)", "decimal(n) with n digits after the point, 0 to 18"),
        ("number", "integer, double or decimal(2)"), ("datetime", "timestamp"), ("txet", "text"),
    ])
    func typesOfOtherLanguagesAreKnown(type: String, meant: String) {
        let found = Self.lines(Self.topology(fields: ", z: \"\(type)\"", metrics: "{ m: uniques(z) }"))
        #expect(found.count == 1, "nothing follows from it: \(found)")
        #expect(found[0].contains("error[field-type]: unknown type, found \"\(type)\""), "\(found)")
        #expect(found[0].hasSuffix("; did you mean \(meant)?"), "\(found)")
    }

    @Test(arguments: [
        (
            "[lower(k)]",
            "error[key-expression]: found lower(k) among the fields to group by, expected names of fields: there are no expressions here; group by k, or have the value written into the events"
        ),
        (
            "[kk]",
            "error[unknown-field]: the records have no field 'kk', expected one of ts, v, k, n; did you mean 'k'?"
        ),
        (
            "[v]",
            "error[key-type]: v is double, which makes no groups; group by text, integer, decimal, boolean or timestamp fields"
        ),
        ("[k, k]", "error[duplicate-key]: k is in `by` twice"),
    ])
    func byTakesFields(by: String, expected: String) {
        let found = Self.lines(Self.topology(by: by))
        #expect(found.count == 1 && found[0].hasSuffix(": " + expected), "\(found)")
    }

    @Test(arguments: [
        (
            "9x",
            "a field cannot be called 9x, expected a letter or _, then letters, digits or _; give it another name and say where it is: { path: 9x, type: text }"
        ),
        (
            "\(String(repeating: "f", count: 60))",
            "a field's name is too long, found 60 bytes, expected at most 59; give it a shorter name and say where it is with path:"
        ),
    ])
    func aFieldThatCannotBeAColumnIsRefused(name: String, expected: String) {
        let found = Self.lines(Self.topology(fields: ", \(name): text", by: "[\"\(name)\"]"))
        #expect(found.count == 1 && found[0].hasSuffix("error[field-name]: " + expected), "\(found)")
    }

    @Test(arguments: ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "group_key", "window_start"])
    func aKeyCannotHaveTheNameOfAColumnThatIsThere(name: String) {
        let found = Self.lines(Self.topology(fields: ", \(name): text", by: "[\(name)]"))
        #expect(
            found.count == 1 && found[0].contains("error[column-name]: \(name) cannot be a key's name, it is "),
            "\(found)")
    }

    @Test(arguments: [
        ("7d", "windows of this length begin on Thursdays at 00:00 UTC"), ("14d", "begin on Thursdays"),
        ("2d", "begin on no fixed day"), ("7m", "do not divide a day"), ("13h", "do not divide a day"),
        ("36h", "do not divide a day"), ("1500ms", "do not divide a day"),
    ])
    func aWindowThatBeginsWhereNobodyExpectsItIsAWarning(window: String, expected: String) {
        let (topology, diagnostics) = TopologyLoader(environment: [:]).load(
            text: Self.topology(window: window), from: "t")
        #expect(topology != nil)
        #expect(diagnostics.all.map(\.code) == ["window-drift"])
        #expect("\(diagnostics)".contains(expected), "\(diagnostics)")
    }

    @Test(arguments: ["1s", "1m", "15m", "1h", "12h", "1d"])
    func windowsThatBeginWithTheDayHaveNothingToSay(window: String) {
        #expect(Self.lines(Self.topology(window: window)) == [])
    }

    @Test func keysThatNoIndexHoldsAreAWarning() {
        let fields = ", u: { type: text, max_bytes: 2KiB }, w: { type: text, max_bytes: 1KiB }"
        #expect(
            Self.lines(Self.topology(fields: fields, by: "[u, w, ts]")) == [
                "t.yaml:11:11: warning[long-keys]: the fields to group by may take 3085 bytes (u, w), expected at "
                    + "most 2684, which is what an index of Postgres holds: events with longer values become dead letters; "
                    + "lower max_bytes of these fields in parse_json"
            ])
        #expect(Self.lines(Self.topology(fields: fields, by: "[u, k, ts]")) == [])
        let many = (0..<10).map { ", t\($0): text" }.joined()
        #expect(Self.lines(Self.topology(fields: many, by: "[t0, t1, t2, t3, t4, t5, t6, t7, t8, t9]")) == [])
    }

    @Test func aWindowWithoutATimeIsSaidOnceHoweverTheTimeIsWrong() {
        let wrong = Self.topology().replacing("event_time: ts", with: "event_time: k")
        #expect(
            Self.lines(wrong).map { $0.contains("error[event-time-type]: event_time is k, which is text") } == [true])
        let none = Self.topology().replacing("event_time: ts, ", with: "")
        #expect(Self.lines(none).map { $0.contains("error[no-event-time]: a window needs an event time") } == [true])
    }

    @Test(arguments: [
        (
            "kpis.public.t",
            "table 'kpis.public.t' has 3 parts, expected table or schema.table; the database is named in the url: write public.t"
        ),
        (".t", "table '.t' has an empty part, expected table or schema.table"),
        ("t.", "table 't.' has an empty part, expected table or schema.table"),
        (
            "pg_temp.t",
            "table 'pg_temp.t' would be temporary and gone with the connection, expected a schema that stays; write t, or another schema"
        ),
        (
            "pg_catalog.t",
            "table 'pg_catalog.t' is in schema pg_catalog, which belongs to Postgres itself, expected a schema of yours"
        ),
        (
            "millrace.t",
            "table 'millrace.t' is in schema millrace, which belongs to Millrace itself, expected a schema of yours"
        ),
        (
            "\\\"t\\\"",
            "table '\"t\"' holds a quote, expected the name as it is; leave the quotes out: names are taken as they are written, capitals included"
        ),
        ("t ", "table 't ' holds spaces at its ends or characters that cannot be seen, expected table or schema.table"),
    ])
    func aTableThatCannotBeIsRefused(table: String, expected: String) {
        let found = Self.lines(Self.topology(table: table))
        #expect(found.count == 1 && found[0].hasSuffix("error[table-name]: " + expected), "\(found)")
    }

    @Test func aTableWhoseNamePostgresWouldCutIsRefused() {
        let name = String(repeating: "é", count: 32)
        let found = Self.lines(Self.topology(table: "s." + name))
        #expect(found.count == 1 && found[0].contains("error[table-name]: a part of table"), "\(found)")
        #expect(found[0].hasSuffix("is too long, found 64 bytes, expected at most 63"), "\(found)")
        #expect(Self.lines(Self.topology(table: String(repeating: "a", count: 63))) == [])
    }

    @Test(arguments: [
        ("t", "error[table-twice]: table t is written by two sinks, expected a table of its own for each"),
        (
            "public.t",
            "warning[table-alias]: table public.t may be table t, which another sink writes: the search path decides; name the schema of both"
        ),
    ])
    func twoSinksOfOneTableAreNoticed(table: String, expected: String) {
        let more = "\n  more: { from: kpi, postgres: { url: \"postgresql://h/d\", table: \(table) } }"
        let found = Self.lines(Self.topology() + more)
        #expect(found.count == 1 && found[0].hasSuffix(expected), "\(found)")
    }

    /// Diagnostics of the compiler quote what they are about; what came from the environment is left out of them.
    @Test func valuesFromTheEnvironmentAreNeverShown() {
        let canary = "canary_f3a"
        let text = """
            topology: t
            nodes:
              events: { kafka: { brokers: "b:1", topics: ["${C} ${C}", "${C},x"], start: "${C}", settings: { "x": "${C}" } } }
              records: { from: events, parse_json: { event_time: "${C}", fields: { k: { type: "${C}" }, l: { type: text, path: "/${C}" } } } }
              some: { from: records, filter: "${C} like 'x'" }
              kpi: { from: records, summarize: { by: [k], metrics: { n: "sum(${C})", m: "${C}(k)" } } }
              out: { from: kpi, postgres: { url: "postgresql://${C}", table: "a.${C}.c" } }
            """
        let found = Self.lines(text, environment: ["C": canary])
        #expect(found.count >= 10, "\(found)")
        #expect(!found.contains { $0.contains("canary") }, "\(found)")
        // The canary itself: without the environment the same values are shown.
        #expect(Self.lines(text.replacing("${C}", with: canary)).filter { $0.contains("canary") }.count >= 7)
    }

    @Test func twoDatabasesAreRefused() {
        let more = "\n  more: { from: kpi, postgres: { url: \"postgresql://h/other\", table: u } }"
        let found = Self.lines(Self.topology() + more)
        #expect(
            found.map { $0.contains("error[second-database]: the postgres sinks of a topology share one database") }
                == [true])
    }
}

extension [String] {
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
