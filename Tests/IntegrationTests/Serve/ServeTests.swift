import Foundation
import Postgres
import Testing

/// Topologies that are deployed in a database, and the processes that run them.
@Suite struct ServeTests {
    private static let restless = ["batch_bytes": "16KiB", "commit_interval": "10ms"]

    private static func counting(_ name: String, _ path: String, table: String? = nil, more: String = "") -> String {
        """
        topology: \(name)
        nodes:
          lines: { file: { paths: ["\(path)"] } }
          records: { from: lines, parse_json: { fields: { n: integer } } }
          counts: { from: records, summarize: { metrics: { all: count()\(more) } } }
          out: { from: counts, postgres: { url: "${DATABASE_URL}", table: \(table ?? name) } }
        """
    }

    /// Two versions of a topology on three processes under load, each step with the death of one of them: at the end the
    /// tables are those of one clean run.
    @Test func aDaysWorkByCommandsOnly() async throws {
        try await onOwnThread {
            try IdentityLog.whileBrokersLive("serve_day", events: 12_000, seed: 31) { log, name in
                try Self.workADay(log, name)
            }
        }
    }

    private static func workADay(_ log: IdentityLog, _ name: String) throws {
        let database = try TestDatabase(name)
        let stand = try ServeStand(database, brokers: log.stand.bootstrapServers)
        var topology = log.topology(name)
        topology.settings = restless
        let first = try stand.file(topology.text, "first.yaml")
        topology.settings["commit_interval"] = "25ms"
        let second = try stand.file(topology.text, "second.yaml")
        let poisoned = try stand.file(
            counting("poisoned", "/nowhere/at/all.ndjson", table: "kpi"), "poisoned.yaml")

        var processes = try (0..<3).map { _ in try stand.serve() }
        var writer = try log.writer()
        try stand.succeed("deploy", first, "--note", "the first")
        let steps: [[String]] = [
            ["pause", "identity"], ["resume", "identity"], ["deploy", second], ["deploy", poisoned],
            ["scale", "identity", "--workers", "1", "--concurrency", "kpi=2"], ["restart", "identity"],
            ["rollback", "identity"], ["remove", "poisoned"],
        ]
        for (index, step) in steps.enumerated() {
            try writer.write(upTo: log.count * (index + 1) / (steps.count + 1))
            let victim = index % 3
            let answer = try stand.run(step + ["--wait", index.isMultiple(of: 2) ? "0s" : "20s"])
            if !step.contains(poisoned) {
                #expect(answer.exit == .code(0), "\(step): \(answer.output)\(answer.errors)")
            }
            processes[victim].kill()
            processes[victim] = try stand.serve()
        }
        try writer.finish()
        try log.checkFilled()
        try stand.wait(for: "identity", toBe: "running")
        try database.waitUntilRead(log.count, by: processes)
        let versions = try stand.succeed("list", "identity", "--json")
        #expect(versions.contains("version 1 again"))
        try eventually("list says that it runs") {
            try stand.succeed("list").contains(/identity +\| +\d+ \| running \| running \|/)
        }
        try stopInOrder(processes)
        let disturbed = try IdentityOutcome(database, messages: log.count)
        let clean = try log.run("\(name)_clean")
        #expect(clean.problems == [])
        #expect(disturbed.problems == [])
        #expect(disturbed.dump.differences(from: clean.dump) == [])
    }

    @Test func aTopologyThatFailsLeavesTheOthersAlone() async throws {
        try await onOwnThread {
            let database = try TestDatabase("serve_apart")
            let stand = try ServeStand(database)
            let events = try stand.file((0..<1_000).map { "{\"n\":\($0)}\n" }.joined(), "events.ndjson")
            let process = try stand.serve(["--memory", "600MiB"])
            try stand.succeed("deploy", try stand.file(Self.counting("good", events)))
            try stand.wait(for: "good", toBe: "ended")
            #expect(try database.number("SELECT \"all\" FROM good") == 1_000)

            // Its table is another one's.
            let thief = try stand.run(
                "deploy", try stand.file(Self.counting("thief", events, table: "good"), "thief.yaml"))
            #expect(thief.exit == .code(1))
            #expect(thief.output.contains("thief: version 1 deployed, failed: table public.good"), "\(thief.output)")
            // It takes more memory than there is.
            let greedy = try stand.run(
                "deploy", try stand.file("memory: 2GiB\n" + Self.counting("greedy", events), "greedy.yaml"))
            #expect(greedy.exit == .code(1))
            #expect(
                greedy.output.contains(
                    "memory: it needs 2048 MiB, of the 600 MiB that serve may take; lower its memory:"),
                "\(greedy.output)")
            // It wants a variable that the process does not have: a deployment from elsewhere may not know.
            let lost = try stand.run(
                "deploy",
                try stand.file(Self.counting("lost", "${EVENTS_OF_NOBODY}"), "lost.yaml"))
            #expect(lost.exit == .code(1))
            #expect(lost.output.contains("refused") && lost.output.contains("EVENTS_OF_NOBODY"), "\(lost.output)")

            #expect(try stand.status("good").state == "ended")
            let all = try stand.run("status")
            #expect(all.exit == .code(3))
            for state in ["ended", "failed", "refused"] { #expect(all.output.contains(state), "\(all.output)") }
            #expect(try stand.succeed("logs", "thief").contains("A topology failed"))

            for name in ["thief", "greedy", "lost"] { try stand.succeed("remove", name) }
            #expect(try stand.run("status").exit == .code(0))
            // More memory, and it runs.
            try stand.succeed("deploy", try stand.file(Self.counting("modest", events), "modest.yaml"))
            try stand.wait(for: "modest", toBe: "ended")
            // Permits of a node that a later version no longer has stand in nobody's way.
            try stand.succeed("scale", "modest", "--concurrency", "records=2")
            let renamed = Self.counting("modest", events).replacing("records", with: "parsed")
            try stand.succeed("deploy", try stand.file(renamed, "renamed.yaml"))
            try stand.succeed("scale", "modest", "--workers", "1")
            try stand.wait(for: "modest", toBe: "ended")
            let gone = try stand.run("scale", "modest", "--concurrency", "records=3")
            #expect(gone.exit == .code(1) && gone.errors.contains("has no operator records"), "\(gone.errors)")
            try stopInOrder([process])
            #expect(try database.number("SELECT count(*) FROM millrace.daemons") == 0)
        }
    }

    @Test func deathsAndFailuresAreTold() async throws {
        try await onOwnThread {
            let database = try TestDatabase("serve_told")
            let stand = try ServeStand(database)
            let events = try stand.file("{\"n\":1}\n", "events.ndjson")
            let told = events + ".told"
            let first = try stand.serve(["--on-error", "cat >> '\(told)'"])
            try stand.succeed("deploy", try stand.file(Self.counting("good", events)))
            try stand.wait(for: "good", toBe: "ended")
            first.kill()
            let second = try stand.serve(["--on-error", "cat >> '\(told)'; exit 3"])
            try second.waitUntil("it tells") { second.errors.contains("ended without a word") }
            #expect(second.errors.contains("topology=good"))
            #expect(try database.number("SELECT count(*) FROM millrace.daemons") <= 1)
            let thief = try stand.run(
                "deploy", try stand.file(Self.counting("thief", events, table: "good"), "thief.yaml"))
            #expect(thief.exit == .code(1))
            try second.waitUntil("the hook") {
                second.errors.contains("command of --on-error failed reason=\"it ended with exit code 3\"")
            }
            let alerts = try String(contentsOfFile: told, encoding: .utf8).split(separator: "\n")
            #expect(alerts.count == 1)
            #expect(
                alerts[0].contains("\"topology\":\"thief\"") && alerts[0].contains("table public.good"), "\(alerts)")
            let why = try stand.run("why", "thief")
            #expect(why.exit == .code(3) && why.output.contains("thief: failed: table public.good"), "\(why.output)")
            #expect(try stand.succeed("why", "good").contains("its sources have ended"))
            let metrics = try stand.succeed("metrics")
            #expect(metrics.contains("millrace_topology_up{topology=\"good\"} 1\n"))
            #expect(metrics.contains("millrace_topology_up{topology=\"thief\"} 0\n"))
            try stopInOrder([second])
        }
    }

    @Test func aTopologyBeginsAnew() async throws {
        try await onOwnThread {
            let database = try TestDatabase("serve_reset")
            let stand = try ServeStand(database)
            let events = try stand.file((0..<100).map { "{\"n\":\($0)}\n" }.joined() + "broken\n", "events.ndjson")
            let text =
                Self.counting("anew", events) + "\n" + """
                      more: { from: records, summarize: { metrics: { rows: count() } } }
                      more_out: { from: more, postgres: { url: "${DATABASE_URL}", table: anew_more } }
                    """
            let process = try stand.serve()
            try stand.succeed("deploy", try stand.file(text))
            try stand.wait(for: "anew", toBe: "ended")
            func count(_ sql: String) throws -> Int64 { try database.number(sql) }

            // What would go is said first, and nothing is changed.
            let asked = try stand.run("reset", "anew")
            #expect(asked.exit == .code(1))
            for words in [
                "table public.anew: 1 rows would go", "1 dead letters would go", "of the 101 messages", "with --yes",
            ] { #expect(asked.output.contains(words), "\(words): \(asked.output)") }
            #expect(try count("SELECT \"all\" FROM anew") == 100)
            let unknown = try stand.run("reset", "anew", "--table", "other", "--yes")
            #expect(unknown.errors.contains("keeps no table other, expected one of public.anew, public.anew_more"))

            // Everything is read again: a value that does not belong there is gone.
            _ = try database.query("UPDATE anew SET \"all\" = 7")
            let reset = try stand.succeed("reset", "anew", "--yes")
            #expect(reset.contains("anew: begins anew, public.anew, public.anew_more emptied"), "\(reset)")
            try stand.wait(for: "anew", toBe: "ended")
            #expect(try count("SELECT \"all\" FROM anew") == 100)
            #expect(try count("SELECT rows FROM anew_more") == 100)
            #expect(try count("SELECT count(*) FROM millrace.dead_letters") == 1)
            #expect(try count("SELECT sum(read)::bigint FROM millrace.partitions") == 101)

            // One table counts from here; the start that follows has nothing to say against it.
            let one = try stand.succeed("reset", "anew", "--table", "public.anew", "--yes")
            #expect(one.contains("public.anew emptied, counts from here"), "\(one)")
            try stand.wait(for: "anew", toBe: "ended")
            #expect(try count("SELECT count(*) FROM anew") == 0)
            #expect(try count("SELECT rows FROM anew_more") == 100)
            let since =
                "SELECT (complete_from->'rows'->>'events_before')::bigint FROM millrace.tables WHERE table_name = "
            #expect(try count(since + "'anew'") == 101)
            #expect(try database.query(since + "'anew_more'").isNull(0, 0))
            let file = try #require(FileHandle(forWritingAtPath: events))
            try file.seekToEnd()
            try file.write(contentsOf: Data("{\"n\":1}\n".utf8))
            try file.close()
            try stand.succeed("restart", "anew")
            try eventually(within: .seconds(60), "the new line is counted") {
                try count("SELECT coalesce(sum(\"all\"), 0)::bigint FROM anew") == 1
            }
            #expect(try count("SELECT rows FROM anew_more") == 101)

            // Somebody holds the table: nothing is changed, and what ran runs.
            var holder = try Connection.connect(ConnectionSettings(url: database.url), deadline: .now + .seconds(20))
            try holder.execute("BEGIN; LOCK TABLE anew IN ACCESS SHARE MODE")
            let held = try stand.run("reset", "anew", "--yes")
            #expect(
                held.exit == .code(1) && held.errors.contains("somebody has held one of its tables"), "\(held.errors)")
            try holder.execute("ROLLBACK")
            try stand.wait(for: "anew", toBe: "ended")
            #expect(try count("SELECT rows FROM anew_more") == 101)
            try stopInOrder([process])
        }
    }

    /// `millrace serve & millrace deploy FILE`: the process may need longer to begin than the command.
    @Test func aProcessThatIsStartingIsWaitedFor() async throws {
        try await onOwnThread {
            let database = try TestDatabase("serve_starting")
            let stand = try ServeStand(database)
            let log = try stand.file("{\"n\": 1}\n", "log.ndjson")
            var answers: [String] = []
            // On a busy machine a process may need longer than it is waited for.
            for attempt in 1...5 {
                let file = try stand.file(Self.counting("soon_\(attempt)", log), "soon.yaml")
                let command = try MillraceProcess(["deploy", file], environment: stand.environment)
                try eventually("\(attempt) is deployed: \(command.errors)") {
                    guard try database.query("SELECT to_regclass('millrace.deployments')::text").text(0, 0) != nil
                    else { return false }
                    return try database.number(
                        "SELECT count(*) FROM millrace.deployments WHERE topology = 'soon_\(attempt)'") == 1
                }
                let process = try stand.serve()
                #expect(try command.wait() == .code(0))
                answers.append(command.output)
                try stopInOrder([process])
                // Either says that it was waited for.
                if ["ended", "running"].contains(where: command.output.contains) { return }
            }
            Issue.record("\(answers)")
        }
    }

    /// What runs is not stopped for a change after which it could not start.
    @Test func memoryThatDoesNotSufficeIsShownAsASum() async throws {
        try await onOwnThread {
            let stand = try ServeStand(try TestDatabase("serve_memory"))
            let pipes = try EndlessPipes()
            let process = try stand.serve(["--memory", "500MiB"])
            for name in ["one", "two"] {
                try stand.succeed("deploy", try stand.file(pipes.topology(name), name + ".yaml"))
            }
            for name in ["one", "two"] { try stand.wait(for: name, toBe: "running") }
            let refused = try stand.run("scale", "one", "--memory", "400MiB")
            #expect(refused.exit == .code(1))
            #expect(
                refused.errors.contains(
                    "memory: it needs 400 MiB, and with what others have (two 128 MiB) that is 528 MiB, of the 500 MiB that "
                        + "serve may take"), "\(refused.errors)")
            #expect(try stand.status("one").state == "running")
            let third = try stand.run(
                "deploy", try stand.file(pipes.topology("three", memory: "250MiB"), "three.yaml"))
            #expect(third.exit == .code(1))
            #expect(
                third.output.contains(
                    "it needs 250 MiB, and with what others have (one 128 MiB, two 128 MiB) that is 506 MiB"),
                "\(third)")
            try stand.succeed("remove", "three")
            let answer = try stand.succeed("scale", "one", "--memory", "300MiB")
            #expect(answer.contains("one: scaled, running"), "\(answer)")
            try stopInOrder([process])
        }
    }

    /// Letters of a topology that `millrace run` made without a catalogue are known.
    @Test func lettersAreLookedForWhereThereAreSome() async throws {
        try await onOwnThread {
            let stand = try ServeStand(try TestDatabase("serve_letters"))
            let log = try stand.file("{\"n\": 1}\n{\"n\": \"x\"}\nnonsense\n", "log.ndjson")
            try stand.succeed("run", try stand.file(Self.counting("lettered", log)), "--progress", "none")
            #expect(try stand.succeed("dead-letters", "list", "lettered").contains("wrong_type"))
            let other = try stand.run("dead-letters", "discard", "lettered", "--cause", "nope")
            #expect(other.exit == .code(1))
            #expect(
                other.errors.contains(
                    "topology lettered has no dead letters of cause nope, expected one of invalid_literal, wrong_type"),
                "\(other.errors)")
            let node = try stand.run("dead-letters", "discard", "lettered", "--cause", "wrong_type", "--node", "other")
            #expect(
                node.exit == .code(1)
                    && node.errors.contains(
                        "has no dead letters of cause wrong_type, node other; millrace dead-letters list lettered shows"
                    ),
                "\(node.errors)")
            let one = try stand.succeed("dead-letters", "discard", "lettered", "--cause", "wrong_type")
            #expect(one == "lettered: 1 dead letters discarded\n")
            let again = try stand.run("dead-letters", "discard", "lettered", "--cause", "wrong_type")
            #expect(
                again.exit == .code(1)
                    && again.errors.contains("no dead letters of cause wrong_type, expected one of invalid_literal\n"),
                "\(again.errors)")
            for command in ["discard", "replay"] {
                #expect(
                    try stand.run("dead-letters", command, "lettered", "--id", "4711").exit == .code(1), "\(command)")
            }
            try stand.succeed("dead-letters", "discard", "lettered", "--all")
            #expect(try stand.run("dead-letters", "list", "lettered").exit == .code(1))
        }
    }

    @Test func commandsSayWhatIsWrong() async throws {
        try await onOwnThread {
            let database = try TestDatabase("serve_wrong")
            let stand = try ServeStand(database)
            let nothing = try stand.run("status")
            #expect(nothing.exit == .code(0))
            #expect(nothing.output.hasPrefix("nothing is deployed in this database"))
            #expect(try stand.succeed("list") == nothing.output)
            #expect(try stand.succeed("list", "--json").filter { !$0.isWhitespace } == "[]")
            #expect(try stand.succeed("dead-letters", "list") == "there are no dead letters\n")
            try stand.succeed("metrics")
            for command in ["why", "logs", "status", "dead-letters show"] {
                let answer = try stand.run(command.split(separator: " ").map(String.init) + ["nobody"])
                #expect(answer.exit == .code(1), "\(command)")
                #expect(answer.errors == "millrace: \(nothing.output)", "\(command)")
            }
            // Whoever only looks leaves nothing behind.
            #expect(try database.number("SELECT count(*) FROM pg_namespace WHERE nspname = 'millrace'") == 0)
            let commands = [
                "pause", "resume", "restart", "remove", "rollback", "logs", "status", "list", "diff", "promote",
                "dead-letters list", "dead-letters show", "dead-letters discard --all", "dead-letters replay --all",
            ]
            for command in commands {
                let words = command.split(separator: " ").map(String.init)
                let answer = try stand.run(words + ["nobody"])
                #expect(answer.exit == .code(1), "\(command)")
                #expect(
                    answer.errors == "millrace: topology nobody is not deployed in this database; none is\n",
                    "\(command): \(answer.errors)")
            }
            let broken = try stand.run("deploy", try stand.file("topology: x\nnodes: { a: { fil: {} } }\n"))
            #expect(broken.exit == .code(1))
            #expect(broken.errors.contains("error["))
            let missing = try stand.run("deploy", "/nowhere.yaml")
            #expect(missing.exit == .code(1))
            #expect(missing.errors.contains("there is no such file"))
            let file = try stand.file(Self.counting("alone", "/dev/null"))
            let alone = try stand.run("deploy", file)
            #expect(alone.exit == .code(0))
            #expect(alone.output.contains("alone: version 1 deployed, unserved: no process runs it"))
            #expect(try stand.run("status").exit == .code(3))
            let first = try stand.run("rollback", "alone")
            #expect(
                first.errors.contains("topology alone: version 1 is the first; there is nothing before it"),
                "\(first.errors)")
            let other = try stand.run("diff", "alon")
            #expect(
                other.errors == "millrace: topology alon is not deployed in this database; these are: alone\n",
                "\(other.errors)")
            let beside = try stand.run("promote", "alone")
            #expect(beside.errors.contains("nothing stands beside topology alone"), "\(beside.errors)")
            let node = try stand.run("scale", "alone", "--concurrency", "kpi=2")
            #expect(node.errors.contains("topology alone has no operator kpi, expected one of counts, records"))
            let away = try MillraceProcess(
                ["status", "--database", "postgres://nobody:secret-word@127.0.0.1:1/x"], environment: [:])
            #expect(try away.wait() == .code(1))
            #expect(away.errors.hasPrefix("millrace: ") && !away.errors.contains("secret-word"), "\(away.errors)")
            let homeless = try MillraceProcess(["list"], environment: ["DATABASE_URL": "", "MILLRACE_DATABASE": ""])
            #expect(try homeless.wait() == .code(64))
            #expect(homeless.errors.contains("no database is given"))
        }
    }
}
