import Foundation
import LocalServices
import Testing

/// `millrace demo` as a person runs it: the built program, in a folder of its own for temporary files.
@Suite struct DemoTests {
    /// One run.
    private final class Demo {
        let folder: URL
        let process: MillraceProcess

        init(_ arguments: [String]) throws {
            // Under /tmp, since a socket's path is short.
            folder = URL(filePath: "/tmp/millrace-demo-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            process = try MillraceProcess(
                ["demo"] + arguments, environment: ["TMPDIR": folder.path], endsGroup: false)
        }

        deinit {
            try? FileManager.default.removeItem(at: folder)  // Only scratch files.
        }

        /// What the program has said so far.
        var said: String { process.output + process.errors }

        /// Processes that have the run's folder in their arguments, and files in it.
        var leftovers: [String] {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            let ids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { Int($0) != nil }
            let processes = ids.filter { id in
                guard let arguments = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") else { return false }
                return String(decoding: arguments, as: UTF8.self).contains(folder.path)
            }
            return files + processes
        }
    }

    @Test func everyEventIsBookedAndShown() async throws {
        try await onOwnThread {
            let demo = try Demo(["--events", "20000", "--bad", "0.01"])
            #expect(try demo.process.wait(within: .seconds(150)) == .code(0), "\(demo.said)")
            for part in ["kpi_minute", "sales_hour", "weapon_totals", "dead_letters", "20,000 events in"] {
                #expect(demo.said.contains(part), "\(part) is missing in: \(demo.said)")
            }
            try eventually("left: \(demo.leftovers)") { demo.leftovers.isEmpty }
        }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGKILL])
    func nothingIsLeftRunning(after signal: Int32) async throws {
        try await onOwnThread {
            let demo = try Demo(["--events", "100000000"])
            try eventually("no partitions: \(demo.said)") { demo.said.contains("Partitions assigned") }
            kill(demo.process.processID, signal)
            let exit = try demo.process.wait()
            #expect(exit == (signal == SIGKILL ? .signal(SIGKILL) : .code(130)), "\(demo.said)")
            try eventually("left: \(demo.leftovers)") { demo.leftovers.isEmpty }
        }
    }
}
