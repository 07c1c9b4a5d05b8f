import Foundation

/// Looks where a program is before it is run.
enum ProgramSearch {
    /// A program that is not there is found out before anything is read.
    /// - Throws: `ExecError` naming the node and the program.
    static func check(_ command: [String], _ environment: [String: String], of node: String) throws(ExecError) {
        let program = command[0]
        let variables = ProcessInfo.processInfo.environment
        let path = environment["PATH"] ?? variables["PATH"] ?? "/usr/bin:/bin"
        let places =
            program.contains("/")
            ? [program] : path.split(separator: ":").map { "\($0)/\(program)" }
        var isFolder = ObjCBool(false)
        for place in places where FileManager.default.isExecutableFile(atPath: place) {
            if unsafe FileManager.default.fileExists(atPath: place, isDirectory: &isFolder), !isFolder.boolValue {
                return
            }
        }
        let found =
            places.contains { FileManager.default.fileExists(atPath: $0) }
            ? "may not be run by this user" : "is not there" + (program.contains("/") ? "" : ", found nowhere in PATH")
        throw ExecError(
            description:
                "node \(node): the program \(program) \(found); install it where Millrace runs, or write its path"
        )
    }
}
