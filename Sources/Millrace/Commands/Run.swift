import ArgumentParser
import Dataflow
import Declaration
import Logging
import Platform
import ServiceLifecycle

/// `millrace run`: the main job.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run topologies until their sources end or the process is told to stop.",
        discussion: """
            SIGTERM and Ctrl-C stop reading, commit what was read, and leave the consumer group; nothing is lost either \
            way, a kill -9 included. Exits with 0 after an orderly end, with 1 when something stopped a topology.
            """)

    @Argument(help: ArgumentHelp("The topology files; - is standard input.", valueName: "file"))
    var files: [String]

    @Flag(
        help: ArgumentHelp(
            "Go on although a table lacks what was read before.",
            discussion:
                "For tables that are new, dropped, emptied or made of other events than before: they count from "
                + "here, and millrace.tables remembers from which positions on."))
    var fromNow = false

    @Flag(
        help: ArgumentHelp(
            "Give tables the columns that the files want before anything is read.",
            discussion:
                "Executes what millrace plan says is to be executed: new columns for new metrics, computed columns. Tables "
                + "that cannot go on stop the start all the same."))
    var migrate = false

    @Flag(help: "Exit with 1 when a record became a dead letter, after everything else was done.")
    var failOnDead = false

    @OptionGroup var options: RunOptions

    func run() async throws {
        let logger = options.makeLogger()
        var topologies: [CompiledTopology] = []
        var hasErrors = false
        for (_, topology, diagnostics) in TopologyLoader(overrides: options.overrides).load(files, together: true) {
            for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
            if let topology { topologies.append(topology) } else { hasErrors = true }
        }
        if hasErrors { throw ExitCode(1) }
        do {
            for topology in topologies where migrate {
                try await onThread(named: topology.name) { try Rehearsing.mend(topology, logger: logger) }
            }
            let services = try topologies.map { topology in
                try TopologyService(
                    topology, overrides: options.overrides, acceptsGaps: fromNow, progress: options.progress,
                    logger: logger)
            }
            try await TopologyService.runAll(services, logger: logger)
            if failOnDead { try Self.checkDeadLetters(of: services) }
        } catch {
            StandardError.write("millrace: \(error)")
            throw ExitCode(1)
        }
    }

    private static func checkDeadLetters(of services: [TopologyService]) throws {
        let counts = services.map { (name: $0.name, count: $0.pipeline.progress().deadLetters) }.filter { $0.count > 0 }
        guard !counts.isEmpty else { return }
        throw DeadLettersFound(
            description: counts.map { "topology \($0.name) made \($0.count) dead letters" }.joined(separator: "\n"))
    }

    private struct DeadLettersFound: Error, CustomStringConvertible { let description: String }
}
