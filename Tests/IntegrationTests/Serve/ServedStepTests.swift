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
}
