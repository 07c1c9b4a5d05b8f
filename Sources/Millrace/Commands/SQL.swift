import ArgumentParser
import Declaration
import Foundation

/// `millrace sql`: what the tables of a topology hold, as queries over raw events.
struct SQLCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql",
        abstract: "Print for each table the query over raw events that answers the same rows.",
        discussion: """
            The queries run on Postgres 15 and later without functions of Millrace. They read a table \
            raw(topic, partition, "offset", "timestamp", key, headers, value) of messages; the output begins with its \
            definition. What SQL cannot say is named in comments and on standard error. Connects to nothing; variables that \
            only sources and sinks use need not be set.

              millrace sql topologies/game_kpis.yaml
              millrace sql ads.yaml --table kpi_minute | psql
            """)

    @Argument(help: ArgumentHelp("The topology file; - is standard input.", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("Only this table, and nothing but its query.", valueName: "name"))
    var table: String?

    @Flag(help: "Exit with 1 when a query cannot say all of what its table holds.")
    var failOnGap = false

    func run() throws {
        var loader = TopologyLoader()
        loader.needsEnds = false
        let (topology, diagnostics) = loader.load(file)
        for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
        guard let topology else { throw ExitCode(1) }
        var queries = topology.tableQueries()
        let names = queries.map(\.table)
        guard !queries.isEmpty else {
            StandardError.write("millrace: topology \(topology.name) keeps no tables, expected a postgres node")
            throw ExitCode(1)
        }
        if let table {
            queries = queries.filter { $0.table == table }
            guard !queries.isEmpty else {
                throw ValidationError("--table \(table): expected one of \(names.joined(separator: ", ")).")
            }
        }
        let script = QueryScript(topology: topology.name, queries: queries)
        print(table == nil ? script.text : script.queriesAlone, terminator: "")
        for query in queries {
            for gap in query.gaps { StandardError.write("millrace: table \(query.table): \(gap)") }
        }
        if failOnGap, queries.contains(where: { !$0.gaps.isEmpty }) { throw ExitCode(1) }
    }
}
