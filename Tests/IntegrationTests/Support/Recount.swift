import Foundation

/// The independent recount, Tests/recount/recount.py, which shares no code with the engine.
enum Recount {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("recount")

    /// Whether Python is here; says loudly when it is not.
    static let isPossible: Bool = {
        if FileManager.default.isExecutableFile(atPath: "/usr/bin/python3") { return true }
        skipped("the recount needs /usr/bin/python3")
        return false
    }()

    /// Compares tables with the log.
    /// - Parameter checks: name of a file in `queries/`, without extension, and the table it is compared with.
    /// - Returns: 0 all agree, 1 something differs, 2 it could not be compared; and what it printed.
    static func run(
        _ checks: [(query: String, table: String)], dead: Int64?, database: TestDatabase, log: URL
    ) throws -> (status: Int32, output: String) {
        var arguments = [folder.appendingPathComponent("recount.py").path, "--database", database.url]
        if let dead { arguments += ["--dead", String(dead)] }
        for check in checks {
            arguments += ["--check", folder.appendingPathComponent("queries/\(check.query).json").path, check.table]
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = arguments + [log.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
