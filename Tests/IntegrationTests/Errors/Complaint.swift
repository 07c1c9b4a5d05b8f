import Foundation
import Testing

/// What a run of the real binary said and how it ended.
struct Complaint: Sendable {
    /// In every secret of these tests; must never come out again.
    static let canary = "canary7d1f"

    var exit: MillraceProcess.Exit
    var output: String
    var errors: String

    /// Runs a command to its end.
    static func of(
        _ arguments: [String], environment: [String: String] = [:], within deadline: Duration = .seconds(60)
    ) throws -> Complaint {
        let process = try MillraceProcess(arguments, environment: environment)
        let exit = try process.wait(within: deadline)
        return Complaint(exit: exit, output: process.output, errors: process.errors)
    }

    /// Runs a command until it says something, then tells it to end.
    /// - Parameter moreTries: how long it goes on after it has said so, to see what it repeats.
    static func of(
        _ arguments: [String], environment: [String: String] = [:], afterSaying text: String,
        goingOnFor moreTries: Duration = .seconds(4)
    ) throws -> (complaint: Complaint, timeToEnd: Duration) {
        let process = try MillraceProcess(arguments, environment: environment)
        try eventually(within: .seconds(30), "millrace did not say \(text), it said: \(process.errors)") {
            process.errors.contains(text) || !process.isRunning
        }
        let end = ContinuousClock.now + moreTries
        try eventually("") { ContinuousClock.now >= end || !process.isRunning }
        let told = ContinuousClock.now
        process.terminate()
        let exit = try process.wait()
        return (Complaint(exit: exit, output: process.output, errors: process.errors), .now - told)
    }

    /// Everything it wrote.
    var text: String { output + errors }

    /// Checks that it says all this in one line, once, and nothing that no one should see.
    func expect(
        _ expected: MillraceProcess.Exit, _ words: String..., lines: Int = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(exit == expected, "\(text)", sourceLocation: sourceLocation)
        let saying = text.split(separator: "\n").filter { line in words.allSatisfy { line.contains($0) } }
        #expect(saying.count == lines, "looked for \(words) in: \(text)", sourceLocation: sourceLocation)
        expectDecency(sourceLocation: sourceLocation)
    }

    /// No secrets, no traces of the program's own structure.
    func expectDecency(sourceLocation: SourceLocation = #_sourceLocation) {
        for word in [Self.canary, "Fatal error", "Stack dump", "Thread 0", "PostgresError(", "KafkaError(", "NSError"] {
            #expect(!text.contains(word), "\(text)", sourceLocation: sourceLocation)
        }
    }
}

/// A folder of topology files, removed at the end.
final class TopologyFolder: Sendable {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-errors-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)  // A temporary folder; nothing depends on it.
    }

    /// Writes a file and names its path.
    func file(named name: String = "topology.yaml", _ text: String) throws -> String {
        let url = folder.appendingPathComponent(name)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    /// A topology that is right as far as its text goes.
    static func topology(
        _ name: String = "t", brokers: String = "127.0.0.1:1", topic: String = "events", settings: String = "{}",
        window: String = "1m", by: String = "[event]", table: String = "kpi"
    ) -> String {
        """
        topology: \(name)
        nodes:
          events:
            kafka: { brokers: "\(brokers)", topics: [\(topic)], settings: \(settings) }
          records:
            from: events
            parse_json: { event_time: ts, fields: { ts: timestamp, event: text, user: text } }
          kpi:
            from: records
            summarize: { window: \(window), by: \(by), metrics: { events: count() } }
          table:
            from: kpi
            postgres: { url: "${DATABASE_URL}", table: \(table) }
        """
    }
}
