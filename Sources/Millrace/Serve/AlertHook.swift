import Foundation
import Logging
import Nodes
import Platform
import Synchronization

/// A command that is told when a topology has failed: at most once a minute for each.
final class AlertHook: Sendable {
    /// Between two calls for one topology.
    private static let pause = Duration.seconds(60)

    private let command: String
    /// How long the command may take; then it is killed.
    private let patience: Duration
    private let logger: Logger
    private let last = Mutex<[String: ContinuousClock.Instant]>([:])

    init(_ command: String, patience: Duration = .seconds(30), logger: Logger) {
        self.command = command
        self.patience = patience
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

    /// Runs the command to its end.
    func run(_ alert: Alert) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        do {
            var line: [UInt8]? = try Array(encoder.encode(alert)) + [UInt8(ascii: "\n")]
            let programGuard = try ProgramGuard()
            defer { programGuard.close() }
            let hook = ProgramRun(["/bin/sh", "-c", command], timeout: patience, guardedBy: programGuard) {
                self.logger.notice("The command of --on-error says", metadata: ["text": "\($0)"])
            }
            let outcome = try hook.run { _ in
                defer { line = nil }
                return line
            }
            if case .failed(let failure) = outcome {
                logger.error("The command of --on-error failed", metadata: ["reason": "it \(failure.text)"])
            }
        } catch {
            logger.error("The command of --on-error does not start", metadata: ["reason": "\(error)"])
        }
    }
}
