public import Foundation

/// A second stand-in for Kafka: the `noida-db` program, which knows times, transactions, codecs and topic creation.
///
/// Everything is in memory: stay below 80 MB unread. A crashed group member is never evicted.
public final class NoidaBroker: Sendable {
    private let child: ChildProgram
    private let folder: URL
    /// `127.0.0.1:port`.
    public let bootstrapServers: String

    /// Starts the program on a free port with a fresh folder, and waits until the port answers.
    /// - Throws: if it does not come up within a minute.
    public init(executable: URL) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "millrace-noida-\(UUID().uuidString)")
        self.folder = folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var port = try LoopbackPort.free()
        func start() throws -> ChildProgram {
            try ChildProgram(
                try NoidaBroker.program(behind: executable).path,
                ["start", "--only", "kafka", "--kafka-port", String(port), "--data-dir", folder.path],
                takesInput: false, log: folder.appendingPathComponent("log").path)
        }
        var program = try start()
        let end = ContinuousClock.now + .seconds(60)
        var starts = 1
        while !LoopbackPort.answers(port) {
            if !program.isRunning, starts < 4 {
                // Somebody else took the port between our look and its start.
                port = try LoopbackPort.free()
                program = try start()
                starts += 1
            }
            guard program.isRunning, ContinuousClock.now < end else {
                program.kill()
                throw ChildProgram.Failure(description: "\(executable.path): port \(port) does not answer")
            }
            _ = program.readLine(within: .milliseconds(50))
        }
        child = program
        bootstrapServers = "127.0.0.1:\(port)"
    }

    deinit { stop() }

    /// Ends the program and removes its folder.
    public func stop() {
        child.stop()
        try? FileManager.default.removeItem(at: folder)  // A folder in the temporary directory; nothing depends on it.
    }

    /// The server itself: the package's command is a script that starts it as a child of its own, which would outlive
    /// the script when that is killed.
    private static func program(behind executable: URL) throws -> URL {
        let file = try FileHandle(forReadingFrom: executable)
        defer { try? file.close() }  // Only read from.
        guard try file.read(upToCount: 2) == Data("#!".utf8) else { return executable }
        let libraries = executable.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("lib")
        let versions = try FileManager.default.contentsOfDirectory(at: libraries, includingPropertiesForKeys: nil)
        let programs = versions.map { $0.appendingPathComponent("site-packages/noida_db/noida-db") }
        return programs.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? executable
    }

    /// The program, from `MILLRACE_NOIDA_DB` or the project's tools, or nil: then what needs it is skipped.
    public static var installedExecutable: URL? {
        let given = ProcessInfo.processInfo.environment["MILLRACE_NOIDA_DB"]
        let candidates = [given, ".build/tools/venv/bin/noida-db"].compactMap(\.self)
        return candidates.first(where: FileManager.default.isExecutableFile(atPath:)).map(URL.init(fileURLWithPath:))
    }
}
