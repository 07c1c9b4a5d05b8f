import Foundation
import Testing

/// Named pipes that never end, and topologies that read them: they run until they are told to stop.
final class EndlessPipes {
    private let folder: TopologyFolder
    private var writers: [Int32] = []
    /// A folder for what processes keep.
    let state: String

    init() throws {
        folder = try TopologyFolder()
        state = URL(fileURLWithPath: try folder.file(named: "kept", "")).deletingLastPathComponent().path
    }

    deinit { for writer in writers { close(writer) } }

    /// A topology that reads a pipe of its own.
    func topology(_ name: String, memory: String = "128MiB") throws -> String {
        let path = try folder.file(named: name, "")
        try FileManager.default.removeItem(atPath: path)
        try #require(unsafe mkfifo(path, 0o600) == 0)
        let writer = unsafe open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        try #require(writer >= 0)
        writers.append(writer)
        return """
            topology: \(name)
            memory: \(memory)
            nodes:
              lines: { file: { paths: ["\(path)"] } }
              records: { from: lines, parse_json: { fields: { n: integer } } }
              counts: { from: records, summarize: { metrics: { all: count() } } }
              out: { from: counts, postgres: { url: "${DATABASE_URL}", table: \(name) } }
            """
    }
}
