import Foundation
import Postgres
import Testing

/// Programs whose lines are the events: what dies is run again and goes on where it was, or nothing is counted.
@Suite(.serialized) struct ProgramSourceTests {
    /// A program that writes numbered events, and where it keeps its settings and how often it was run.
    private struct Stand {
        let folder: TopologyFolder
        let path: String
        let runs: String
        let count: Int

        /// - Parameters:
        ///   - middle: what it does in front of each line, which has the number `n`.
        ///   - first: the number of its first line.
        init(
            count: Int, resumes: Bool = false, _ middle: String = "pass", text: String = "x"
        ) throws {
            folder = try TopologyFolder()
            self.count = count
            runs = try folder.file(named: "runs", "")
            path = try folder.file(named: "lines.py", Self.program(count, resumes, middle, runs, text))
        }

        static func program(_ count: Int, _ resumes: Bool, _ middle: String, _ runs: String, _ text: String) -> String {
            """
            import os, signal, sys, time
            position = int(os.environ["MILLRACE_POSITION"])
            with open("\(runs)", "a") as runs: runs.write(f"{position}\\n")
            for n in range(position if \(resumes ? "True" : "False") else 0, \(count)):
                \(middle)
                line = '{"ts": "2026-01-01T%02d:00:00Z", "n": %d, "letter": "l%d", "pad": "%s"}' % (10 + n % 3, n, n % 7, "\(text)")
                sys.stdout.write(line + "\\n" + ("\\n" if n % 10 == 0 else ""))
                sys.stdout.flush()

            """
        }

        func rewrite(count: Int, resumes: Bool = false, _ middle: String = "pass", text: String = "x") throws {
            _ = try folder.file(named: "lines.py", Self.program(count, resumes, middle, runs, text))
        }

        func topology(_ restart: String) -> String {
            """
            topology: lines
            commit_interval: 10ms
            batch_messages: 100
            nodes:
              events: { exec: { command: [python3, "\(path)"], restart: \(restart) } }
              records: { from: events, parse_json: { event_time: ts, fields: { ts: timestamp, n: integer, letter: text } } }
              kpi:
                from: records
                summarize:
                  window: 1h
                  by: [letter]
                  metrics: { records: count(), total: sum(n), users: uniques(n), last: last(n) }
              table: { from: kpi, postgres: { url: "${DATABASE_URL}", table: kpi } }

            """
        }

        func start(_ restart: String, _ database: TestDatabase) throws -> MillraceProcess {
            try MillraceProcess(topology: topology(restart), environment: ["DATABASE_URL": database.url])
        }

        /// The position that each run of the program was given.
        func positions() throws -> [Int] {
            try String(contentsOfFile: runs, encoding: .utf8).split(separator: "\n").compactMap { Int($0) }
        }
    }

    private static let parts = [TableDump.Part.summary("kpi", hasWindow: true), .deadLetters]

    /// Millrace with its program, or the program alone, killed again and again: the same bytes as without.
    @Test(arguments: ["repeats", "resumes"]) func killsChangeNothing(restart: String) async throws {
        try await onOwnThread {
            // Blank lines have numbers too, which one that resumes would have to count: it has none.
            let resumes = restart == "resumes"
            let clean = try Stand(count: 6_000)
            let stand = try Stand(count: 6_000)
            func write(_ stand: Stand, _ middle: String) throws {
                let program = Stand.program(6_000, resumes, middle, stand.runs, "x")
                let blank = " + (\"\\n\" if n % 10 == 0 else \"\")"
                _ = try stand.folder.file(
                    named: "lines.py", resumes ? program.replacing(blank, with: "") : program)
            }
            try write(clean, "pass")
            try write(stand, "time.sleep(0.0005)")
            let plain = try TestDatabase("lines_plain_\(restart)")
            let whole = try clean.start(restart, plain)
            #expect(try whole.wait(within: .seconds(120)) == .code(0), "\(whole.lastWords)")
            #expect(try plain.number("SELECT sum(records)::bigint FROM kpi") == 6_000)
            #expect(try plain.number("SELECT sum(total)::bigint FROM kpi") == 6_000 * 5_999 / 2)
            #expect(try plain.messagesRead() == (resumes ? 6_000 : 6_600))

            let database = try TestDatabase("lines_killed_\(restart)")
            var kills = 0
            while true {
                let process = try stand.start(restart, database)
                let before = try database.messagesRead()
                var isProgramKilled = false
                try eventually("a commit; \(process.lastWords)") {
                    if kills == 1, !isProgramKilled, let id = ExecPrograms.running(stand.path).first {
                        isProgramKilled = Foundation.kill(id, SIGKILL) == 0
                    }
                    return try !process.isRunning || database.messagesRead() > before
                }
                guard kills < 4, process.isRunning else {
                    #expect(try process.wait(within: .seconds(120)) == .code(0), "\(process.lastWords)")
                    break
                }
                process.kill()
                kills += 1
                try eventually("the program ends with Millrace") { ExecPrograms.running(stand.path).isEmpty }
            }
            #expect(kills >= 3, "too few kills to show anything")
            #expect(
                try TableDump(of: database, Self.parts).differences(from: TableDump(of: plain, Self.parts)) == [])
            let positions = try stand.positions()
            #expect(positions.count > kills)
            #expect(resumes ? positions.contains { $0 > 0 } : positions.allSatisfy { $0 == 0 })
        }
    }

    /// Another program, or other lines: nothing is counted, and the error says what can be done.
    @Test func whatDoesNotGoOnIsRefused() async throws {
        try await onOwnThread {
            let stand = try Stand(count: 500)
            let database = try TestDatabase("lines_other")
            func run(_ restart: String) throws -> MillraceProcess {
                let process = try stand.start(restart, database)
                _ = try process.wait(within: .seconds(120))
                return process
            }
            let first = try run("repeats")
            #expect(try first.wait() == .code(0), "\(first.lastWords)")
            let again = try run("repeats")
            #expect(try again.wait() == .code(0), "\(again.lastWords)")
            #expect(try database.number("SELECT sum(records)::bigint FROM kpi") == 500)

            // One line in the middle is another one.
            try stand.rewrite(count: 600, text: "x\" + (\"y\" if n == 77 else \"\") + \"")
            let other = try run("repeats")
            #expect(try other.wait() == .code(1))
            #expect(
                other.errors.contains(
                    "node events: python3 does not repeat itself: its first 550 lines are not those that were read before"
                ),
                "\(other.errors)")
            #expect(other.errors.contains("AND topic = 'exec:events'"))
            try stand.rewrite(count: 400)
            let shorter = try run("repeats")
            #expect(shorter.errors.contains("ended after 440 lines, and 550 were read of it"), "\(shorter.errors)")
            // It begins anew although it was told where to go on.
            let fresh = try run("resumes")
            #expect(fresh.errors.contains("its first line is not line 549, which was read last"), "\(fresh.errors)")
            #expect(try stand.positions().last == 549)
            #expect(try database.number("SELECT sum(records)::bigint FROM kpi") == 500)

            // It has more to say now.
            try stand.rewrite(count: 700)
            let more = try run("repeats")
            #expect(try more.wait() == .code(0), "\(more.lastWords)")
            #expect(try database.number("SELECT sum(records)::bigint FROM kpi") == 700)
            #expect(try database.number("SELECT next_offset FROM millrace.partitions") == 770)
        }
    }

    @Test func aProgramThatDiesIsRunAgainAndNamed() async throws {
        try await onOwnThread {
            // It gets a little further each time.
            let stand = try Stand(count: 1_000)
            let left = "len(open('\(stand.runs)').readlines()) * 300"
            try stand.rewrite(
                count: 1_000, "n >= \(left) and (sys.stdout.write('{\"ts\": \"20'), sys.stdout.flush(), os._exit(9))")
            let database = try TestDatabase("lines_dying")
            let process = try stand.start("repeats", database)
            #expect(try process.wait(within: .seconds(120)) == .code(0), "\(process.lastWords)")
            #expect(process.errors.contains("it ended with exit code 9"), "\(process.errors)")
            #expect(try database.number("SELECT sum(records)::bigint FROM kpi") == 1_000)
            #expect(try database.number("SELECT count(*) FROM millrace.dead_letters") == 0)

            try stand.rewrite(
                count: 2_000, "n == 1500 and (print('no more', file=sys.stderr), os.kill(os.getpid(), 11))")
            let broken = try stand.start("repeats", database)
            #expect(try broken.wait(within: .seconds(120)) == .code(1))
            #expect(
                broken.errors.contains(
                    "node events: python3 was ended by signal 11 (SIGSEGV), 5 times in a row without a line"),
                "\(broken.lastWords)")
            #expect(broken.errors.contains("no more"))

            try stand.rewrite(count: 2_000, "n == 1500 and (globals().update(b=b'x' * (300 << 20)), time.sleep(1000))")
            let text = stand.topology("repeats").replacing("restart: repeats", with: "restart: repeats, memory: 100MiB")
            let eating = try MillraceProcess(topology: text, environment: ["DATABASE_URL": database.url])
            #expect(try eating.wait(within: .seconds(120)) == .code(1))
            #expect(eating.errors.contains("took more memory than its limit of 100 MiB"), "\(eating.lastWords)")
            #expect(ExecPrograms.running(stand.path) == [])

            // Lines that are too long, and a bad last one without an end, are dead letters with their numbers.
            let odd = try Stand(count: 0)
            _ = try odd.folder.file(
                named: "lines.py",
                """
                print('{"ts": "2026-01-01T10:00:00Z", "n": 1, "letter": "' + "x" * (3 << 20) + '"}')
                print('{"ts": "2026-01-01T10:00:00Z", "n": 2, "letter": "a"}')
                print('{"ts": "2026-01-01T', end="")

                """)
            let letters = try TestDatabase("lines_odd")
            let ended = try odd.start("repeats", letters)
            #expect(try ended.wait(within: .seconds(120)) == .code(0), "\(ended.lastWords)")
            #expect(try letters.number("SELECT sum(records)::bigint FROM kpi") == 1)
            #expect(
                try letters.query(
                    "SELECT string_agg(\"offset\"::text, ' ' ORDER BY \"offset\") FROM millrace.dead_letters"
                )
                .text(0, 0) == "0 2")
        }
    }

    /// A program that has nothing to say now keeps nothing from being committed, and a stop does not wait for it.
    @Test func aSilentProgramHoldsNothingUp() async throws {
        try await onOwnThread {
            let stand = try Stand(count: 101)
            try stand.rewrite(count: 101, "n == 100 and time.sleep(10000)")
            let database = try TestDatabase("lines_silent")
            let process = try stand.start("resumes", database)
            try eventually("what there is is committed; \(process.lastWords)") { try database.messagesRead() == 110 }
            process.terminate()
            #expect(try process.wait(within: .seconds(30)) == .code(0), "\(process.lastWords)")
            try eventually("its program ends") { ExecPrograms.running(stand.path).isEmpty }
        }
    }
}
