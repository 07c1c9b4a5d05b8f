import Foundation
import Testing

/// What `millrace run` says and how it ends, whatever its topologies and its surroundings do.
@Suite struct RunTests {
    /// A topology that reads a file and prints how many records of each kind there are.
    private static func topology(_ name: String, file: String) -> String {
        """
        topology: \(name)
        nodes:
          lines:
            file: "\(file)"
          records:
            from: lines
            parse_json:
              fields: { kind: text, size: integer }
          kinds:
            from: records
            summarize: { by: [kind], metrics: { n: count() } }
          shown:
            from: kinds
            console: {}
        """
    }

    /// Whether a process handles SIGTERM by itself, by now.
    private static func handlesSIGTERM(_ process: MillraceProcess) -> Bool {
        // Nothing to read once it has ended.
        let status = (try? String(contentsOfFile: "/proc/\(process.processID)/status", encoding: .utf8)) ?? ""
        let mask = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }.flatMap {
            $0.split(separator: "\t").last
        }
        return mask.flatMap { UInt64($0, radix: 16) }.map { $0 & 1 << (SIGTERM - 1) != 0 } ?? false
    }

    @Test func theFailureOfOneTopologyLeavesTheOthersAlone() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let events = try folder.file(named: "events.ndjson", "{\"kind\": \"a\", \"size\": 1}\n")
            let good = try folder.file(named: "good.yaml", Self.topology("good", file: events))
            let bad = try folder.file(named: "bad.yaml", Self.topology("bad", file: events + ".none"))
            let complaint = try Complaint.of(["run", bad, good, "--progress", "none"])
            #expect(complaint.output == "{\"kind\": \"a\", \"n\": 1}\n")
            complaint.expect(.code(1), "millrace: topology bad failed: ", "No such file")
            complaint.expect(.code(1), "ERROR Topology failed; the others go on", "topology=bad")
        }
    }

    @Test func theFirstDeadLetterOfEachCauseIsShownAndTheCausesAreCounted() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let lines = [
                "{\"kind\": \"a\", \"size\": 1}", "{\"size\": \"x\"}", "{\"size\": true}",
                "{\"kind\": \"a\", \"size\": \"y\"}",
            ]
            let events = try folder.file(named: "events.ndjson", lines.joined(separator: "\n") + "\n")
            let path = try folder.file(Self.topology("t", file: events))
            let complaint = try Complaint.of(["run", path, "--progress", "none"])
            complaint.expect(
                .code(0), "WARNING A record is a dead letter", "found text", #"record="{\"size\": \"x\"}""#)
            complaint.expect(
                .code(0), "WARNING Dead letters", "cause=wrong_type", "field=size", "found text", "count=3")
            complaint.expect(.code(0), "Topology ended", "dead=3", "events=4", "refused=0")
        }
    }

    /// What is too late is no dead letter, and the end says how many there were.
    @Test func refusedRecordsAreCountedAsSuch() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            // The clock of the file goes by what many records say.
            let lines =
                (0..<500).map { "{\"ts\": \(1_767_225_600 + $0 * 60)}" } + Array(repeating: "{\"ts\": 1000}", count: 7)
            let events = try folder.file(named: "events.ndjson", lines.joined(separator: "\n") + "\n")
            let path = try folder.file(
                """
                topology: t
                nodes:
                  events: { file: "\(events)" }
                  records: { from: events, parse_json: { event_time: ts, fields: { ts: timestamp(s) } } }
                  kpi: { from: records, summarize: { window: 1h, metrics: { n: count() }, too_late: 1h, too_early: 1d } }
                  show: { from: kpi, console: {} }
                """)
            let complaint = try Complaint.of(["run", path, "--progress", "none", "--fail-on-dead"])
            complaint.expect(
                .code(0), "WARNING A record is refused; more of this cause are only counted", "cause=too_late")
            complaint.expect(.code(0), "WARNING Refused records", "cause=too_late", "count=7")
            complaint.expect(.code(0), "Topology ended", "dead=0", "events=507", "refused=7")
            #expect(!complaint.errors.contains("ead letter"), "\(complaint.errors)")
        }
    }

    @Test func aRunWhoseRecordsAreAllDeadHasFailed() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let events = try folder.file(named: "events.ndjson", "a=1\nb=2\n")
            let path = try folder.file(Self.topology("t", file: events))
            try Complaint.of(["run", path, "--progress", "none"]).expect(
                .code(1), "millrace: all 2 records that were read are dead letters")
        }
    }

    /// Opening a named pipe waits for whoever writes to it, for as long as it takes.
    @Test func aStopDoesNotWaitForANamedPipe() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let path = try folder.file(Self.topology("t", file: "PIPE"))
            let pipe = path.replacing("topology.yaml", with: "pipe")
            try #require(unsafe mkfifo(pipe, 0o600) == 0)
            _ = try folder.file(Self.topology("t", file: pipe))
            let process = try MillraceProcess(["run", path, "--progress", "none"])
            defer { process.kill() }
            try process.waitUntil("it runs") { Self.handlesSIGTERM(process) }
            process.terminate()
            _ = try process.wait(within: .seconds(20))
        }
    }
}
