import ArgumentParser
import Dataflow
import Platform

/// The program: one command per file in Commands/.
@main
struct MillraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Turns Kafka event streams into always-current Postgres summary tables, each event exactly once.",
        discussion: """
            Try it:          millrace demo
            Check a file:    millrace check topologies/game_kpis.yaml
            Try a file:      millrace try topologies/game_kpis.yaml --events sample.ndjson
            Run it:          millrace run topologies/game_kpis.yaml
            Or as a service: millrace serve, and millrace deploy topologies/game_kpis.yaml
            """,
        version: Version.text,
        subcommands: [
            Run.self, Check.self, Try.self, Explain.self, SQLCommand.self, DashboardCommand.self, Serve.self,
            Deploy.self,
            PlanCommand.self, Apply.self, RebuildCommand.self, Diff.self, Promote.self, ListCommand.self, Status.self,
            Top.self, TapCommand.self, Why.self, Logs.self, Pause.self, Resume.self, Restart.self, Scale.self,
            Rollback.self, RenameCommand.self, Reset.self,
            Remove.self,
            DeadLetters.self, Metrics.self, ImportCrontab.self, Demo.self, Generate.self, Produce.self,
            BrokerCommand.self,
            VersionCommand.self, Reference.self,
        ]
    )

    static func main() async {
        StandardOutput.watch()
        Allocator.shareOneHeap()
        // The runtime finds them by way of /proc; without them every command would be taken for a call for help.
        guard !CommandLine.arguments.isEmpty else {
            StandardError.write(
                "millrace: the program's arguments cannot be read, expected /proc/self/maps to be readable")
            Self.exit(withError: ExitCode.failure)
        }
        if let complaint = complaint(about: CommandLine.arguments.dropFirst().first) {
            StandardError.write(complaint)
            Self.exit(withError: ExitCode.validationFailure)
        }
        await main(Self.withNegativeValues(Array(CommandLine.arguments.dropFirst())))
    }

    /// The arguments with negative numbers tied to the options before them (`--to -1` as `--to=-1`): the parser would take
    /// them for options, and say that a value is missing.
    static func withNegativeValues(_ arguments: [String]) -> [String] {
        var result: [String] = []
        for (index, word) in arguments.enumerated() {
            // Behind a bare `--`, nothing is an option.
            guard !arguments[..<index].contains("--"), word.first == "-",
                word.dropFirst().first.map({ ("0"..."9").contains($0) }) ?? false, let last = result.last,
                last.hasPrefix("--"), !last.contains("=")
            else {
                result.append(word)
                continue
            }
            result[result.count - 1] = "\(last)=\(word)"
        }
        return result
    }

    /// What is wrong with a first argument that names no command; nil when it does, or is an option.
    static func complaint(about word: String?) -> String? {
        // Not key paths into the types of commands: those crash Swift 6.3.1.
        var known = ["help"]
        var hidden: Set<String> = []
        for command in configuration.subcommands {
            if command.configuration.shouldDisplay {
                known.append(command._commandName)
            } else {
                hidden.insert(command._commandName)
            }
        }
        guard let word, !word.hasPrefix("-"), !known.contains(word), !hidden.contains(word) else { return nil }
        let isFile = [".yaml", ".yml"].contains { word.hasSuffix($0) }
        let hint =
            isFile
            ? "to run a topology: millrace run \(word)"
            : Suggestion.hint(for: word, in: known) ?? "expected one of \(known.joined(separator: ", "))"
        return "millrace: there is no command '\(word)'; \(hint)\nUsage: millrace <command>; millrace --help lists them"
    }
}
