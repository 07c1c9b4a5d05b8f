import Foundation
import Testing

@testable import Platform

@Suite struct SpawnTests {
    private func status(of id: Int32) throws -> Int32 { try #require(Spawn.wait(for: id)) }

    /// Runs a line of shell and answers what it printed.
    private func printed(_ line: String, environment: [String: String] = [:]) throws -> String {
        let pipe = try PrivatePipe()
        let nothing = try Spawn.open(nil)
        let id = try Spawn.start(
            ["/bin/sh", "-c", line], environment: environment, descriptors: [nothing, pipe.writing, nothing])
        close(pipe.writing)
        close(nothing)
        let bytes = FileHandle(fileDescriptor: pipe.reading, closeOnDealloc: true).readDataToEndOfFile()
        #expect(try status(of: id) == 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func nothingButWhatIsGivenIsInherited() throws {
        // Neither private nor given: closed in the program.
        let loose = unsafe open("/dev/null", O_RDONLY)
        defer { close(loose) }
        let open = try printed("cd /proc/self/fd && echo [0-9]*").split(whereSeparator: \.isWhitespace)
        #expect(open.prefix(3) == ["0", "1", "2"])
        // The shell's own look at the directory.
        #expect(open.count <= 4 && !open.contains("\(loose)"))
    }

    @Test func theEnvironmentIsOursAndWhatIsAdded() throws {
        #expect(
            try printed("echo \"$SPAWN_ADDED:$PATH\"", environment: ["SPAWN_ADDED": "x y", "PATH": "/bin"])
                == "x y:/bin\n")
    }

    @Test func aProgramThatIsNotThereIsNamed() throws {
        let nothing = try Spawn.open(nil)
        defer { close(nothing) }
        let failure = #expect(throws: ProgramFailure.self) {
            try Spawn.start(["/nowhere/at-all"], descriptors: [nothing, nothing, nothing])
        }
        #expect(failure?.description == "/nowhere/at-all cannot be started: No such file or directory")
    }

    @Test func groupsAreAsAsked() throws {
        let nothing = try Spawn.open(nil)
        defer { close(nothing) }
        for (group, hasOwnGroup, hasOwnSession) in [
            (Spawn.Group.own, true, false), (.ownSession, true, true), (.inherited, false, false),
        ] {
            let hold = try PrivatePipe()
            let id = try Spawn.start(["/bin/cat"], descriptors: [hold.reading, nothing, nothing], group: group)
            #expect((getpgid(id) == id) == hasOwnGroup)
            #expect((getsid(id) == id) == hasOwnSession)
            close(hold.reading)
            close(hold.writing)
            #expect(try status(of: id) == 0)
        }
    }

    /// A program that held the other end of a pipe would keep it open: `cat` would not see the end of its input.
    @Test func pipesMadeMeanwhileAreNotInherited() async throws {
        try await withThrowingTaskGroup(of: [Int32?].self) { group in
            for number in 0..<4 {
                group.addTask {
                    try await onThread(named: "starts \(number)") { try (0..<10).map { _ in try Self.statusOfCat() } }
                }
            }
            for try await statuses in group { #expect(statuses.allSatisfy { $0 == 0 }) }
        }
    }

    private static func statusOfCat() throws -> Int32? {
        let (pipe, nothing) = (try PrivatePipe(), try Spawn.open(nil))
        let id = try Spawn.start(["/bin/cat"], descriptors: [pipe.reading, nothing, nothing])
        for end in [pipe.reading, nothing, pipe.writing] { close(end) }
        return Spawn.wait(for: id)
    }
}
