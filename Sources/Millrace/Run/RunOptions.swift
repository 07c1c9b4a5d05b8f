public import ArgumentParser
import Dataflow
import Declaration
import Foundation
public import Logging
import TopologyFile

/// Options of the commands that run topologies.
struct RunOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Memory for each topology, instead of its `memory:`.", valueName: "size"))
    var memory: ByteSize?

    @Option(
        help: ArgumentHelp(
            "Least time between commits, such as 250ms or 1s, instead of `commit_interval:`.", valueName: "duration"))
    var commitInterval: TimeLength?

    @Option(help: "Threads that run operators, instead of `workers:`.")
    var workers: Int?

    @Option(help: "The least log level shown: debug, info, notice, warning, error.")
    var logLevel: Logger.Level = .info

    @Option(help: "How progress is shown: auto (a line on a terminal, log lines otherwise), line, log, none.")
    var progress: ProgressStyle = .auto

    func validate() throws {
        if let interval = commitInterval?.duration, !(.milliseconds(10)...Limits.commitIntervalMax ~= interval) {
            throw ValidationError("--commit-interval: 10ms to 1h")
        }
        if let workers, !(1...256).contains(workers) { throw ValidationError("--workers: 1 to 256") }
    }

    /// What the options override in a topology.
    var overrides: RunOverrides {
        RunOverrides(
            memoryBytes: memory?.bytes, commitInterval: commitInterval?.duration, workers: workers)
    }

    /// A logger to standard error.
    func makeLogger() -> Logger {
        let level = logLevel
        return Logger(label: "millrace") { _ in
            var handler = PlainLogHandler()
            handler.logLevel = level
            return handler
        }
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// A size such as `256MiB`, as in topology files.
struct ByteSize: ExpressibleByArgument {
    var bytes: Int

    init?(argument: String) {
        guard let size = Quantity.size(argument), size > 0 else { return nil }
        bytes = Int(size)
    }
}

/// A length of time such as `250ms`, as in topology files; a bare number is milliseconds.
struct TimeLength: ExpressibleByArgument {
    var duration: Duration

    init?(argument: String) {
        guard let duration = Quantity.duration(argument) ?? Quantity.duration(argument + "ms") else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { Quantity.describe(duration) }
}

/// How progress is shown.
enum ProgressStyle: String, ExpressibleByArgument, CaseIterable {
    case auto, line, log, none

    /// `auto` decided.
    var resolved: ProgressStyle {
        guard self == .auto else { return self }
        return isatty(STDERR_FILENO) == 1 ? .line : .log
    }
}
