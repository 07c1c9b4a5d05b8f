import Foundation

/// Processes that serve a database, and commands that change what they run.
final class ServeStand: Sendable {
    let database: TestDatabase
    let environment: [String: String]
    private let folder: URL

    /// - Parameter variables: more of the environment.
    init(_ database: TestDatabase, brokers: String = "", variables: [String: String] = [:]) throws {
        self.database = database
        environment = ["BROKERS": brokers, "DATABASE_URL": database.url].merging(variables) { _, new in new }
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-serve-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)  // A temporary folder.
    }

    /// Starts a process that serves the database.
    func serve(_ arguments: [String] = []) throws -> MillraceProcess {
        try MillraceProcess(["serve"] + arguments, environment: environment)
    }

    /// Writes a topology file.
    func file(_ text: String, _ name: String = "topology.yaml") throws -> String {
        let file = folder.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    struct Answer {
        var exit: MillraceProcess.Exit
        var output: String
        var errors: String
    }

    /// Runs a command to its end.
    func run(_ arguments: String...) throws -> Answer { try run(arguments) }

    func run(_ arguments: [String]) throws -> Answer {
        let process = try MillraceProcess(arguments, environment: environment)
        let exit = try process.wait(within: .seconds(120))
        return Answer(exit: exit, output: process.output, errors: process.errors)
    }

    /// Runs a command that is to succeed.
    @discardableResult
    func succeed(_ arguments: String...) throws -> String {
        let answer = try run(arguments)
        guard answer.exit == .code(0) else {
            throw MillraceProcess.Failure(
                description:
                    "millrace \(arguments.joined(separator: " ")): \(answer.exit): \(answer.output)\(answer.errors)")
        }
        return answer.output
    }

    /// A topology of `status --json`.
    struct Status: Decodable {
        struct Instance: Decodable {
            var daemon: String
            var version: Int
            var state: String
            var snapshot: Snapshot
        }
        struct Snapshot: Decodable {
            struct Partition: Decodable {
                var next: Int64?
            }
            var partitions: [Partition]
        }
        var topology: String
        var version: Int
        var state: String
        var reason: String
        var instances: [Instance]
    }

    func status(_ topology: String) throws -> Status {
        let answer = try run("status", topology, "--json")
        guard let found = try JSONDecoder().decode([Status].self, from: Data(answer.output.utf8)).first else {
            throw MillraceProcess.Failure(description: "no status: \(answer.output)\(answer.errors)")
        }
        return found
    }

    /// Waits until a topology is in a state.
    func wait(for topology: String, toBe state: String) throws {
        var last: Status?
        try eventually(within: .seconds(120), "\(topology) is \(state), found \(String(describing: last))") {
            last = try status(topology)
            return last?.state == state
        }
    }
}
