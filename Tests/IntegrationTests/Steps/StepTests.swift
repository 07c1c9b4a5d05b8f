import Foundation
import Postgres
import Testing

/// Programs that are run after commits: what they are told, whatever dies and when.
@Suite(.serialized) struct StepTests {
    /// Whoever keeps the last row that it was sent of each key has the table; every commit was told of, in order.
    private static func expectWhole(_ programs: StepPrograms, _ database: TestDatabase) throws {
        let ended = try programs.lines().filter { !$0.isBegin }
        let commits = try database.number("SELECT commits FROM millrace.steps")
        #expect(try Int(commits) == #require(ended.last).range.upperBound)
        var next = 1
        // What was done and could not be written down is told of once more, under the same key.
        for (index, line) in ended.enumerated() where index == 0 || line.key != ended[index - 1].key {
            #expect(line.range.lowerBound == next, "\(line.key)")
            next = line.range.upperBound + 1
            #expect(line.key == "stepping/public.kpi/\(line.epochFirst)-\(line.epoch)")
        }
        var rows: [String: StepPrograms.Line.Row] = [:]
        for row in ended.flatMap({ $0.sent ?? [] }) { rows[row.windowStart + row.letter] = row }
        let table = try database.query(
            "SELECT to_char(window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS+00:00'), letter, records, total::bigint, users FROM kpi"
        )
        let expected = try (0..<table.rowCount).map { row in
            StepPrograms.Line.Row(
                windowStart: try table.text(row, 0) ?? "", letter: try table.text(row, 1) ?? "",
                records: Int(try table.int64(row, 2) ?? 0), total: Int(try table.int64(row, 3) ?? 0),
                users: Int(try table.int64(row, 4) ?? 0))
        }
        #expect(Set(rows.values) == Set(expected) && rows.count == expected.count)
        #expect(try database.number("SELECT count(*) FROM millrace.step_rows") == 0)
        #expect(try database.number("SELECT keys FROM millrace.steps") == 0)
    }

    @Test func everyCommitIsToldOfOnceAndInOrder() async throws {
        try await onOwnThread {
            let programs = try StepPrograms(count: 6_000)
            let database = try TestDatabase("step_plain")
            let go = programs.log + ".go"
            let command = try programs.command(
                named: "plain", "while not os.path.exists('\(go)'): time.sleep(0.01)")
            let process = try MillraceProcess(
                topology: programs.topology("command: \(command)", isSlow: true),
                environment: ["DATABASE_URL": database.url])
            let size = try FileManager.default.attributesOfItem(atPath: programs.events)[.size] as? Int ?? 0
            // Commits do not wait for the first run, which waits for all of them.
            try eventually("all is committed; \(process.lastWords)") { try database.messagesRead() == size }
            #expect(try programs.lines().count == 1)
            try Data().write(to: URL(fileURLWithPath: go))
            #expect(try process.wait(within: .seconds(120)) == .code(0), "\(process.lastWords)")
            try Self.expectWhole(programs, database)
            let lines = try programs.lines()
            let keys = lines.filter(\.isBegin).map(\.key)
            #expect(Set(keys).count == keys.count && keys.count > 1)
            // What came while it ran is told of together.
            #expect(try database.number("SELECT commits FROM millrace.steps") > keys.count)
            let last = try #require(lines.last)
            #expect(last.topology == "stepping" && last.node == "table" && last.table == "public.kpi")
            #expect(last.rows == "changed" && last.try == "1")
            #expect(last.positions == "{\"file:\(programs.events)/0\": \(size)}")
        }
    }

    /// Millrace with its program, or the program alone: the tables are the same bytes, and in the end all is told.
    @Test func killsLeaveNothingUntold() async throws {
        try await onOwnThread {
            let programs = try StepPrograms(count: 15_000)
            let plain = try TestDatabase("step_unkilled")
            let clean = try MillraceProcess(
                topology: programs.topology(nil, isSlow: true), environment: ["DATABASE_URL": plain.url])
            #expect(try clean.wait(within: .seconds(120)) == .code(0), "\(clean.lastWords)")

            let database = try TestDatabase("step_killed")
            let command = try programs.command(named: "killed", "time.sleep(0.15)")
            let path = StepPrograms.path(command)
            let topology = try programs.topology("command: \(command)", isSlow: true)
            var kills = 0
            while true {
                let process = try MillraceProcess(topology: topology, environment: ["DATABASE_URL": database.url])
                let (lines, read) = (try programs.lines().count, try database.messagesRead())
                // Some in the middle of a program, some right behind a commit.
                try eventually("a commit, or a program after it; \(process.lastWords)") {
                    let hasBegun =
                        try kills.isMultiple(of: 2) ? programs.lines().count > lines : database.messagesRead() > read
                    return !process.isRunning || hasBegun
                }
                if kills == 2, let program = ExecPrograms.running(path).first { _ = Foundation.kill(program, SIGKILL) }
                guard kills < 4, process.isRunning else {
                    #expect(try process.wait(within: .seconds(120)) == .code(0), "\(process.lastWords)")
                    break
                }
                process.kill()
                kills += 1
                try eventually("the program ends with Millrace") { ExecPrograms.running(path).isEmpty }
            }
            #expect(kills >= 3, "too few kills to show anything")
            #expect(
                try TableDump(of: database, StepPrograms.parts).differences(
                    from: TableDump(of: plain, StepPrograms.parts)) == [])
            try Self.expectWhole(programs, database)
            // What a kill left undone was begun again under the key that it had.
            let begun = try programs.lines().filter(\.isBegin)
            #expect(begun.contains { $0.try != "1" })
            for line in begun where line.try != "1" {
                #expect(begun.contains { $0.key == line.key && $0.try == "1" }, "\(line.key)")
            }
        }
    }

    /// Whatever the names are that statements use themselves.
    @Test func columnsMayBeCalledAnything() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let database = try TestDatabase("step_names")
            let events = try folder.file(named: "events.ndjson", "{\"k0\":\"a\"}\n")
            let told = events + ".told"
            let process = try MillraceProcess(
                topology: """
                    topology: names
                    nodes:
                      events: { file: "\(events)" }
                      records: { from: events, parse_json: { fields: { k0: text } } }
                      kpi: { from: records, summarize: { by: [k0], metrics: { x: count(), t: count(), k: count(), place: count() } } }
                      out: { from: kpi, postgres: { url: "${DATABASE_URL}", table: names, after_commit: { command: "cat > '\(told)'" } } }

                    """, environment: ["DATABASE_URL": database.url])
            #expect(try process.wait() == .code(0), "\(process.lastWords)")
            #expect(
                try String(contentsOfFile: told, encoding: .utf8).contains(#""k0":"a","x":1,"t":1,"k":1,"place":1"#))
        }
    }

    @Test func aProgramThatFailsIsRunAgainAndNamed() async throws {
        try await onOwnThread {
            let programs = try StepPrograms(count: 300)
            let database = try TestDatabase("step_failing")
            func run(_ step: String) throws -> MillraceProcess {
                let process = try MillraceProcess(
                    topology: programs.topology(step), environment: ["DATABASE_URL": database.url])
                _ = try process.wait(within: .seconds(120))
                return process
            }
            // It never gets anywhere: what is committed stays committed, and the end says what is missing.
            let failing = try programs.command(named: "failing", "print('no luck', file=sys.stderr); os._exit(3)")
            let failed = try run("command: \(failing)")
            #expect(try failed.wait() == .code(1))
            #expect(failed.errors.contains("python3 ended with exit code 3 (epoch"), "\(failed.errors)")
            #expect(failed.errors.contains("after_commit of public.kpi was not done"), "\(failed.lastWords)")
            #expect(failed.errors.contains("no luck"))
            #expect(try database.number("SELECT sum(records)::bigint FROM kpi") == 300)
            #expect(try database.number("SELECT failures FROM millrace.step_runs") >= 3)
            #expect(
                try database.query("SELECT failure FROM millrace.step_runs").text(0, 0)?.contains("exit code 3") == true
            )

            let slow = try programs.command(named: "slow", "time.sleep(10000)")
            let late = try run("command: \(slow), timeout: 300ms")
            #expect(late.errors.contains("took longer than its limit of 0.3 seconds and was killed"), "\(late.errors)")
            let eating = try programs.command(named: "eating", "eaten = b'x' * (300 << 20); time.sleep(10000)")
            let ate = try run("command: \(eating), memory: 100MiB")
            #expect(ate.errors.contains("took more memory than its limit of 100 MiB"), "\(ate.errors)")
            #expect(ExecPrograms.running(StepPrograms.path(slow)) == [])

            // The next run has nothing to read, and makes up for it.
            let mended = try run("command: \(try programs.command(named: "mended"))")
            #expect(try mended.wait() == .code(0), "\(mended.lastWords)")
            try Self.expectWhole(programs, database)
            let tries = try programs.lines().filter { $0.isBegin && $0.epochFirst == "1" }
            #expect(Set(tries.map(\.key)).count == 1)
            // One that was killed before it could write has its number too.
            let numbers = tries.compactMap { Int($0.try) }
            #expect(numbers.first == 1 && numbers == Set(numbers).sorted() && numbers.count > 3, "\(numbers)")

            let missing = try Complaint.of(
                ["run", programs.folder.file(programs.topology("command: no-such-program"))],
                environment: ["DATABASE_URL": database.url])
            missing.expect(.code(1), "node table: the program no-such-program is not there, found nowhere in PATH")
        }
    }

    /// A program that hangs delays no commit, and a stop does not wait for it.
    @Test func aHangingProgramHoldsNothingUp() async throws {
        try await onOwnThread {
            let programs = try StepPrograms(count: 2_000)
            let database = try TestDatabase("step_hanging")
            let command = try programs.command(named: "hanging", "time.sleep(10000)")
            let path = StepPrograms.path(command)
            let process = try MillraceProcess(
                topology: programs.topology("command: \(command), rows: false, timeout: 1h"),
                environment: ["DATABASE_URL": database.url])
            let size = try FileManager.default.attributesOfItem(atPath: programs.events)[.size] as? Int ?? 0
            try eventually("all is committed and it runs; \(process.lastWords)") {
                try database.query("SELECT to_regclass('millrace.partitions')::text").text(0, 0) != nil
                    && database.number("SELECT coalesce(sum(next_offset), 0)::bigint FROM millrace.partitions") == size
                    && programs.lines().count == 1
            }
            process.terminate()
            #expect(try process.wait(within: .seconds(30)) == .code(0), "\(process.lastWords)")
            #expect(process.errors.contains("was ended with the topology, and is run again"), "\(process.errors)")
            try eventually("its program ends") { ExecPrograms.running(path).isEmpty }
            let lines = try programs.lines()
            #expect(lines.count == 1 && lines[0].rows == "none")
            // Nobody has to wait for the lease of one that has ended in order.
            #expect(try database.number("SELECT count(*) FROM millrace.step_runs WHERE runner IS NULL") == 1)
            #expect(try database.number("SELECT count(*) FROM millrace.step_rows") == 0)
        }
    }
}
