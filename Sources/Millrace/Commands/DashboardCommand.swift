import ArgumentParser
import Declaration

/// `millrace dashboard`: a dashboard for Grafana that reads a topology's tables.
struct DashboardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dashboard",
        abstract: "Print a Grafana dashboard that reads the tables of a topology.",
        discussion: """
            A panel for each metric and each computed column over time, percentiles as bands, top(...) as a table, and a \
            table by the first key. The queries are plain SQL with Grafana's time range, and merge sketches with the \
            functions in schema millrace. Import the JSON in Grafana (Dashboards, New, Import) and choose the Postgres data \
            source. Connects to nothing.

              millrace dashboard topologies/game_kpis.yaml > game_kpis.json
            """)

    @Argument(help: ArgumentHelp("The topology file; - is standard input.", valueName: "file"))
    var file: String

    func run() throws {
        var loader = TopologyLoader()
        loader.needsEnds = false
        let (topology, diagnostics) = loader.load(file)
        for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
        guard let topology else { throw ExitCode(1) }
        let dashboard = Dashboard(of: topology)
        guard !dashboard.panels.isEmpty else {
            StandardError.write("millrace: topology \(topology.name) keeps no tables, expected a postgres node")
            throw ExitCode(1)
        }
        print(dashboard.json, terminator: "")
    }
}
