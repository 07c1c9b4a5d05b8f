import Foundation
import Logging
import Platform

/// Where processes that serve leave word of which topology they died of, for the next one on the machine.
enum CrashNotes {
    /// The folder of what this user's programs keep between runs; else one for what may be lost.
    private static var folders: [String] {
        let state = URL(fileURLWithPath: WebOptions.defaultTokenPath(ProcessInfo.processInfo.environment))
        return [state.deletingLastPathComponent().path, FileManager.default.temporaryDirectory.path]
    }

    /// Has this process leave a note when it dies of a fault.
    /// - Parameter process: its name in the catalogue.
    static func begin(for process: String, _ logger: Logger) {
        for folder in folders {
            try? FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            guard FileManager.default.isWritableFile(atPath: folder) else { continue }
            return FaultNote.leave(at: path(of: process, in: folder))
        }
        logger.notice(
            "No folder can be written; if this process dies of a topology, the next one will not know of which",
            metadata: ["folders": "\(folders.joined(separator: ", "))"])
    }

    /// Takes away the note of a process that is gone; nil when it was killed.
    static func take(of process: String) -> FaultNote? {
        for folder in folders {
            if let note = FaultNote.take(from: path(of: process, in: folder)) { return note }
        }
        return nil
    }

    private static func path(of process: String, in folder: String) -> String {
        let name = process.unicodeScalars.map { scalar in
            CharacterSet.alphanumerics.contains(scalar) && scalar.isASCII ? String(scalar) : "-"
        }.joined()
        return "\(folder)/crash-\(name)"
    }

    // MARK: - Whose fault it was

    /// What threads of a run of a topology work for.
    static func work(of topology: String, generation: Int64) -> String { "\(generation) \(topology)" }

    /// The run that a thread has worked for; nil for none.
    static func run(_ work: String) -> (topology: String, generation: Int64)? {
        let parts = work.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let generation = Int64(parts[0]) else { return nil }
        return (String(parts[1]), generation)
    }
}
