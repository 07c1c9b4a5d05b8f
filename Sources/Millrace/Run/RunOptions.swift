public import ArgumentParser
import Foundation
public import Logging

/// Options of the commands that run topologies.
struct RunOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Memory for each topology, instead of its `memory:`.", valueName: "size"))
    var memory: ByteSize?

    @Option(help: ArgumentHelp("Least time between commits, instead of `commit_interval:`.", valueName: "milliseconds"))
    var commitInterval: Int?

    @Option(help: "Threads that run operators, instead of `workers:`.")
    var workers: Int?

    @Option(help: "The least log level shown: debug, info, notice, warning, error.")
    var logLevel: Logger.Level = .info

    @Option(help: "How progress is shown: auto (a line on a terminal, log lines otherwise), line, log, none.")
    var progress: ProgressStyle = .auto

    func validate() throws {
        if let commitInterval, commitInterval < 10 { throw ValidationError("--commit-interval: at least 10") }
        if let workers, !(1...256).contains(workers) { throw ValidationError("--workers: 1 to 256") }
    }

    /// What the options override in a topology.
    var overrides: PipelineBuilder.RunOverrides {
        PipelineBuilder.RunOverrides(
            memoryBytes: memory?.bytes, commitInterval: commitInterval.map { .milliseconds($0) }, workers: workers)
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

/// A size such as `256MiB`.
struct ByteSize: ExpressibleByArgument {
    var bytes: Int

    init?(argument: String) {
        let units = ["GiB": 30, "MiB": 20, "KiB": 10]
        for (unit, shift) in units where argument.hasSuffix(unit) {
            guard let number = Int(argument.dropLast(3)), number > 0, number < 1 << 20 else { return nil }
            bytes = number << shift
            return
        }
        guard let number = Int(argument), number > 0 else { return nil }
        bytes = number
    }
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
