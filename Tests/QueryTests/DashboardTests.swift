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
              metrics:
                n: count()
                money: sum(price)
                users: uniques(user)
                speed: percentiles(ms, 50, 95, 99)
                mean: avg(d)
                least: min(ms)
                latest: max(ts)
                quick: share_below(ms, 30)
                last_price: last(price)
                fans: top(user, 3)
              columns: { each: money / n }
          all: { from: records, summarize: { metrics: { n: count(), users: uniques(user), latest: max(ts) } } }
          out: { from: kpi, postgres: { url: "${DATABASE_URL}", table: kpi } }
          totals: { from: all, postgres: { url: "${DATABASE_URL}", table: Totals } }
        """

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
        // Nine panels by the minute, which has no moments, a list, one by a key, and three totals.
        #expect(answers.count == 14 && answers.allSatisfy { !$0.isEmpty }, "\(answers)")
        #expect(answers.prefix(9).allSatisfy { $0.count == 3 } && answers[9].count == 3 && answers[10].count == 4)
        // The first minute has every third of the events.
        #expect(answers[0].first == "(\"2026-01-01 00:00:00+00\",167)")
        #expect(answers[1].first == "(\"2026-01-01 00:00:00+00\",41666.50)")
        #expect(answers[6].first?.hasPrefix("(\"2026-01-01 00:00:00+00\",0.2994011976") ?? false)
        #expect(answers[7].first == "(\"2026-01-01 00:00:00+00\",477.50)")
        #expect(answers[8].first == "(\"2026-01-01 00:00:00+00\",249.5)")
        // 500 events of 90 users: the first 50 have six each.
        #expect(answers[9] == ["(u0,6,0,0.012)", "(u1,6,0,0.012)", "(u10,6,0,0.012)"])
        #expect(answers[11] == ["(500)"] && answers[12].count == 1 && answers[13] == ["(1767232859000.000000)"])
    }

    /// What a panel's query answers, with Grafana's time range filled in.
    private static func answer(
        _ query: String, from: String = "2026-01-01T00:00:00Z", to: String = "2026-01-02T00:00:00Z",
        _ connection: inout Connection
    ) throws -> [String] {
        let plain = query.replacing("$__timeFrom()", with: "'\(from)'").replacing("$__timeTo()", with: "'\(to)'")
        let found = try connection.query("SELECT (q.*)::text FROM (\(plain)) q")
        return try (0..<found.rowCount).compactMap { try found.text($0, 0) }
    }

    /// Tables whose rows do not simply add up.
    private static let windows = """
        topology: windows
        nodes:
          events: { file: "EVENTS" }
          records:
            from: events
            parse_json: { event_time: ts, fields: { ts: timestamp, k: text, user: text, ms: integer } }
          hop:
            from: records
            summarize:
              window: { size: 10m, every: 1m }
              by: [k]
              metrics: { views: count(), ms: sum(ms), users: uniques(user), fans: "top(user, 3)", latest: max(ts) }
              columns: { mean: ms / views, per_user: "views / users - 1" }
          short: { from: records, summarize: { window: { size: 4500ms, every: 1500ms }, by: [k], metrics: { n: count() } } }
          month: { from: records, summarize: { window: { size: 1 month, zone: Europe/Berlin }, metrics: { n: count() } } }
          hop_out: { from: hop, postgres: { url: "${DATABASE_URL}", table: hop } }
          short_out: { from: short, postgres: { url: "${DATABASE_URL}", table: short } }
          month_out: { from: month, postgres: { url: "${DATABASE_URL}", table: month } }
        """

    private struct Event {
        /// Since 2026-01-01, in seconds.
        var second: Int
        var k: String
        var user: String
        var ms: Int

        var json: String {
            let moment = Date(timeIntervalSince1970: 1_767_225_600 + Double(second)).formatted(.iso8601)
            return #"{"ts": "\#(moment)", "k": "\#(k)", "user": "\#(user)", "ms": \#(ms)}"#
        }
    }

    /// An event every five seconds for an hour from 10:00 on. Those of k0 are the slower, the more there are of them.
    private static let events = (0..<720).map { index in
        Event(
            second: 36_000 + index * 5, k: index % 7 < 3 ? "k0" : "k1", user: "u\(index * index % 11)",
            ms: index % 7 < 3 ? index : index % 10)
    }

    /// A double as Postgres shows it.
    private static func shown(_ value: Double) -> String { "\(value)".replacing(/\.0$/, with: "") }

    /// Panels by title, of one table.
    private static func queries(_ json: String, of table: String) throws -> [String: String] {
        let all = try panels(json).compactMap { panel -> (String, String)? in
            guard let query = query(panel), query.contains("FROM \"\(table)\"") else { return nil }
            return (panel["title"] as? String ?? "", query)
        }
        return Dictionary(uniqueKeysWithValues: all)
    }

    /// From 10:05 to 10:35: windows of ten minutes that this touches hold the events from 10:00 to 10:40, each once.
    @Test func overlappingWindowsAreNotAddedUp() async throws {
        let (by, fans, views, short) = try await onThread(named: "dashboard") {
            let stand = try DifferentialStand("dashboard_windows")
            let path = try stand.file(
                named: "events.ndjson", Self.events.map(\.json).joined(separator: "\n") + "\n")
            let compiled = try stand.compile(Self.windows.replacing("EVENTS", with: path))
            try stand.runEngine(compiled)
            var connection = try stand.connect()
            let json = Dashboard(of: compiled).json
            let hop = try Self.queries(json, of: "hop")
            #expect(Set(hop.keys) == ["views", "ms", "users", "mean", "per_user", "fans", "By k"])
            let (from, to) = ("2026-01-01T10:05:00Z", "2026-01-01T10:35:00Z")
            func ask(_ query: String?) throws -> [String] {
                try Self.answer(#require(query), from: from, to: to, &connection)
            }
            return (
                try ask(hop["By k"]), try ask(hop["fans"]), try ask(hop["views"]),
                try ask(Self.queries(json, of: "short")["By k"])
            )
        }
        let touched = Self.events.filter { (36_000..<38_400).contains($0.second) }
        let rows = ["k0", "k1"].map { k in
            let own = touched.filter { $0.k == k }
            let (views, users) = (own.count, Set(own.map(\.user)).count)
            let ms = own.map(\.ms).reduce(0, +)
            let latest = Date(timeIntervalSince1970: 1_767_225_600 + Double(own.map(\.second).max() ?? 0))
            let shown = latest.formatted(.iso8601).replacing("T", with: " ").replacing("Z", with: "+00")
            return (
                views,
                "(\(k),\(views),\(ms),\(users),\"\(shown)\",\(Self.shown(Double(ms) / Double(views))),"
                    + "\(Self.shown(Double(views) / Double(users) - 1)))"
            )
        }
        #expect(by == rows.sorted { $0.0 > $1.0 }.map(\.1))

        let counts = Dictionary(touched.map { ($0.user, 1) }, uniquingKeysWith: +)
        let most = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3)
        #expect(
            fans == most.map { "(\($0.key),\($0.value),0,\(Self.shown(Double($0.value) / Double(touched.count))))" })

        // Every window that holds some of the range, with all that it holds.
        let starts = stride(from: 36_000 - 5 * 60 + 60, through: 38_100, by: 60)
        #expect(
            views
                == starts.map { start in
                    let count = Self.events.count { (start..<start + 600).contains($0.second) }
                    let clock = Date(timeIntervalSince1970: 1_767_225_600 + Double(start)).formatted(.iso8601)
                    return "(\"\(clock.replacing("T", with: " ").replacing("Z", with: "+00"))\",\(count))"
                })

        // Windows of 4.5 s: from the first that ends behind 10:05:00 to the last that begins by 10:35:00.
        let halves = stride(from: 0, to: 400_000, by: 9).filter { $0 + 9 > 2 * 36_300 && $0 <= 2 * 38_100 }
        let inside = Self.events.filter { event in
            (halves[0]..<halves[halves.count - 1] + 9).contains(2 * event.second)
        }
        let (k0, k1) = (inside.count { $0.k == "k0" }, inside.count { $0.k == "k1" })
        #expect(short == ["(k1,\(k1))", "(k0,\(k0))"])
    }

    @Test func aWindowThatBeganBeforeTheRangeIsShown() async throws {
        let (inside, json) = try await onThread(named: "dashboard") {
            let stand = try DifferentialStand("dashboard_month")
            // The last of December and the first of January, in Berlin; then one of February.
            let lines = [-3_601, -3_600, 0, 86_400, 31 * 86_400].map {
                Event(second: $0, k: "k", user: "u", ms: 1).json
            }
            let path = try stand.file(named: "events.ndjson", lines.joined(separator: "\n") + "\n")
            let compiled = try stand.compile(Self.windows.replacing("EVENTS", with: path))
            try stand.runEngine(compiled)
            var connection = try stand.connect()
            let json = Dashboard(of: compiled).json
            let query = try #require(Self.queries(json, of: "month")["n"])
            return (
                try Self.answer(query, from: "2026-01-20T00:00:00Z", to: "2026-01-21T00:00:00Z", &connection), json
            )
        }
        #expect(inside == ["(\"2025-12-31 23:00:00+00\",3)"])

        // A hundred minutes for the first table, years for months.
        #expect(json.contains(#""from" : "now-100m""#))
        let panels = try Self.panels(json)
        let spans = panels.compactMap { $0["timeFrom"] as? String }
        #expect(Set(spans) == ["3m", "5y"] && panels.first { $0["title"] as? String == "views" }?["timeFrom"] == nil)
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
        #expect(sql.contains("<= $__timeTo()::timestamptz AND window_size = '1m' AND grouping_set = '()'"))
        #expect(json.contains(#""uid" : "${database}""#) && json.contains(#"FROM \"Totals\""#))
        let top = try #require(panels.first { $0["title"] as? String == "By k" })
        #expect(try #require(Self.query(top)).contains("grouping_set = 'k'"))
    }
}
