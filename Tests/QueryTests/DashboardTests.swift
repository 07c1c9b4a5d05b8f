import Declaration
import Foundation
import Platform
import Postgres
import Testing

@testable import Millrace

/// `millrace dashboard`: JSON of Grafana whose queries run.
@Suite struct DashboardTests {
    private static let topology = """
        topology: shop
        nodes:
          events: { file: "EVENTS" }
          records:
            from: events
            parse_json:
              event_time: ts
              fields: { ts: timestamp, k: text, user: text, ms: integer, price: decimal(2), d: double }
          kpi:
            from: records
            summarize:
              windows: [1m, 1h]
              rollup: [k, user]
              metrics: &metrics
                n: count()
                money: sum(price)
                users: uniques(user)
                speed: percentiles(ms, 50, 95, 99)
                mean: avg(d)
                least: min(ms)
                latest: max(ts)
                quick: share_below(ms, 30)
                last_price: last(price)
          all: { from: records, summarize: { metrics: { n: count(), users: uniques(user) } } }
          out: { from: kpi, postgres: { url: "${DATABASE_URL}", table: kpi } }
          totals: { from: all, postgres: { url: "${DATABASE_URL}", table: Totals } }
        """.replacing("&metrics", with: "")

    private static func panels(_ json: String) throws -> [[String: Any]] {
        let dashboard = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        return try #require(dashboard?["panels"] as? [[String: Any]])
    }

    private static func query(_ panel: [String: Any]) -> String? {
        ((panel["targets"] as? [[String: Any]])?.first)?["rawSql"] as? String
    }

    @Test func everyPanelsQueryRuns() async throws {
        let answers = try await onThread(named: "dashboard") {
            let stand = try DifferentialStand("dashboard")
            let lines = (0..<500).map { index in
                """
                {"ts": "2026-01-01T0\(index % 3):00:\(String(format: "%02d", index % 60))Z", "k": "k\(index % 4)", \
                "user": "u\(index % 90)", "ms": \(index % 100), "price": \(index).5, "d": 0.25}
                """
            }
            let path = try stand.file(named: "events.ndjson", lines.joined(separator: "\n") + "\n")
            let compiled = try stand.compile(Self.topology.replacing("EVENTS", with: path))
            try stand.runEngine(compiled)
            var connection = try stand.connect()
            return try Self.panels(Dashboard(of: compiled).json).compactMap { panel in
                try Self.query(panel).map { try Self.answer($0, &connection) }
            }
        }
        // Ten panels by the minute or by a key, two totals.
        #expect(answers.count == 12 && answers.allSatisfy { $0.rows > 0 }, "\(answers)")
        #expect(answers.prefix(9).allSatisfy { $0.rows == 3 } && answers[9].rows == 4)
        // The first minute has every third of the events.
        #expect(answers[0].first == "(\"2026-01-01 00:00:00+00\",167)")
        #expect(answers[1].first == "(\"2026-01-01 00:00:00+00\",41666.50)")
        #expect(answers[7].first?.hasPrefix("(\"2026-01-01 00:00:00+00\",0.2994011976") ?? false)
        #expect(answers[8].first == "(\"2026-01-01 00:00:00+00\",477.50)")
        #expect(answers[10].first == "(500)")
    }

    /// What a panel's query answers, with Grafana's time filter filled in: how many rows, and the first of them.
    private static func answer(
        _ query: String, _ connection: inout Connection
    ) throws -> (rows: Int, first: String?) {
        let filter = "window_start BETWEEN '2026-01-01T00:00:00Z' AND '2026-01-02T00:00:00Z'"
        let plain = query.replacing("$__timeFilter(window_start)", with: filter)
        let rows = try connection.query(plain).rowCount
        return (rows, try connection.query("SELECT (q.*)::text FROM (\(plain)) q LIMIT 1").text(0, 0))
    }

    @Test func percentilesAreBandsAndSharesArePercents() throws {
        let text = Self.topology.replacing("EVENTS", with: "events.ndjson")
        let loader = TopologyLoader(environment: ["DATABASE_URL": "postgresql://h/d"])
        let loaded = loader.load(text: text, from: "t.yaml")
        let json = try Dashboard(of: #require(loaded.topology, "\(loaded.diagnostics.report)")).json
        let panels = try Self.panels(json)
        #expect(panels.count == Set(panels.compactMap { $0["id"] as? Int }).count)
        let speed = try #require(panels.first { $0["title"] as? String == "speed" })
        let overrides = try #require((speed["fieldConfig"] as? [String: Any])?["overrides"] as? [[String: Any]])
        let fills = overrides.compactMap { ($0["properties"] as? [[String: Any]])?.first?["value"] as? String }
        #expect(fills == ["p50", "p95"])
        let quick = try #require(panels.first { $0["title"] as? String == "quick" })
        #expect(
            ((quick["fieldConfig"] as? [String: Any])?["defaults"] as? [String: Any])?["unit"] as? String
                == "percentunit")
        // Rows of one window and of one grouping set: each record counts once.
        let sql = try #require(Self.query(quick))
        #expect(sql.contains("WHERE $__timeFilter(window_start) AND window_size = '1m' AND grouping_set = '()'"))
        #expect(json.contains(#""uid" : "${database}""#) && json.contains(#"FROM \"Totals\""#))
        let top = try #require(panels.first { $0["title"] as? String == "By k" })
        #expect(try #require(Self.query(top)).contains("grouping_set = 'k'"))
    }
}
