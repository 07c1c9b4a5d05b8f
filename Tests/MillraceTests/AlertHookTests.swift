import Foundation
import Logging
import Platform
import PlatformTesting
import Testing

@testable import Millrace

@Suite struct AlertHookTests {
    private static let alert = AlertHook.Alert(
        topology: "game", version: 3, state: "failed", reason: "the database is gone", process: "host-1",
        at: "2026-01-02T03:04:05Z")

    /// What is logged while the command runs to its end.
    private static func said(by command: String, patience: Duration = .seconds(60)) async throws -> [String] {
        let log = LogLines()
        let hook = AlertHook(command, patience: patience, logger: Logger(label: "test") { _ in log })
        try await onThread(named: "hook") { hook.run(alert) }
        return log.all.map(\.text)
    }

    @Test func theCommandGetsALineAndItsWordsAreLogged() async throws {
        let line =
            #"{"at":"2026-01-02T03:04:05Z","process":"host-1","reason":"the database is gone","state":"failed","#
            + #""topology":"game","version":3}"#
        #expect(
            try await Self.said(by: "cat; wc -l < /dev/null >&2") == [
                "The command of --on-error says text=\(line)", "The command of --on-error says text=0",
            ])
    }

    @Test func aCommandMayLeaveItsInputAlone() async throws {
        #expect(try await Self.said(by: "exec 0<&-; true") == [])
    }

    @Test func aCommandThatFailsIsNamed() async throws {
        #expect(
            try await Self.said(by: "exit 3") == ["The command of --on-error failed reason=it ended with exit code 3"])
        #expect(
            try await Self.said(by: "kill -TERM $$") == [
                "The command of --on-error failed reason=it was ended by signal 15 (SIGTERM)"
            ])
    }

    /// Nor does what it has started go on, or a signal that it does not heed make a difference.
    @Test func aCommandThatHangsIsKilled() async throws {
        let said = try await Self.said(by: "trap '' TERM; sleep 1000 & echo $!; wait", patience: .seconds(1))
        let id = try #require(said.first?.split(separator: "=").last.flatMap { Int32($0) })
        #expect(
            said.dropFirst() == [
                "The command of --on-error failed reason=it took longer than its limit of 1.0 seconds and was killed"
            ])
        let end = ContinuousClock.now + .seconds(30)
        while kill(id, 0) == 0, !Self.isDead(id), ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(kill(id, 0) != 0 || Self.isDead(id))
    }

    /// Whether it only waits to be waited for.
    private static func isDead(_ id: Int32) -> Bool {
        let stat = (try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)) ?? ""
        return stat.split(separator: ")").last?.hasPrefix(" Z") ?? true
    }
}
