import Foundation
import Platform
import Postgres
import Testing

/// Programs that people already have, as nodes of a topology: right ones, and those that die, hang and eat. The tables are
/// those of the right ones, and nothing stays behind.
@Suite(.serialized) struct ExecTests {
    private static func run(
        _ programs: ExecPrograms, _ name: String, _ exec: String, concurrency: Int = 1, settings: String = ""
    ) throws -> (database: TestDatabase, process: MillraceProcess) {
        let database = try TestDatabase(name)
        let topology = programs.topology(exec, concurrency: concurrency, settings: settings)
        let process = try MillraceProcess(topology: topology, environment: ["DATABASE_URL": database.url])
        return (database, process)
    }

    private static func outcome(
        _ programs: ExecPrograms, _ name: String, _ exec: String, concurrency: Int = 1, settings: String = ""
    ) throws -> (dump: TableDump, database: TestDatabase, said: String) {
        let (database, process) = try run(programs, name, exec, concurrency: concurrency, settings: settings)
        let exit = try process.wait(within: .seconds(120))
        guard exit == .code(0) else { throw MillraceProcess.Failure(description: "\(exit): \(process.lastWords)") }
        return (try TableDump(of: database, ExecPrograms.parts), database, process.errors)
    }

    /// A Python program, jq, and one that dies every 1,000 records: one table.
    @Test func tablesDoNotDependOnTheProgramsLife() async throws {
        try await onOwnThread {
            let programs = try ExecPrograms(count: 12_000)
            let plain = try Self.outcome(programs, "exec_plain", "command: \(programs.python(named: "plain"))")
            #expect(try plain.database.number("SELECT sum(records)::bigint FROM kpi") == 12_000)
            #expect(try plain.database.number("SELECT sum(total)::bigint FROM kpi") == 12_000 * 11_999)
            #expect(try plain.database.number("SELECT count(*) FROM kpi WHERE letter = 'b'") == 1)

            let jq = try Self.outcome(
                programs, "exec_jq", "command: \(ExecPrograms.jq), mode: batch", concurrency: 2,
                settings: "workers: 3\n")
            #expect(jq.dump.contents["kpi"] == plain.dump.contents["kpi"])
            let dying = try Self.outcome(
                programs, "exec_dying", "command: \(programs.python(named: "dying", "count > 1000 and os._exit(9)"))",
                concurrency: 2)
            #expect(dying.dump.differences(from: plain.dump) == [])
            #expect(dying.said.contains("it ended with exit code 9"), "\(dying.said)")
        }
    }

    /// What hangs and what eats memory costs its record and no other one, with the reason in the dead letter.
    @Test func whatHangsAndWhatEatsCostsOneRecord() async throws {
        try await onOwnThread {
            let programs = try ExecPrograms(count: 3_000)
            let hanging = try programs.python(named: "hanging", "record['n'] == 1234 and time.sleep(10000)")
            let hung = try Self.outcome(
                programs, "exec_hung", "command: \(hanging), timeout: 1s, startup: 20s, tries: 1")
            #expect(try hung.database.number("SELECT sum(records)::bigint FROM kpi") == 2_999)
            let letter = try hung.database.query("SELECT cause, node, reason, payload FROM millrace.dead_letters")
            #expect(letter.rowCount == 1)
            #expect(try letter.text(0, 0)?.contains("exec_timeout") ?? false)
            #expect(try letter.text(0, 2)?.contains("said nothing for 1.0 seconds") ?? false)

            let eating = try programs.python(
                named: "eating", "record['n'] == 77 and (eaten.append(b'x' * (300 << 20)), time.sleep(10000))")
            let eaten = try Self.outcome(programs, "exec_eaten", "command: \(eating), memory: 128MiB, tries: 1")
            #expect(try eaten.database.number("SELECT sum(records)::bigint FROM kpi") == 2_999)
            let reason = try eaten.database.query("SELECT reason FROM millrace.dead_letters").text(0, 0)
            #expect(
                reason?.contains("took more memory than its limit of 128 MiB, and was killed") ?? false,
                "\(reason ?? "")")
            #expect(ExecPrograms.running(hanging.split(separator: "\"").map(String.init)[1]) == [])
        }
    }

    /// What is in a batch is committed together, so batches are small in front of a slow program.
    @Test func aSlowProgramDoesNotKeepCommitsWaiting() async throws {
        try await onOwnThread {
            // Two batches of the usual size would hold them.
            let programs = try ExecPrograms(count: 2_000, padding: 400)
            let command = try programs.python(named: "slow", "time.sleep(0.005)")
            let database = try TestDatabase("exec_slow")
            let process = try MillraceProcess(
                topology: programs.topology("command: \(command)", batchBytes: "512KiB"),
                environment: ["DATABASE_URL": database.url])
            #expect(try process.wait(within: .seconds(120)) == .code(0), "\(process.lastWords)")
            #expect(try database.number("SELECT sum(records)::bigint FROM kpi") == 2_000)
            let commits = process.errors.firstMatch(of: /Topology ended .*epochs=(\d+)/).flatMap { Int($0.1) }
            #expect(try #require(commits) >= 3, "\(process.errors)")
        }
    }

    /// Seen from outside: there are never more programs than the limit, also while they die.
    @Test func thereAreNeverMoreProgramsThanTheLimit() async throws {
        try await onOwnThread {
            let programs = try ExecPrograms(count: 3_000)
            let command = try programs.python(named: "slow", "time.sleep(0.002); count > 150 and os._exit(1)")
            let path = command.split(separator: "\"").map(String.init)[1]
            let (database, process) = try Self.run(
                programs, "exec_limit", "command: \(command)", concurrency: 3, settings: "workers: 1\n")
            var most = 0
            while process.isRunning { most = max(most, ExecPrograms.running(path).count) }
            #expect(try process.wait() == .code(0), "\(process.lastWords)")
            // One thread keeps three of them busy.
            #expect(most == 3)
            #expect(try database.number("SELECT sum(records)::bigint FROM kpi") == 3_000)
            #expect(ExecPrograms.running(path) == [])
        }
    }

    /// Whatever is killed and when, Millrace with its programs or a program alone: the tables are the same bytes.
    @Test func killsChangeNothing() async throws {
        try await onOwnThread {
            let programs = try ExecPrograms(count: 12_000, padding: 400)
            let command = try programs.python(named: "killed", "time.sleep(0.0005)")
            let path = command.split(separator: "\"").map(String.init)[1]
            let plain = try Self.outcome(programs, "exec_unkilled", "command: \(command)", concurrency: 2)
            let database = try TestDatabase("exec_killed")
            // Of its two tries a record would lose both to kills that find it alone in hand, and be a dead letter.
            let topology = programs.topology("command: \(command), tries: 100", concurrency: 2)
            var random = SeededRandom(seed: 4_711)
            var kills = 0
            while true {
                let process = try MillraceProcess(topology: topology, environment: ["DATABASE_URL": database.url])
                let before = try database.messagesRead()
                var programKills = 0
                try eventually("a commit; \(process.lastWords)") {
                    for id in ExecPrograms.running(path) where programKills < 3 && random.chance(10) {
                        _ = Foundation.kill(id, SIGKILL)
                        programKills += 1
                    }
                    return try !process.isRunning || database.messagesRead() > before
                }
                guard kills < 6, process.isRunning else {
                    #expect(try process.wait() == .code(0), "\(process.lastWords)")
                    break
                }
                process.kill()
                kills += 1
                // Nobody is left who could answer, or hold anything.
                try eventually("programs end with Millrace") { ExecPrograms.running(path).isEmpty }
            }
            #expect(kills >= 3, "too few kills to show anything")
            let differences = try TableDump(of: database, ExecPrograms.parts).differences(from: plain.dump)
            #expect(differences == [])
        }
    }

    @Test func aHangingProgramDoesNotHoldUpAStop() async throws {
        try await onOwnThread {
            let programs = try ExecPrograms(count: 100)
            let command = try programs.python(named: "stuck", "open(sys.argv[0] + '.on', 'w'); time.sleep(10000)")
            let path = command.split(separator: "\"").map(String.init)[1]
            let (_, process) = try Self.run(programs, "exec_stuck", "command: \(command), timeout: 1h")
            try eventually("it hangs; \(process.lastWords)") { FileManager.default.fileExists(atPath: path + ".on") }
            process.terminate()
            #expect(try process.wait(within: .seconds(30)) == .code(1), "\(process.lastWords)")
            try eventually("its program ends") { ExecPrograms.running(path).isEmpty }
        }
    }

    @Test func aBrokenProgramStopsTheTopologyAndLosesNothing() async throws {
        try await onOwnThread {
            let programs = try ExecPrograms(count: 500)
            let broken = try programs.python(named: "broken", "import no_such_module")
            let (database, process) = try Self.run(programs, "exec_broken", "command: \(broken)")
            #expect(try process.wait(within: .seconds(120)) == .code(1))
            #expect(process.errors.contains("10 records one after the other had no answer"), "\(process.lastWords)")
            #expect(process.errors.contains("ModuleNotFoundError: No module named 'no_such_module'"))
            #expect(try database.messagesRead() == 0)
            #expect(try database.number("SELECT count(*) FROM millrace.dead_letters") == 0)

            let missing = try Complaint.of(
                ["run", programs.folder.file(programs.topology("command: no-such-program"))],
                environment: ["DATABASE_URL": database.url])
            missing.expect(.code(1), "node answered: the program no-such-program is not there, found nowhere in PATH")
        }
    }
}
