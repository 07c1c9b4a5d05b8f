import ArgumentParser
import Declaration
import Foundation

/// `millrace explain`: how a topology runs, and how large its tables become.
struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say how a topology runs: what is parsed, hashed, shared, merged, and how many rows come of it.",
        discussion: """
            Prints each node with what it does for a record, in the order in which a record meets them. With --events, runs \
            over a sample as millrace try does, and estimates rows and bytes of each table; it says what the estimate rests \
            on. Connects to nothing but a lookup's database; variables that only sources and sinks use need not be set.

              millrace explain topologies/game_kpis.yaml
              millrace explain topologies/game_kpis.yaml --events sample.ndjson
            """)

    @Argument(help: ArgumentHelp("The topology file; - is standard input.", valueName: "file"))
    var file: String

    @Option(
        help: ArgumentHelp(
            "A sample, one JSON document a line, plain or gzip; with several sources NODE=PATH for each.",
            valueName: "path"))
    var events: [String] = []

    @Option(
        help: ArgumentHelp(
            "Rows for a lookup in place of its own: NODE=PATH, a CSV or NDJSON file with the columns that it reads.",
            valueName: "node=path"))
    var lookup: [String] = []

    func run() async throws {
        var loader = TopologyLoader()
        loader.needsEnds = false
        let (topology, diagnostics) = loader.load(file)
        for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
        guard let topology else { throw ExitCode(1) }
        print(PlanReport(topology).text, terminator: "")
        guard !events.isEmpty else {
            print("\nRows and bytes depend on the events: give a sample of them with --events.")
            return
        }
        do {
            let estimate = try SampleEstimate(topology, events: events, lookups: lookup)
            try await estimate.run()
            print("\n" + estimate.text, terminator: "")
        } catch let error as ValidationError {
            throw error
        } catch {
            StandardError.write("millrace: \(error)")
            throw ExitCode(1)
        }
    }
}
