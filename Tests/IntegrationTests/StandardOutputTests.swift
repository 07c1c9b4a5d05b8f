import Foundation
import LocalServices
import Testing

/// What a command prints and nobody can store is no success; a reader that has enough is no failure.
@Suite struct StandardOutputTests {
    private static let topology = """
        topology: t
        nodes:
          events: { kafka: { brokers: "${NO_SUCH_BROKERS:-b:1}", topics: [a] } }
          records: { from: events, parse_json: { fields: { n: integer } } }
          kpi: { from: records, summarize: { metrics: { n: count() } } }
          out: { from: kpi, postgres: { url: "${NO_SUCH_DATABASE:-postgres://h/d}", table: kpi } }
        """

    /// Runs a command of the program behind a shell's redirection.
    /// - Returns: its exit code, and what it said on standard error.
    private static func run(
        _ arguments: [String], _ redirection: String, after preparation: String = ""
    ) throws -> (code: Int32, errors: String) {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        let program = try DevelopmentBroker.executableBesideUs().path
        shell.arguments = ["-c", "\(preparation)\"$0\" \"$@\" \(redirection)", program] + arguments
        let errors = Pipe()
        shell.standardError = errors
        shell.standardInput = FileHandle.nullDevice
        try shell.run()
        let said = try errors.fileHandleForReading.readToEnd() ?? Data()
        shell.waitUntilExit()
        return (shell.terminationStatus, String(decoding: said, as: UTF8.self))
    }

    @Test func whatCannotBeWrittenIsSaid() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let file = try folder.file(named: "t.yaml", Self.topology)
            let events = try folder.file(named: "events.ndjson", "{\"n\": 1}\n")
            let crontab = try folder.file(named: "crontab", "* * * * * sem --id A -j2 x\n")
            let commands = [
                ["version"], ["--version"], ["check", file], ["sql", file], ["dashboard", file], ["explain", file],
                ["import-crontab", crontab], ["try", file, "--events", events],
            ]
            let ways = [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
            for command in commands {
                for (way, reason) in ways {
                    let (code, errors) = try Self.run(command, way)
                    #expect(code == 1, "\(command) \(way): \(errors)")
                    #expect(
                        errors == "millrace: standard output cannot be written: \(reason)\n",
                        "\(command) \(way): \(errors)")
                }
                let (code, errors) = try Self.run(command, ">/dev/null")
                #expect(code == 0 && errors.isEmpty, "\(command): \(errors)")
            }
        }
    }

    @Test func aReaderThatIsGoneIsNotComplainedOf() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let metrics = (0..<200).map { "n\($0): count()" }.joined(separator: ", ")
            let file = try folder.file(
                named: "t.yaml", Self.topology.replacing("n: count()", with: metrics))
            // More than a pipe holds: the program is still writing when its reader is gone.
            #expect(try Complaint.of(["dashboard", file]).output.utf8.count > 65_536)
            // Where the signal of a broken pipe ends the program, and where it does not come.
            for preparation in ["", "trap '' PIPE; "] {
                let (_, errors) = try Self.run(["dashboard", file], "| true", after: preparation)
                #expect(errors.isEmpty, "\(preparation): \(errors)")
            }
        }
    }

    /// A crontab may come out of a pipe, and be empty.
    @Test func aCrontabMayBeAPipe() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let crontab = try folder.file(named: "crontab", "* * * * * sem --id A -j2 x\n")
            let none = try Complaint.of(["import-crontab", "/dev/null"])
            none.expect(.code(1), "/dev/null: no line runs a program under a semaphore")
            try Complaint.of(["import-crontab", "/nowhere"]).expect(
                .code(1), "/nowhere cannot be read: there is no such file, expected a crontab")
            let program = try DevelopmentBroker.executableBesideUs().path
            let shell = Process()
            shell.executableURL = URL(fileURLWithPath: "/bin/bash")
            shell.arguments = ["-c", "\"$0\" import-crontab <(cat \"$1\")", program, crontab]
            let output = Pipe()
            shell.standardOutput = output
            try shell.run()
            let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            shell.waitUntilExit()
            #expect(shell.terminationStatus == 0 && text.contains("\n    concurrency: 2\n"), "\(text)")
        }
    }
}
