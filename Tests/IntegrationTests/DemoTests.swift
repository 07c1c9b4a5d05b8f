import Foundation
import LocalServices
import Testing

/// `millrace demo` as a person runs it: the built program, in a folder of its own for temporary files.
@Suite struct DemoTests {
    /// One run, that ends with ``finish(within:)``.
    private final class Demo {
        let process = Process()
        let folder: URL
        private let output: URL

        init(_ arguments: [String]) throws {
            // Under /tmp, since a socket's path is short.
            folder = URL(filePath: "/tmp/millrace-demo-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            output = folder.appendingPathExtension("log")
            guard FileManager.default.createFile(atPath: output.path, contents: nil) else {
                throw CocoaError(.fileWriteUnknown)
            }
            process.executableURL = try DevelopmentBroker.executableBesideUs()
            process.arguments = ["demo"] + arguments
            process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": folder.path]) { $1 }
            let file = try FileHandle(forWritingTo: output)
            process.standardOutput = file
            process.standardError = file
            try process.run()
        }

        deinit {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            for url in [folder, output] { try? FileManager.default.removeItem(at: url) }  // Only scratch files.
        }

        /// What the program has said so far.
        var said: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

        /// Polls until the condition holds; false when it does not in time.
        func wait(within timeout: Duration, until isReached: () -> Bool) -> Bool {
            let end = ContinuousClock.now + timeout
            while !isReached() {
                guard ContinuousClock.now < end else { return false }
                usleep(20_000)
            }
            return true
        }

        /// Whether the program ends in time.
        func ends(within timeout: Duration) -> Bool { wait(within: timeout) { !process.isRunning } }

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

    @Test(.timeLimit(.minutes(3))) func everyEventIsBookedAndShown() throws {
        let demo = try Demo(["--events", "20000", "--bad", "0.01"])
        #expect(demo.ends(within: .seconds(150)), "\(demo.said)")
        #expect(demo.process.terminationStatus == 0, "\(demo.said)")
        for part in ["kpi_minute", "sales_hour", "weapon_totals", "dead_letters", "20,000 events in"] {
            #expect(demo.said.contains(part), "\(part) is missing in: \(demo.said)")
        }
        #expect(demo.wait(within: .seconds(20)) { demo.leftovers.isEmpty }, "left: \(demo.leftovers)")
    }

    @Test(.timeLimit(.minutes(3)), arguments: [SIGINT, SIGTERM, SIGKILL])
    func nothingIsLeftRunning(after signal: Int32) throws {
        let demo = try Demo(["--events", "100000000"])
        #expect(demo.wait(within: .seconds(90)) { demo.said.contains("Partitions assigned") }, "\(demo.said)")
        kill(demo.process.processIdentifier, signal)
        #expect(demo.ends(within: .seconds(60)), "\(demo.said)")
        if signal != SIGKILL { #expect(demo.process.terminationStatus == 130, "\(demo.said)") }
        #expect(demo.wait(within: .seconds(30)) { demo.leftovers.isEmpty }, "left: \(demo.leftovers)")
    }
}
