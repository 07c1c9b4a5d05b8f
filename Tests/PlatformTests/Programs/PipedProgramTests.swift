import Foundation
import Testing

@testable import Platform

/// Programs as children: what they inherit, how they end, and that nothing of them is left.
@Suite struct PipedProgramTests {
    /// What a program writes until its output ends.
    private static func output(of program: PipedProgram, _ descriptor: Int32? = nil) -> String {
        var bytes: [UInt8] = []
        let end = ContinuousClock.now + .seconds(30)
        while .now < end {
            switch program.read(descriptor ?? program.output, into: &bytes) {
            case .bytes: continue
            case .nothing: PipedProgram.wait(for: [(program, false, false)], timeout: .milliseconds(50))
            case .closed: return String(decoding: bytes, as: UTF8.self)
            }
        }
        return "no end of \(String(decoding: bytes, as: UTF8.self))"
    }

    /// Waits until a process is gone, or only waits to be waited for.
    private static func isGone(_ id: Int32) -> Bool {
        let end = ContinuousClock.now + .seconds(30)
        while .now < end {
            guard let stat = SystemFile.read("/proc/\(id)/stat"), let name = stat.lastIndex(of: ")") else {
                return true
            }
            if stat[name...].hasPrefix(") Z") { return true }
            PipedProgram.pause()
        }
        return false
    }

    private static func start(_ line: String, _ programGuard: ProgramGuard, _ variables: [String: String] = [:]) throws
        -> PipedProgram
    {
        try PipedProgram(["/bin/sh", "-c", line], environment: variables, guardedBy: programGuard)
    }

    @Test func itHasItsVariablesAndNoDescriptorsButItsOwn() async throws {
        try await onThread(named: "test") {
            // One that would be inherited.
            let open = unsafe Glibc.open("/dev/null", O_RDONLY)
            defer { close(open) }
            let programGuard = try ProgramGuard()
            let program = try Self.start(
                "echo $COLOUR; for f in /proc/self/fd/*; do echo ${f##*/}; done", programGuard, ["COLOUR": "red"])
            // The shell itself has one open on the folder while it lists it.
            #expect(Self.output(of: program).hasPrefix("red\n0\n1\n2\n3\n"))
            #expect(program.end() == .code(0))
        }
    }

    @Test(arguments: [("exit 3", ProgramExit.code(3)), ("kill -SEGV $$", .signal(11)), ("kill -KILL $$", .signal(9))])
    func itsEndIsKnown(line: String, exit: ProgramExit) async throws {
        try await onThread(named: "test") {
            let program = try Self.start(line, ProgramGuard())
            _ = Self.output(of: program)
            while !program.hasEnded { PipedProgram.pause() }
            #expect(program.end() == exit)
            #expect(program.end() == exit)
        }
    }

    @Test func whatItHasStartedEndsWithIt() async throws {
        try await onThread(named: "test") {
            let program = try Self.start("sleep 1000 >/dev/null & echo $!; exec >&-; exit 0", ProgramGuard())
            let child = try #require(Int32(Self.output(of: program).trimmingCharacters(in: .whitespacesAndNewlines)))
            while !program.hasEnded { PipedProgram.pause() }
            #expect(program.end() == .code(0))
            #expect(Self.isGone(child))
        }
    }

    @Test func aPipeThatNobodyReadsIsNoSignal() async throws {
        try await onThread(named: "test") {
            let program = try Self.start("exec <&-; echo closed; exec >&-; sleep 1000", ProgramGuard())
            #expect(Self.output(of: program) == "closed\n")
            // A program that another test is starting has all that is open here for a moment, until it is that program.
            let end = ContinuousClock.now + .seconds(60)
            var transfer = PipedProgram.Transfer.nothing
            while transfer != .closed, .now < end {
                transfer = unsafe [UInt8](repeating: 10, count: 10).withUnsafeBytes { unsafe program.write($0) }
                PipedProgram.pause()
            }
            #expect(transfer == .closed)
            #expect(program.end() == .signal(9))
        }
    }

    /// The end of the guard's pipe is what the system makes of the end of this process.
    @Test func programsEndWhenTheirProcessDoes() async throws {
        try await onThread(named: "test") {
            let programGuard = try ProgramGuard()
            let dismissed = try Self.start("echo x; exec >&-; sleep 1000", programGuard)
            let running = try Self.start("echo x; exec >&-; sleep 1000", programGuard)
            #expect(Self.output(of: dismissed) == "x\n" && Self.output(of: running) == "x\n")
            #expect(dismissed.end() == .signal(9))
            programGuard.close()
            #expect(Self.isGone(running.id))
            #expect(running.end() == .signal(9))
        }
    }

    @Test func theMemoryOfAGroupIsThatOfAllItsProcesses() async throws {
        try await onThread(named: "test") {
            let script = "import os, time; a = bytearray(os.urandom(1 << 20) * 50); print(1, flush=1); time.sleep(99)"
            let eat = "python3 -c '\(script)'"
            let program = try Self.start("\(eat) & \(eat); wait", ProgramGuard())
            var bytes: [UInt8] = []
            let end = ContinuousClock.now + .seconds(60)
            while bytes.count < 4, .now < end {
                if case .nothing = program.read(program.output, into: &bytes) {
                    PipedProgram.wait(for: [(program, false, false)], timeout: .milliseconds(50))
                }
            }
            let found = ProgramMemory.residentBytes(ofGroup: program.id)
            #expect((100 << 20..<300 << 20).contains(found), "\(found)")
            _ = program.end()
            // What its children had, the system takes back in its own time.
            while ProgramMemory.residentBytes(ofGroup: program.id) > 0, .now < end { usleep(1_000) }
            #expect(ProgramMemory.residentBytes(ofGroup: program.id) == 0)
        }
    }
}
