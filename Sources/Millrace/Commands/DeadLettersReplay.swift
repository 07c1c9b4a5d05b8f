import ArgumentParser
import Catalog
import Declaration
import Logging
import Nodes
import Platform

extension DeadLetters {
    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read their records again, and put what can be used now into the tables.",
            discussion: """
                Once the topology, a lookup or the database is mended: the records are read again from Kafka or their files, \
                run through the topology as it runs now, and merged into the rows of their windows, each exactly once, while \
                the topology runs or not. Letters whose records can be used are gone then, and the ledger counts them as \
                applied or filtered; the others say what is wrong now. Without a cause, node, field or number, --all must be \
                given. The topology's file is the one that is deployed, or --file.

                  millrace dead-letters replay kpis --cause wrong_type --dry-run
                  millrace dead-letters replay kpis --all --file kpis.yaml
                """)

        @OptionGroup var letters: LetterOptions

        @Flag(help: "All of the topology.")
        var all = false

        @Flag(help: "Do everything, say what comes of it, and take it back.")
        var dryRun = false

        @Option(
            help: ArgumentHelp(
                "The topology's file, where it runs without a catalogue; - is standard input.", valueName: "path"))
        var file: String?

        @OptionGroup var run: RunOptions

        @OptionGroup var catalog: CatalogOptions

        func validate() throws {
            if !letters.isNarrow, !all {
                throw ValidationError("say which with --cause, --node, --field or --id, or give --all")
            }
        }

        func run() async throws {
            let topology = try await topology()
            let choice = ReplayChoice(
                cause: letters.cause, node: letters.node, field: letters.field, ids: letters.id)
            var run = run
            // What goes on shows in the answer; what is wrong, in the log.
            if run.logLevel == .info { run.logLevel = .warning }
            let (overrides, logger, isRehearsal) = (run.overrides, run.makeLogger(), dryRun)
            let replaying: Replaying
            do {
                replaying = try Replaying(
                    topology, choice, isRehearsal: isRehearsal, overrides: overrides, logger: logger)
                try await onThread(named: "replay") { try replaying.run() }
            } catch {
                StandardError.write("millrace: \(error)")
                throw ExitCode(1)
            }
            if catalog.json { JSONAnswer.print(replaying.answer) } else { print(replaying.answer.text) }
            // Something else was meant.
            if replaying.answer.letters == 0, letters.isNarrow { throw ExitCode(1) }
            guard !replaying.wasStopped else {
                StandardError.write(
                    "millrace: stopped before all letters were read again; another replay goes on there")
                throw ExitCode(1)
            }
        }

        /// The topology as it runs.
        private func topology() async throws -> CompiledTopology {
            let (name, overrides) = (letters.topology, run.overrides)
            let (found, diagnostics): (CompiledTopology?, Diagnostics)
            if let file {
                (found, diagnostics) = TopologyLoader(overrides: overrides).load(file)
            } else {
                (found, diagnostics) = try await catalog.withCatalog { catalog in
                    try DeployedTopology.load(name, overrides, &catalog)
                }
            }
            for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
            guard let found else { throw ExitCode(1) }
            guard found.name == name else {
                throw ValidationError("--file: it is topology \(found.name), expected \(name)")
            }
            return found
        }
    }
}
