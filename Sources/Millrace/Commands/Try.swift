import ArgumentParser
import Declaration
import Foundation

/// `millrace try`: a topology over a few records of one's own, without Kafka and Postgres.
struct Try: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "try",
        abstract: "Run a topology over a file of sample records and show what becomes of them.",
        discussion: """
            The sources are replaced by the sample, the sinks by tables on the terminal: neither Kafka nor Postgres is \
            needed, nothing is stored, and variables that only sources and sinks use need not be set. Shows how many \
            records each node got and handed on, why records became dead letters, with their lines, and the tables.

              millrace try topologies/game_kpis.yaml --events sample.ndjson
              millrace try joined.yaml --events live=a.ndjson --events backfill=b.ndjson.gz
              millrace try ads.yaml --events clicks.ndjson --lookup named=campaigns.csv
            """)

    @Argument(help: ArgumentHelp("The topology file; - is standard input.", valueName: "file"))
    var file: String

    @Option(
        help: ArgumentHelp(
            "The sample, one JSON document a line, plain or gzip; with several sources NODE=PATH for each.",
            valueName: "path"))
    var events: [String]

    @Option(
        help: ArgumentHelp(
            "Rows for a lookup in place of its own: NODE=PATH, a CSV or NDJSON file with the columns that it reads, plain or gzip.",
            valueName: "node=path"))
    var lookup: [String] = []

    @Option(help: "The most rows shown of a table.")
    var rows = 20

    @Option(help: "The most dead letters shown.")
    var deadLetters = 5

    @Flag(help: "Exit with 1 when a record became a dead letter.")
    var failOnDead = false

    func validate() throws {
        guard (1...100_000).contains(rows) else {
            throw ValidationError("--rows: found \(rows), expected 1 to 100000.")
        }
        guard (0...10_000).contains(deadLetters) else {
            throw ValidationError("--dead-letters: found \(deadLetters), expected 0 to 10000.")
        }
    }

    func run() async throws {
        var loader = TopologyLoader()
        loader.needsEnds = false
        let (topology, diagnostics) = loader.load(file)
        for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
        guard let topology else { throw ExitCode(1) }
        let trial: Trial
        do {
            trial = try Trial(topology, events: events, lookups: lookup, deadLettersMax: deadLetters)
            try await trial.run()
        } catch let error as ValidationError {
            throw error
        } catch {
            StandardError.write("millrace: \(error)")
            throw ExitCode(1)
        }
        let report = trial.report(rowsMax: rows)
        print(report.text, terminator: "")
        if report.records > 0, report.records == report.dead {
            StandardError.write("millrace: all records are dead letters\(report.complaint)")
            throw ExitCode(1)
        }
        if failOnDead, report.dead > 0 { throw ExitCode(1) }
    }
}
