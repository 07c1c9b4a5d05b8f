import Foundation
import Postgres
import Testing

/// Every number in the tables is what a slow and exact program makes of the same log.
@Suite struct RecountTests {
    private static let checks =
        [("t1", "t1"), ("all_metrics", "all_metrics"), ("t3", "t3")]
        + ["event_platform_country", "event_country", "event_platform", "event", "total"].map { ("t2_\($0)", "t2") }

    @Test(.enabled(if: Recount.isPossible, "needs python3")) func everyRowIsRight() async throws {
        try await onOwnThread {
            let (stand, partitions) = (try KafkaStand(), 16)
            let log = try EventLog([
                "--events", "200000", "--seed", "11", "--bad", "0.01", "--events-per-second", "2000", "--items",
                "20000",
            ])
            let topic = try stand.makeTopic(partitions: partitions)
            try EventWriter(log, to: topic, partitions: partitions, of: stand).finish()
            let database = try TestDatabase("recount")
            let process = try MillraceProcess(
                topology: Self.topology(topic),
                environment: ["BROKERS": stand.bootstrapServers, "DATABASE_URL": database.url])
            try database.waitUntilRead(log.events.count, by: [process], within: .seconds(240))
            try stopInOrder([process])
            let ledger = try Ledger(of: database)
            #expect(ledger.problems(messages: log.events.count) == [])

            let right = try Recount.run(Self.checks, dead: nil, database: database, log: log.file)
            #expect(right.status == 0, "\(right.output)")
            // Dead letters are those of the topology as a whole, whose parser reads the fields of all three queries.
            let letters = try database.number("SELECT count(*) FROM millrace.dead_letters")
            #expect(letters == ledger.dead && letters > 1_000)

            // The canary: each kind of number, wrong in one row.
            for (table, change) in [
                ("t1", "events = events + 1"), ("t1", "revenue = revenue + 0.01"),
                ("t1", "duration_p50 = duration_p50 * 1.02"), ("t3", "users = users + 1"),
                ("all_metrics", "mean_ms = mean_ms + 0.5"), ("all_metrics", "first_price = first_price + 0.01"),
                ("all_metrics", "quick = quick * 0.99"),
                ("all_metrics", "busiest = jsonb_set(busiest, '{0,count}', '987654')"),
            ] {
                try Self.spoil(table, change, database)
                let wrong = try Recount.run([(table, table)], dead: nil, database: database, log: log.file)
                #expect(wrong.status == 1 && wrong.output.contains("1 differences"), "\(change): \(wrong.output)")
                try Self.restore(table, database)
            }
        }
    }

    /// Changes one row, of those where the change means something, and keeps it as it was.
    private static func spoil(_ table: String, _ change: String, _ database: TestDatabase) throws {
        let column = change.prefix { $0 != " " }
        _ = try database.query(
            "CREATE TABLE kept AS SELECT * FROM \(table) WHERE \(column)::text COLLATE \"C\" > '0' ORDER BY events LIMIT 1"
        )
        _ = try database.query("UPDATE \(table) SET \(change) WHERE \(isKept(table))")
    }

    private static func restore(_ table: String, _ database: TestDatabase) throws {
        _ = try database.query("DELETE FROM \(table) WHERE \(isKept(table))")
        _ = try database.query("INSERT INTO \(table) SELECT * FROM kept")
        _ = try database.query("DROP TABLE kept")
    }

    private static func isKept(_ table: String) -> String {
        let key = table == "t3" ? "group_key" : "window_start, group_key"
        return "(\(key)) IN (SELECT \(key) FROM kept)"
    }

    private static func topology(_ topic: String) -> String {
        """
        topology: recount
        nodes:
          events:
            kafka:
              brokers: "${BROKERS}"
              topics: [\(topic)]
              settings: { session.timeout.ms: "6000" }
          records:
            from: events
            parse_json:
              event_time: ts
              fields:
                ts: timestamp
                event: text
                user: text
                platform: text
                country: text
                item: text
                level: integer
                duration_ms: integer
                revenue: decimal(2)
                battery: { path: payload.device.battery, type: double }
                weapon: { path: payload.weapon, type: text }
                critical: { path: payload.critical, type: boolean }
          kpi:
            from: records
            summarize:
              window: 1m
              by: [event, platform, country]
              metrics:
                events: count()
                users: uniques(user)
                duration: percentiles(duration_ms, 50, 95, 99)
                revenue: sum(revenue)
          t1:
            from: kpi
            postgres: { url: "${DATABASE_URL}", table: t1 }
          segments:
            from: records
            summarize:
              window: 1m
              grouping_sets: [[event, platform, country], [event, country], [event, platform], [event], []]
              metrics:
                events: count()
                users: uniques(user)
                duration: percentiles(duration_ms, 50, 95, 99)
                revenue: sum(revenue)
          t2:
            from: segments
            postgres: { url: "${DATABASE_URL}", table: t2 }
          beginners_apart:
            from: records
            filter: "level > 1"
          all:
            from: beginners_apart
            summarize:
              window: 10s
              by: [event, weapon, critical]
              metrics:
                events: count()
                timed: { metric: count(), where: "duration_ms is not null" }
                total_ms: sum(duration_ms)
                shortest_ms: min(duration_ms)
                longest_ms: max(duration_ms)
                mean_ms: avg(duration_ms)
                revenue: sum(revenue)
                cheapest: min(revenue)
                mean_revenue: avg(revenue)
                large_sales: { metric: count(), where: "revenue >= 19.99" }
                battery: sum(battery)
                lowest_battery: min(battery)
                first_seen: min(ts)
                last_seen: max(ts)
                users: uniques(user)
                precise_users: "uniques(user, precision: precise)"
                compact_users: "uniques(user, precision: compact)"
                prices: percentiles(revenue, 50)
                with_battery: count(battery)
                first_price: first(revenue)
                last_user: last(user)
                last_critical: { metric: last(critical), where: "duration_ms > 1000" }
                quick: share_below(duration_ms, 1500)
                dear: "share_below(revenue, 9.99)"
                busiest: top(user, 5)
                usual_prices: top(revenue, 3)
                levels: { metric: "top(level, 4)", where: "revenue >= 19.99" }
                duration: percentiles(duration_ms, 0, 1, 50, 99.9, 100)
          all_table:
            from: all
            postgres: { url: "${DATABASE_URL}", table: all_metrics }
          items:
            from: records
            summarize:
              by: [item]
              metrics:
                events: count()
                users: uniques(user)
                duration: percentiles(duration_ms, 50, 95, 99)
          t3:
            from: items
            postgres: { url: "${DATABASE_URL}", table: t3 }

        """
    }
}
