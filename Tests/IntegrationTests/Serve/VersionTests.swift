import Foundation
import Postgres
import Testing

/// Earlier versions, other names, and what stays of a topology.
@Suite struct VersionTests {
    /// A topology over a file that counts.
    private static func file(
        _ stand: ServeStand, _ events: String, version: Int, filter: String = "n >= 0", metrics: String = "all: count()"
    ) throws -> String {
        try stand.file(
            """
            topology: counted
            # version \(version)
            nodes:
              lines: { file: { paths: ["\(events)"] } }
              records: { from: lines, parse_json: { fields: { n: integer } } }
              some: { from: records, filter: "\(filter)" }
              counts: { from: some, summarize: { metrics: { \(metrics) } } }
              out: { from: counts, postgres: { url: "${DATABASE_URL}", table: counted } }

            """, "version_\(version).yaml")
    }

    /// Two versions of it that have run to their end.
    private static func versions(of stand: ServeStand, _ second: (String) throws -> String) throws {
        let events = try stand.file("{\"n\":1}\n{\"n\":2}\n", "events.ndjson")
        try stand.succeed("deploy", try file(stand, events, version: 1))
        try stand.wait(for: "counted", toBe: "ended")
        // What it has done is not forgotten with its end.
        #expect(try stand.succeed("status").contains(/counted +\| +1 \| ended \| +2 \|/))
        try stand.succeed("deploy", try second(events), "--from-now")
        try stand.wait(for: "counted", toBe: "ended")
    }

    @Test func aVersionFromBeforeARenameComesBack() async throws {
        try await onOwnThread {
            let database = try TestDatabase("versions_renamed")
            let stand = try ServeStand(database)
            let process = try stand.serve()
            try Self.versions(of: stand) { try Self.file(stand, $0, version: 2) }
            try stand.succeed("rename", "counted", "tallied")
            let back = try stand.succeed("rollback", "tallied", "--to", "1")
            #expect(back.contains("version 4, which is version 1 again"), "\(back)")
            try stand.wait(for: "tallied", toBe: "ended")
            #expect(try database.number("SELECT \"all\" FROM counted") == 2)
            let file = try database.query("SELECT file FROM millrace.versions WHERE version = 4").text(0, 0)
            #expect(file?.hasPrefix("topology: tallied\n# version 1\n") == true, "\(file ?? "")")
            try stopInOrder([process])
        }
    }

    @Test func aRenameThatWasKilledIsDoneAgain() async throws {
        try await onOwnThread {
            let database = try TestDatabase("versions_killed")
            let stand = try ServeStand(database)
            let process = try stand.serve()
            let events = try stand.file("{\"n\":1}\n{\"n\":2}\n", "events.ndjson")
            try stand.succeed("deploy", try Self.file(stand, events, version: 1))
            try stand.wait(for: "counted", toBe: "ended")
            // What it does before it waits for the processes.
            _ = try database.query(
                """
                UPDATE millrace.deployments SET wanted = 'paused', paused_for = 'rename', generation = generation + 1,
                    changed_at = now()
                """)
            try stand.wait(for: "counted", toBe: "paused")
            let brief = try stand.run("status", "counted")
            #expect(brief.exit == .code(0) && brief.output.contains("until that is done"), "\(brief.output)")
            // Long ago.
            _ = try database.query("UPDATE millrace.deployments SET changed_at = now() - interval '151 seconds'")
            let status = try stand.run("status", "counted")
            #expect(
                status.exit == .code(3) && status.output.contains("paused for millrace rename by"), "\(status.output)")
            try stand.succeed("rename", "counted", "tallied")
            try stand.wait(for: "tallied", toBe: "ended")
            #expect(try stand.run("status").exit == .code(0))
            // One that a person has paused stays so.
            try stand.succeed("pause", "tallied")
            try stand.succeed("rename", "tallied", "counted")
            try stand.wait(for: "counted", toBe: "paused")
            #expect(try stand.run("status").exit == .code(0))
            try stopInOrder([process])
        }
    }

    /// Whoever asks all the time hears of no failure while all goes as it should.
    @Test func whoAlertsByStatusIsNotWokenByAChange() async throws {
        try await onOwnThread {
            let database = try TestDatabase("versions_alert")
            let stand = try ServeStand(database)
            let process = try stand.serve()
            let events = try stand.file("{\"n\":1}\n{\"n\":2}\n", "events.ndjson")
            try stand.succeed("deploy", try Self.file(stand, events, version: 1))
            try stand.wait(for: "counted", toBe: "ended")
            for command in [["rename", "counted", "tallied"], ["restart", "tallied"], ["reset", "tallied", "--yes"]] {
                let change = try MillraceProcess(command, environment: stand.environment)
                var asked = 0
                while change.isRunning || asked == 0 {
                    let status = try stand.run("status")
                    #expect(status.exit == .code(0), "\(command): \(status.output)")
                    asked += 1
                }
                #expect(try change.wait() == .code(0), "\(change.lastWords)")
            }
            #expect(try stand.run("status").exit == .code(0))
            try stopInOrder([process])
        }
    }

    @Test func whatRollbackRefusesCanBeDoneAllTheSame() async throws {
        try await onOwnThread {
            let database = try TestDatabase("versions_refused")
            let stand = try ServeStand(database)
            let process = try stand.serve()
            try Self.versions(of: stand) { try Self.file(stand, $0, version: 2, filter: "n > 1") }
            let refused = try stand.run("rollback", "counted")
            #expect(refused.exit == .code(1))
            for words in [
                "only if was n > 1, is n >= 0",
                "Nothing was deployed, and version 2 goes on; millrace list counted --file 1 > FILE, then millrace plan FILE "
                    + "--out PLAN and millrace apply PLAN do what is needed, and so does millrace rollback counted --to 1 "
                    + "--from-now",
            ] {
                #expect(refused.errors.contains(words), "\(refused.errors)")
            }
            // As the message says.
            let file = try stand.succeed("list", "counted", "--file", "1")
            #expect(try file == database.query("SELECT file FROM millrace.versions WHERE version = 1").text(0, 0))
            let plan = try stand.file("", "a.plan")
            try stand.succeed("plan", try stand.file(file, "printed.yaml"), "--out", plan)
            #expect(try stand.succeed("apply", plan).contains("version 3 deployed"))
            try stand.wait(for: "counted", toBe: "ended")
            let back = try stand.succeed("rollback", "counted", "--to", "2", "--from-now")
            #expect(back.contains("version 4, which is version 2 again"), "\(back)")
            try stand.wait(for: "counted", toBe: "ended")
            let none = try stand.run("list", "--file", "1")
            #expect(none.exit == .code(64) && none.errors.contains("--file: name the topology"), "\(none.errors)")
            let unknown = try stand.run("list", "counted", "--file", "9")
            #expect(unknown.errors.contains("topology counted has no version 9, expected 1 to 4"), "\(unknown.errors)")
            try stopInOrder([process])
        }
    }
}
