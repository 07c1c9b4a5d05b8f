import Foundation
import Logging
import Synchronization

/// A command that is told when a topology has failed: at most once a minute for each.
final class AlertHook: Sendable {
    /// Between two calls for one topology.
    private static let pause = Duration.seconds(60)
    /// How long the command may take.
    private static let patience = 30.0

    private let command: String
    private let logger: Logger
    private let last = Mutex<[String: ContinuousClock.Instant]>([:])

    init(_ command: String, logger: Logger) {
        self.command = command
        self.logger = logger
    }

    /// What the command gets on its standard input.
    struct Alert: Codable, Equatable {
        var topology: String
        var version: Int
        var state: String
        var reason: String
        var process: String
        var at: String
    }

    /// Whether it is time for another call.
    func takesTurn(_ topology: String, at now: ContinuousClock.Instant = .now) -> Bool {
        last.withLock { last in
            if let before = last[topology], now < before + Self.pause { return false }
            last[topology] = now
            return true
        }
    }

    /// Runs the command, unless it ran a moment ago. Returns at once.
    func tell(_ alert: Alert) {
        guard takesTurn(alert.topology) else { return }
        Thread.detachNewThread { [self] in run(alert) }
    }

    private func run(_ alert: Alert) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        let input = Pipe()
        process.standardInput = input
        process.standardOutput = FileHandle.standardError
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        do {
            try process.run()
            // A command that reads nothing has closed its end: that is its affair.
            try? input.fileHandleForWriting.write(contentsOf: encoder.encode(alert) + Data("\n".utf8))
            try? input.fileHandleForWriting.close()
        } catch {
            return logger.error("The command of --on-error does not start", metadata: ["reason": "\(error)"])
        }
        let end = Date(timeIntervalSinceNow: Self.patience)
        while process.isRunning, Date.now < end { Thread.sleep(forTimeInterval: 0.05) }
        if process.isRunning {
            process.terminate()
            logger.error("The command of --on-error took more than \(Int(Self.patience)) s and was ended")
        } else if process.terminationStatus != 0 {
            logger.error(
                "The command of --on-error failed",
                metadata: [
                    "ended": process.terminationReason == .exit
                        ? "exit \(process.terminationStatus)" : "signal \(process.terminationStatus)"
                ])
        }
    }
}
