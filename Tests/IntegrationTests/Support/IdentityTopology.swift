/// One topology with many shapes of work: windows of all kinds, a filter, metrics with and without `where`, null keys, grouping
/// sets, and an unwindowed summary with many groups. Everything that must not matter can be varied.
struct IdentityTopology: Sendable {
    /// Where the events come from.
    enum Source: Sendable {
        case kafka(topic: String, group: String, sessionTimeout: Duration, start: String? = nil)
        case file(String)
    }

    var source: Source
    /// Settings of the whole topology, by name.
    var settings: [String: String] = [:]
    /// `concurrency:` of nodes, by name; a node with one is a stage of its own.
    var concurrency: [String: Int] = [:]

    /// The tables it writes.
    static let summaries: [TableDump.Part] = [
        .summary("kpi", hasWindow: true), .summary("sales", hasWindow: true), .summary("items", hasWindow: false),
        .summary("segments", hasWindow: true), .summary("spans", hasWindow: true, hasWindows: true),
        .summary("resales", hasWindow: true),
    ]

    /// The same without `first` and `last`, whose ties depend on the place in the log, and without `top`, whose samples do:
    /// they differ between sources of the same events.
    static let summariesAnywhere: [TableDump.Part] = [
        .summary("kpi", hasWindow: true),
        .summary("sales", hasWindow: true, without: ["opening", "closing", "buyers"]),
        .summary("resales", hasWindow: true, without: ["last_user", "buyers"]),
        .summary("items", hasWindow: false, without: ["fans"]),
        .summary("segments", hasWindow: true, without: ["last_weapon", "first_level", "weapons"]),
        .summary("spans", hasWindow: true, hasWindows: true, without: ["opening", "closing", "busiest"]),
    ]

    /// All that must be the same for the same log.
    static let everything = summaries + [.deadLetters, .ledger]

    /// The file's text; `${BROKERS}` and `${DATABASE_URL}` come from the environment.
    var text: String {
        let settings = settings.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
        return """
            topology: identity
            \(settings)nodes:
              events:
            \(sourceText)
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
                    weapon: { path: payload.weapon, type: text }
            \(permits("records"))
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
            \(permits("kpi"))
              kpi_table:
                from: kpi
                postgres: { url: "${DATABASE_URL}", table: kpi }

              played:
                from: records
                filter: "level > 1 && event != 'login'"
            \(permits("played"))
              sales:
                from: played
                summarize:
                  window: 10s
                  by: [event, weapon]
                  metrics:
                    events: count()
                    mean_ms: avg(duration_ms)
                    shortest_ms: min(duration_ms)
                    longest_ms: max(duration_ms)
                    first: min(ts)
                    dearest: max(revenue)
                    large_sales: { metric: count(), where: "revenue >= 19.99" }
                    heroes: { metric: "uniques(user, precision: compact)", where: "level > 50" }
                    paid: count(revenue)
                    opening: first(revenue)
                    closing: last(user)
                    quick: "share_below(duration_ms, 1500)"
                    buyers: { metric: "top(user, 3)", where: "revenue > 0" }
            \(permits("sales"))
              sales_table:
                from: sales
                postgres: { url: "${DATABASE_URL}", table: sales }

              # Groups like sales, so that both are counted as one, unless one is a stage of its own.
              resales:
                from: played
                summarize:
                  window: 10s
                  by: [event, weapon]
                  metrics:
                    last_user: last(user)
                    events: count()
                    buyers: { metric: "top(user, 9)", where: "revenue > 0" }
                    users: uniques(user)
            \(permits("resales"))
              resales_table:
                from: resales
                postgres: { url: "${DATABASE_URL}", table: resales }

              items:
                from: records
                summarize:
                  by: [item]
                  metrics:
                    events: count()
                    users: "uniques(user, precision: precise)"
                    duration: percentiles(duration_ms, 50)
                    fans: top(user, 10)
            \(permits("items"))
              items_table:
                from: items
                postgres: { url: "${DATABASE_URL}", table: items }

              some:
                from: played
                sample: { share: 90%, by: user }
            \(permits("some"))
              segments:
                from: some
                summarize:
                  window: 5m
                  grouping_sets: [[event, platform, country], [event, country], [weapon, event], [event], [weapon], []]
                  metrics:
                    events: count()
                    users: uniques(user)
                    duration: percentiles(duration_ms, 50)
                    mean_revenue: avg(revenue)
                    last: max(ts)
                    last_weapon: last(weapon)
                    first_level: { metric: first(level), where: "duration_ms > 1000" }
                    heroes: { metric: uniques(user), where: "level > 50" }
                    weapons: top(weapon, 3)
            \(permits("segments"))
              segments_table:
                from: segments
                postgres: { url: "${DATABASE_URL}", table: segments }

              local:
                from: records
                derive:
                  tz: "case when country = 'DE' then 'Europe/Berlin' when country = 'IN' then 'Asia/Kathmandu' else 'UTC' end"
            \(permits("local"))
              spans:
                from: local
                summarize:
                  windows: [10s, { size: 1m, every: 20s }, { size: 1 day, zone: tz }]
                  rollup: [event]
                  metrics:
                    events: count()
                    users: uniques(user)
                    duration: percentiles(duration_ms, 50)
                    opening: first(revenue)
                    closing: last(user)
                    quick: "share_below(duration_ms, 1500)"
                    busiest: top(user, 2)
            \(permits("spans"))
              spans_table:
                from: spans
                postgres: { url: "${DATABASE_URL}", table: spans }

            """
    }

    private func permits(_ node: String) -> String { concurrency[node].map { "    concurrency: \($0)\n" } ?? "" }

    private var sourceText: String {
        switch source {
        case .file(let path): "    file: { paths: [\"\(path)\"] }"
        case .kafka(let topic, let group, let sessionTimeout, let start):
            """
                kafka:
                  brokers: "${BROKERS}"
                  topics: [\(topic)]
                  group: \(group)
                  start: \(start ?? "earliest")
                  settings:
                    session.timeout.ms: "\(sessionTimeout.milliseconds)"
                    heartbeat.interval.ms: "\(sessionTimeout.milliseconds / 10)"
            """
        }
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int { Int(self / .milliseconds(1)) }
}
