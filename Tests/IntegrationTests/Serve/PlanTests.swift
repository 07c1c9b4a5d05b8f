import Foundation
import Platform
import Postgres
import Testing

/// What `plan` says of a change is what happens when it is deployed.
@Suite struct PlanTests {
    /// A topology over a file, with everything in it that may be changed.
    private struct Job {
        var window = "1m"
        var keys = ["kind"]
        var metrics = ["all: count()", "sum: sum(n)"]
        var filter = "n >= 0"
        var table = "planned"
        var extra: String?
        /// What Postgres computes, where the metrics that it is computed from are there.
        var computed: String?
        var names = "records"
        let path: String

        private var columns: String {
            guard let computed, Set(metrics).isSuperset(of: ["all: count()", "sum: sum(n)"]) else { return "" }
            return "columns: { \(computed) }"
        }

        var text: String {
            var text = """
                topology: planned
                nodes:
                  lines: { file: { paths: ["\(path)"] } }
                  \(names): { from: lines, parse_json: { event_time: at, fields: { at: timestamp, n: integer, kind: text } } }
                  some: { from: \(names), filter: "\(filter)" }
                  kept:
                    from: some
                    summarize:
                      window: \(window)
                      by: [\(keys.joined(separator: ", "))]
                      \(columns)
                      metrics: { \(metrics.map { "\"\($0.split(separator: ":")[0])\":\($0.split(separator: ":")[1])" }.joined(separator: ", ")) }
                  out: { from: kept, postgres: { url: "${DATABASE_URL}", table: \(table) } }

                """
            if let extra {
                text += """
                      more: { from: \(names), summarize: { metrics: { rows: count() } } }
                      more_out: { from: more, postgres: { url: "${DATABASE_URL}", table: \(extra) } }

                    """.split(separator: "\n").map { "  " + $0.trimmingCharacters(in: .whitespaces) }.joined(
                        separator: "\n") + "\n"
            }
            return text
        }

        /// Changes something, at random.
        mutating func change(_ random: inout SeededRandom, _ round: Int) {
            switch random.below(11) {
            case 0:
                metrics.append(
                    "m\(round): \(["max(n)", "uniques(n)", "count(n)", "'percentiles(n, 50)'"][random.below(4)])")
            case 1: if metrics.count > 1 { metrics.remove(at: random.below(metrics.count)) }
            case 2: window = window == "1m" ? "5m" : "1m"
            case 3: keys = keys.count == 1 ? ["kind", "n"] : ["kind"]
            case 4: filter = "n >= \(random.below(3))"
            case 5: table = "planned_\(random.below(3))"
            case 6: extra = extra == nil ? "more_\(random.below(3))" : nil
            case 7: names = names == "records" ? "parsed" : "records"
            case 8:
                computed =
                    ["mean: sum / all", "mean: sum / (all + 1)", "twice: sum * 2, mean: sum / all"][random.below(3)]
            case 9: computed = nil
            default: break
            }
        }
    }

    private struct Plan: Decodable {
        struct Table: Decodable {
            var table: String
            var fate: String
            var rows: Int
        }
        var isPossible: Bool
        var acceptsGaps: Bool
        var tables: [Table]
    }

    @Test func itNamesWhatHappens() async throws {
        try await onOwnThread {
            let seed = UInt64(20_261_126)
            let rounds = Int(ProcessInfo.processInfo.environment["MILLRACE_CHANGES"] ?? "") ?? 25
            var random = SeededRandom(seed: seed)
            let database = try TestDatabase("planned")
            let stand = try ServeStand(database)
            let events = (0..<500).map {
                "{\"at\":\"2026-01-01T00:00:\($0 % 50 + 10)Z\",\"n\":\($0 % 7),\"kind\":\"k\($0 % 3)\"}\n"
            }
            let path = try stand.file(events.joined(), "events.ndjson")
            let process = try stand.serve()
            var good = Job(path: path)
            try stand.succeed("deploy", try stand.file(good.text))
            try stand.wait(for: "planned", toBe: "ended")
            var (applied, refused) = (0, 0)
            for round in 1...rounds {
                var job = good
                for _ in 0...random.below(2) { job.change(&random, round) }
                let file = try stand.file(job.text, "changed.yaml")
                let out = file + ".plan"
                let answer = try stand.run("plan", file, "--out", out, "--json")
                guard let plan = try? JSONDecoder().decode(Plan.self, from: Data(answer.output.utf8)) else {
                    Issue.record("seed \(seed), round \(round): no plan: \(answer.output)\(answer.errors)\n\(job.text)")
                    continue
                }
                #expect(answer.exit == .code(plan.isPossible ? 0 : 1))
                for table in plan.tables where table.fate != "new" {
                    let there = try database.query("SELECT to_regclass('\(table.table)')::text").text(0, 0) != nil
                    let rows = there ? try database.number("SELECT count(*) FROM \(table.table)") : 0
                    #expect(table.rows == rows, "seed \(seed), round \(round), \(table.table)")
                }
                let done =
                    plan.isPossible
                    ? try stand.run("apply", out) : try stand.run("deploy", file, "--force")
                let state = try stand.status("planned")
                if plan.isPossible {
                    applied += 1
                    #expect(
                        done.exit == .code(0),
                        "seed \(seed), round \(round): \(done.output)\(done.errors)\n\(answer.output)")
                    try stand.wait(for: "planned", toBe: "ended")
                    for table in plan.tables {
                        #expect(try database.query("SELECT to_regclass('\(table.table)')::text").text(0, 0) != nil)
                    }
                    // Doing it again changes nothing.
                    let again = try stand.run("apply", out)
                    #expect(
                        again.exit == .code(0) && again.output.contains("is what was planned already"),
                        "\(again.output)\(again.errors)")
                    #expect(try stand.status("planned").version == state.version)
                    good = job
                } else {
                    refused += 1
                    #expect(done.exit == .code(1), "seed \(seed), round \(round): \(answer.output)")
                    #expect(state.state == "failed", "seed \(seed), round \(round): \(state.state)\n\(answer.output)")
                    try stand.succeed("deploy", try stand.file(good.text), "--force")
                }
            }
            // Changes that are all possible, or none, would show little.
            #expect(applied > rounds / 5 && refused > rounds / 10, "\(applied) applied, \(refused) refused")
            try stopInOrder([process])
        }
    }

    @Test func aTableThatIsNoLongerWrittenIsNamed() async throws {
        try await onOwnThread {
            let stand = try ServeStand(try TestDatabase("plan_left"))
            let path = try stand.file("{\"at\":\"2026-01-01T00:00:00Z\",\"n\":1,\"kind\":\"k\"}\n", "events.ndjson")
            let process = try stand.serve()
            var job = Job(path: path)
            job.extra = "more"
            try stand.succeed("deploy", try stand.file(job.text))
            try stand.wait(for: "planned", toBe: "ended")
            job.extra = nil
            let less = try stand.file(job.text, "less.yaml")
            let text = try stand.succeed("plan", less)
            #expect(
                text.contains(/table public.more \(1 rows, \d+ KiB\): is no longer written; it keeps its rows\n/),
                "\(text)")
            #expect(!text.contains("is gone"), "\(text)")
            let plan = try JSONDecoder().decode(Plan.self, from: Data(try stand.succeed("plan", less, "--json").utf8))
            #expect(plan.isPossible && !plan.acceptsGaps)
            #expect(
                plan.tables.map { "\($0.table) \($0.fate) \($0.rows)" } == [
                    "public.planned keep 1", "public.more left 1",
                ])
            try stand.succeed("deploy", less)
            try stand.wait(for: "planned", toBe: "ended")
            // It is not written any longer, so this does not change.
            #expect(try !stand.succeed("plan", less).contains("public.more"))
            try stopInOrder([process])
        }
    }

    /// A column that somebody has dropped: the file is the deployed one, and there is something to do all the same.
    @Test func aTableThatWasChangedByHandIsMended() async throws {
        try await onOwnThread {
            let database = try TestDatabase("plan_mends")
            let stand = try ServeStand(database)
            let path = try stand.file("{\"at\":\"2026-01-01T00:00:00Z\",\"n\":1,\"kind\":\"k\"}\n", "events.ndjson")
            let process = try stand.serve()
            let file = try stand.file(Job(path: path).text)
            try stand.succeed("deploy", file)
            try stand.wait(for: "planned", toBe: "ended")
            _ = try database.query("ALTER TABLE planned DROP COLUMN sum")
            let plan = file + ".plan"
            #expect(try stand.succeed("plan", file, "--out", plan).contains("ADD COLUMN \"sum\""))
            #expect(try stand.succeed("apply", plan).contains("version 1 begins again with its tables as planned"))
            #expect(try database.number("SELECT count(*) FROM planned WHERE sum IS NULL") == 1)
            try stand.wait(for: "planned", toBe: "ended")
            #expect(try stand.succeed("apply", plan).contains("version 1 is what was planned already"))
            try stopInOrder([process])
        }
    }

    @Test func aCatalogueThatHasMovedRefusesIt() async throws {
        try await onOwnThread {
            let stand = try ServeStand(try TestDatabase("plan_moved"))
            let events = try stand.file("{}\n", "events.ndjson")
            func file(_ name: String, _ metric: String) throws -> String {
                try stand.file(
                    """
                    topology: moved
                    nodes:
                      lines: { file: { paths: ["\(events)"] } }
                      records: { from: lines, parse_json: { fields: { n: integer } } }
                      counts: { from: records, summarize: { metrics: { \(metric) } } }
                      out: { from: counts, postgres: { url: "${DATABASE_URL}", table: moved } }
                    """, name)
            }
            let first = try file("first.yaml", "all: count()")
            let second = try file("second.yaml", "all: count(), most: max(n)")
            let plan = first + ".plan"
            let text = try stand.succeed("plan", second, "--out", plan)
            #expect(text.contains("moved is not deployed yet"))
            #expect(text.contains("table public.moved: is made"))
            try stand.succeed("deploy", first)
            let refused = try stand.run("apply", plan)
            #expect(refused.exit == .code(1))
            #expect(refused.errors.contains("the plan was made on version 0, and since then version 1 was deployed"))
            let nonsense = try stand.run("apply", first)
            #expect(nonsense.exit == .code(1))
            #expect(nonsense.errors.contains("is not a plan"))
            // And a topology does not become one by a slip.
            let before = try String(contentsOfFile: second, encoding: .utf8)
            let slip = try stand.run("plan", second, "--out", second)
            #expect(slip.exit == .code(1) && slip.errors.contains("is there and is no plan"))
            #expect(try String(contentsOfFile: second, encoding: .utf8) == before)
        }
    }

    /// Rows that a shorter life will cost are counted before they are gone.
    @Test func aShorterLifeOfRowsIsPriced() async throws {
        try await onOwnThread {
            let database = try TestDatabase("plan_keep")
            let stand = try ServeStand(database)
            let hours = [1, 2, 200, 300, 400].map { Date().addingTimeInterval(-3_600 * Double($0)).formatted(.iso8601) }
            let events = try stand.file(hours.map { "{\"at\":\"\($0)\"}\n" }.joined(), "events.ndjson")
            func file(_ keep: String) throws -> String {
                try stand.file(
                    """
                    topology: aging
                    nodes:
                      lines: { file: { paths: ["\(events)"] } }
                      records: { from: lines, parse_json: { event_time: at, fields: { at: timestamp } } }
                      counts: { from: records, summarize: { window: 1h, metrics: { n: count() } } }
                      out: { from: counts, postgres: { url: "${DATABASE_URL}", table: aging, keep: \(keep) } }
                    """, "aging.yaml")
            }
            let process = try stand.serve()
            try stand.succeed("deploy", try file("30d"))
            try stand.wait(for: "aging", toBe: "ended")
            #expect(try !stand.succeed("plan", try file("30d")).contains("dropped"))
            #expect(try stand.succeed("plan", try file("5d")).contains("keep: once it runs, 3 rows are dropped"))
            #expect(try database.number("SELECT sum(n)::bigint FROM aging") == 5)
            try stopInOrder([process])
        }
    }
}
