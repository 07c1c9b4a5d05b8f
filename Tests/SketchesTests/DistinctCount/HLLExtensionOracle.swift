import Foundation

/// A private Postgres cluster with the `hll` extension, for as long as one test runs.
///
/// Started in a temporary directory with a Unix socket only. Server programs refuse to run as root, so under root they
/// run as user `postgres`.
final class HLLExtensionOracle {
    private let binaries: URL
    private let directory: String
    /// The server itself, in the foreground: a daemon would inherit the socket by which Foundation notices the end of
    /// a child, and waiting for `pg_ctl start` would last as long as the server.
    private let server: Process

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Where the server programs of a Postgres with the extension are; nil, with a line on standard error, without.
    static let installation: URL? = {
        let root = URL(fileURLWithPath: "/usr/lib/postgresql")
        for version in (17...30).reversed().map(String.init) + ["16", "15", "14", "13"] {
            let binaries = root.appendingPathComponent("\(version)/bin")
            let control = "/usr/share/postgresql/\(version)/extension/hll.control"
            if FileManager.default.isExecutableFile(atPath: binaries.appendingPathComponent("initdb").path),
                FileManager.default.fileExists(atPath: control)
            {
                return binaries
            }
        }
        let line = "SKIPPED: hll oracle: no Postgres with the hll extension (postgresql-NN-hll) is installed\n"
        FileHandle.standardError.write(Data(line.utf8))
        return nil
    }()

    init(installation: URL) throws {
        binaries = installation
        let made = try Self.run(["/bin/mktemp", "-d", "/tmp/hll-oracle.XXXXXX"])
        directory = made.trimmingCharacters(in: .whitespacesAndNewlines)
        let data = directory + "/data"
        try Self.run([
            Self.path("initdb", in: binaries), "-D", data, "-A", "trust", "-U", "oracle", "--no-sync", "-E", "UTF8",
        ])
        server = try Self.start(
            [
                Self.path("postgres", in: binaries), "-D", data, "-c", "listen_addresses=", "-c",
                "unix_socket_directories=\(directory)",
                "-c", "fsync=off", "-c", "jit=off", "-c", "logging_collector=on",
            ], output: FileHandle.nullDevice)
        let deadline = ContinuousClock.now + .seconds(60)
        while try Self.status(of: [path("pg_isready"), "-q", "-h", directory]) != 0 {
            guard ContinuousClock.now < deadline, server.isRunning else {
                throw Failure(description: "the oracle's server did not start; see \(data)/log")
            }
        }
        _ = try query("CREATE EXTENSION hll")
    }

    /// Stops the server and removes its directory.
    func stop() throws {
        try Self.run([path("pg_ctl"), "-D", directory + "/data", "-m", "immediate", "-w", "stop"])
        server.waitUntilExit()
        try Self.run(["/bin/rm", "-rf", directory])
    }

    /// The lines that psql prints for a script, one row per line.
    func query(_ script: String) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("hll-oracle-\(UUID()).sql")
        try Data(script.utf8).write(to: file)
        defer {
            do { try FileManager.default.removeItem(at: file) } catch { print("left behind: \(file.path): \(error)") }
        }
        let output = try Self.run([
            path("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", directory, "-U", "oracle", "-d",
            "postgres", "-f", file.path,
        ])
        return output.split(separator: "\n").map(String.init)
    }

    private func path(_ program: String) -> String { Self.path(program, in: binaries) }

    private static func path(_ program: String, in binaries: URL) -> String {
        binaries.appendingPathComponent(program).path
    }

    @discardableResult
    private static func run(_ command: [String]) throws -> String {
        let output = Pipe()
        let process = try start(command, output: output)
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(command[0]) ended with status \(process.terminationStatus)")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private static func status(of command: [String]) throws -> Int32 {
        let process = try start(command, output: FileHandle.nullDevice)
        process.waitUntilExit()
        return process.terminationStatus
    }

    private static func start(_ command: [String], output: Any) throws -> Process {
        let isRoot = geteuid() == 0
        let words = isRoot ? ["/usr/sbin/runuser", "-u", "postgres", "--"] + command : command
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.currentDirectoryURL = URL(fileURLWithPath: "/tmp")
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }
}
