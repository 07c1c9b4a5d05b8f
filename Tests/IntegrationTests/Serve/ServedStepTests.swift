import Foundation
import Testing

/// A daemon's programs after commits, seen by commands.
@Suite struct ServedStepTests {
    @Test func whatFailsIsSeenAndWhatIsEmptiedIsTold() async throws {
        try await onOwnThread {
            let log = try IdentityLog(events: 500, seed: 77)
            try log.fill()
            let database = try TestDatabase("served_step")
            let stand = try ServeStand(database, brokers: log.stand.bootstrapServers)
            let programs = try StepPrograms(count: 1)
            let flag = programs.log + ".mended"
            let command = try programs.command(
                named: "served", "os.path.exists('\(flag)') or os._exit(7)")
            let file = try stand.file(
                """
                topology: served
                nodes:
                  events: { kafka: { brokers: "${BROKERS}", topics: [\(log.topic)], start: earliest } }
                  records: { from: events, parse_json: { fields: { event: text } } }
                  counts: { from: records, summarize: { by: [event], metrics: { n: count() } } }
                  out: { from: counts, postgres: { url: "${DATABASE_URL}", table: counts, after_commit: { command: \(command), rows: false } } }
                """)
            let process = try stand.serve()
            try stand.succeed("deploy", file)
            try eventually(within: .seconds(120), "why says what fails; \(process.lastWords)") {
                let answer = try stand.run("why", "served")
                return answer.exit == .code(3)
                    && answer.output.contains("out: after_commit of public.counts: python3 ended with exit code 7")
            }
            try eventually("the failures are counted") {
                try stand.succeed("metrics").contains(/millrace_step_failures_total{[^\n]*table="public.counts"} [1-9]/)
            }
            try Data().write(to: URL(fileURLWithPath: flag))
            try eventually(within: .seconds(120), "it is made up for; \(process.lastWords)") {
                try stand.succeed("metrics").contains(/millrace_step_runs_total{[^\n]*table="public.counts"} [1-9]/)
            }
            try eventually("all is well again") { try stand.run("why", "served").exit == .code(0) }

            // A table that was emptied is another one, of which no row was sent.
            let commits = try database.number("SELECT commits FROM millrace.steps")
            try stand.succeed("reset", "served", "--yes")
            try eventually(within: .seconds(120), "all is read again; \(process.lastWords)") {
                try database.number("SELECT coalesce(sum(n), 0)::bigint FROM counts") > 0
                    && database.number("SELECT coalesce(max(done), 0) FROM millrace.step_runs")
                        == database.number("SELECT commits FROM millrace.steps")
            }
            #expect(try database.number("SELECT commits FROM millrace.steps") > commits + 1)
            let keys = try programs.lines().filter { !$0.isBegin }.map(\.key)
            #expect(Set(keys).count == keys.count, "\(keys)")
            try stopInOrder([process])
        }
    }

    /// That any row may have changed is known to whoever does it in the end.
    @Test func aKillBehindAPromotionForgetsNothing() async throws {
        try await onOwnThread {
            let programs = try StepPrograms(count: 300)
            let database = try TestDatabase("promoted_step")
            let stand = try ServeStand(database)
            let go = programs.log + ".go"
            let command = try programs.command(
                named: "promoted", "while not os.path.exists('\(go)'): time.sleep(0.01)")
            let first = try programs.topology("command: \(command)")
            var process = try stand.serve()
            try Data().write(to: URL(fileURLWithPath: go))
            try stand.succeed("deploy", try stand.file(first))
            try stand.wait(for: "stepping", toBe: "ended")
            try stand.succeed(
                "rebuild", try stand.file(first.replacing("total: sum(n)", with: "total: max(n)"), "new.yaml"))
            try stand.wait(for: "stepping@2", toBe: "ended")
            let before = try programs.lines()
            #expect(before.allSatisfy { $0.rows == "changed" } && before.contains { !$0.isBegin })
            // A rebuild has none.
            #expect(before.allSatisfy { $0.topology == "stepping" })

            try FileManager.default.removeItem(atPath: go)
            // It waits until the program is done, which it is not: killed with it.
            let promotion = try MillraceProcess(["promote", "stepping"], environment: stand.environment)
            try eventually(within: .seconds(120), "the program has begun; \(process.lastWords)") {
                try programs.lines().count == before.count + 1
            }
            process.kill()
            _ = try process.wait()
            promotion.kill()
            let path = StepPrograms.path(command)
            try eventually("the program ends with Millrace") { ExecPrograms.running(path).isEmpty }
            #expect(try database.number("SELECT count(*) FROM millrace.steps WHERE unknown_at = commits") == 1)

            try Data().write(to: URL(fileURLWithPath: go))
            process = try stand.serve()
            try eventually(within: .seconds(120), "it is made up for; \(process.lastWords)") {
                try database.number("SELECT max(done) FROM millrace.step_runs WHERE topology = 'stepping'")
                    == database.number("SELECT max(commits) FROM millrace.steps WHERE topology = 'stepping'")
            }
            let after = try programs.lines()[before.count...]
            #expect(after.map(\.isBegin) == [true, true, false], "\(after)")
            #expect(after.allSatisfy { $0.rows == "unknown" && $0.topology == "stepping" && $0.table == "public.kpi" })
            #expect(Set(after.map(\.key)).count == 1 && after.map(\.try) == ["1", "2", "2"], "\(after)")
            try stopInOrder([process])
        }
    }
}
