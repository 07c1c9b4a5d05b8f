import Foundation
import Platform
import Testing

@Suite struct ProgramActivityTests {
    /// Waits until a program is found at work, or not.
    private static func find(_ isBusy: Bool, _ id: Int32) -> Bool {
        let end = ContinuousClock.now + .seconds(60)
        while ProgramActivity.isBusy(id) != isBusy {
            guard ContinuousClock.now < end else { return false }
            PipedProgram.pause()
        }
        return true
    }

    /// A shell whose child is at work waits, and is at work all the same.
    @Test(arguments: ["while :; do :; done", "(while :; do :; done); :"]) func whoIsAtWorkIsFound(script: String) throws
    {
        let programGuard = try ProgramGuard()
        let program = try PipedProgram(["/bin/sh", "-c", script], environment: [:], guardedBy: programGuard)
        #expect(Self.find(true, program.id))
        // Not by chance: between two looks nothing has changed.
        #expect((0..<20).allSatisfy { _ in ProgramActivity.isBusy(program.id) })
        _ = program.end()
        programGuard.close()
    }

    @Test(arguments: [["cat"], ["/bin/sh", "-c", "cat; :"]]) func whoWaitsIsNot(command: [String]) throws {
        let programGuard = try ProgramGuard()
        let program = try PipedProgram(command, environment: [:], guardedBy: programGuard)
        #expect(Self.find(false, program.id))
        _ = program.end()
        programGuard.close()
    }

    @Test func whatIsNotThereIsNot() {
        #expect(!ProgramActivity.isBusy(-1))
        #expect(!ProgramActivity.hasEnded(-1))
    }

    /// A process whose parent does not ask about it stays in the list when it has ended.
    @Test func whoHasEndedIsKnownBeforeItsParentAsks() throws {
        let programGuard = try ProgramGuard()
        // The shell's child ends at once; `exec` leaves a parent that never asks.
        let program = try PipedProgram(
            ["/bin/sh", "-c", "true & exec sleep 60"], environment: [:], guardedBy: programGuard)
        let end = ContinuousClock.now + .seconds(60)
        var child: Int32?
        while child.map(ProgramActivity.hasEnded) != true {
            try #require(ContinuousClock.now < end)
            child = try? String(contentsOfFile: "/proc/\(program.id)/task/\(program.id)/children", encoding: .utf8)
                .split(separator: " ").first.flatMap { Int32($0) }
            PipedProgram.pause()
        }
        #expect(!ProgramActivity.hasEnded(program.id))
        _ = program.end()
        programGuard.close()
    }
}
