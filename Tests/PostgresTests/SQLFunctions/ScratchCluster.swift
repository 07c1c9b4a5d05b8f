import Foundation
import Platform
import Testing

/// A private Postgres cluster with the SQL functions installed twice: database `plain` without the `hll` extension and,
/// where it can be had, `extended` with it. Listens on a Unix socket in its own temporary directory only.
final class ScratchCluster: Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Server programs, as `MILLRACE_POSTGRES_BIN` says, or of the newest installed Postgres; nil, with a line on standard
    /// error, without any.
    static let binaries: String? = {
        if let given = ProcessInfo.processInfo.environment["MILLRACE_POSTGRES_BIN"] { return given }
        let found = (13...30).reversed().map { "/usr/lib/postgresql/\($0)/bin" }
            .first { FileManager.default.isExecutableFile(atPath: $0 + "/initdb") }
        if found == nil { say("SKIPPED: no Postgres server programs under /usr/lib/postgresql\n") }
        return found
    }()

    /// Whether that Postgres can create the extension; said on standard error if not.
    static let hasExtension: Bool = {
        guard let version = binaries?.split(separator: "/").dropLast().last else { return false }
        let found = FileManager.default.fileExists(atPath: "/usr/share/postgresql/\(version)/extension/hll.control")
        if !found { say("SKIPPED: the hll extension is not installed, only plain SQL is tested\n") }
        return found
    }()

    /// The shipped scripts, in the order in which a start runs them.
    static let scripts = [
        "percentiles", "percentiles_decode", "percentiles_quick", "percentiles_merge", "percentiles_read",
        "percentiles_charts", "uniques", "uniques_merge", "uniques_read", "sums", "top",
        "top_merge", "top_read",
    ]

    /// Databases to test in.
    static let databases = hasExtension ? ["plain", "extended"] : ["plain"]

    /// The cluster of the running suite.
    @TaskLocal static var current: ScratchCluster?

    private let binaries: String
    private let directory: String

    init(binaries: String) throws {
        self.binaries = binaries
        directory = try Self.asServerUser(["/bin/mktemp", "-d", "/tmp/sql-functions.XXXXXX"])
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let data = directory + "/data"
        try Self.asServerUser([
            binaries + "/initdb", "-D", data, "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8", "--no-locale",
        ])
        let options = "-c listen_addresses='' -c unix_socket_directories='\(directory)' -c fsync=off"
        try Self.asServerUser([
            binaries + "/pg_ctl", "-D", data, "-o", options, "-l", directory + "/server.log", "-w", "start",
        ])
        do {
            try createDatabases()
        } catch {
            try stop()
            throw error
        }
    }

    private func createDatabases() throws {
        for database in Self.databases {
            _ = try query("CREATE DATABASE \(database)", in: "postgres")
            if database == "extended" {
                _ = try query("CREATE SCHEMA sketches; CREATE EXTENSION hll SCHEMA sketches", in: database)
            }
            try installFunctions(in: database)
        }
    }

    /// Stops the server and removes its directory.
    func stop() throws {
        try Self.asServerUser([binaries + "/pg_ctl", "-D", directory + "/data", "-m", "immediate", "-w", "stop"])
        try Self.asServerUser(["/bin/rm", "-rf", directory])
    }

    /// Runs the shipped scripts in a database.
    func installFunctions(in database: String) throws {
        _ = try query(installation, in: database)
    }

    /// The lines of a psql script that run the shipped scripts.
    var installation: String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return Self.scripts
            .map { "\\i '\(package.appendingPathComponent("Sources/Nodes/Sink/SQL/\($0).sql").path)'\n" }.joined()
            + (Self.replacements.map { "\\i '\($0)'\n" } ?? "")
    }

    /// A script that puts other functions in the place of the shipped ones: `Tests/extension/engine` has the tests compare
    /// the engine with the functions in C.
    private static let replacements = ProcessInfo.processInfo.environment["MILLRACE_SQL_REPLACEMENTS"]

    /// The lines psql prints for a script, one row per line, columns joined by `|`; any error fails.
    func query(_ script: String, in database: String) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("sql-functions-\(UUID()).sql")
        try Data(script.utf8).write(to: file)
        defer {
            do { try FileManager.default.removeItem(at: file) } catch { say("left behind: \(file.path): \(error)\n") }
        }
        return try psql(file: file.path, database)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// What the database says to calls that it refuses, a line each; `nothing` for one that it takes.
    func complaints(about calls: [String], in database: String) throws -> [String] {
        try query(
            """
            CREATE FUNCTION pg_temp.said(call text) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN
                EXECUTE call;
                RETURN 'nothing';
            EXCEPTION WHEN others THEN
                RETURN SQLERRM;
            END $$;

            """ + calls.map { "SELECT pg_temp.said($call$SELECT millrace.\($0)$call$);\n" }.joined(), in: database)
    }

    @discardableResult
    private func psql(file: String, _ database: String) throws -> String {
        try Self.run([
            binaries + "/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", directory, "-U", "tester", "-d",
            database, "-f", file,
        ])
    }

    /// Server programs refuse to run as root: under root they run as user `postgres`.
    @discardableResult
    private static func asServerUser(_ command: [String]) throws -> String {
        // By number: the name is looked up in a buffer that other threads use too.
        try run(geteuid() == 0 ? ["/usr/sbin/runuser", "-u", "postgres", "--"] + command : command)
    }

    /// Runs a program to its end and returns what it printed; standard error is the test's own.
    ///
    /// Not Foundation's `Process`: it learns of the end through a socket that every child inherits, so a server started
    /// by another suite meanwhile would keep it waiting for ever. `waitpid` asks the kernel.
    private static func run(_ command: [String]) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sql-functions-\(UUID()).out").path
        let environment = ["PGOPTIONS=-c client_min_messages=warning", "LC_ALL=C", "PATH=/usr/bin:/bin"]
        let (nothing, output) = (try Spawn.open(nil), try Spawn.open(path))
        // The server must not run in a directory that its user cannot read.
        let child = try Spawn.start(
            ["/usr/bin/env", "-i", "-C", "/tmp"] + environment + command,
            descriptors: [nothing, output, STDERR_FILENO],
            group: .inherited)
        close(nothing)
        close(output)
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) == -1, errno == EINTR {}
        let printed = try String(decoding: Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        try FileManager.default.removeItem(atPath: path)
        guard status == 0 else { throw Failure(description: "\(command) ended with wait status \(status)") }
        return printed
    }
}

/// Starts the cluster before a suite's first test and stops it after the last.
struct ScratchClusterTrait: SuiteTrait, TestScoping {
    func provideScope(for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void)
        async throws
    {
        guard let binaries = ScratchCluster.binaries else { return try await body() }
        let cluster = try ScratchCluster(binaries: binaries)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await ScratchCluster.$current.withValue(cluster, operation: body))
        } catch {
            outcome = .failure(error)
        }
        try cluster.stop()
        try outcome.get()
    }
}

extension Trait where Self == ScratchClusterTrait {
    /// One private cluster for the whole suite.
    static var scratchCluster: Self { Self() }
}

private func say(_ line: String) { FileHandle.standardError.write(Data(line.utf8)) }
