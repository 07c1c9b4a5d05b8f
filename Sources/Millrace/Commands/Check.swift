import ArgumentParser
import Dataflow
import Declaration

/// `millrace check`: is a topology file valid?
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check topology files and say everything that is wrong with them.",
        discussion: """
            Prints each problem as file:line:column: error[code]: what; hint. Connects to nothing. Exits with 1 when a \
            file cannot run, with 0 otherwise, warnings included. Pipes are files too: millrace check <(envsubst < t.yaml)
            """)

    @Argument(help: ArgumentHelp("The topology files; - is standard input.", valueName: "file"))
    var files: [String]

    func run() throws {
        var hasErrors = false
        for (file, topology, diagnostics) in TopologyLoader().load(files, together: false) {
            if !diagnostics.all.isEmpty { print(diagnostics.report) }
            if let topology {
                let counts =
                    "\(topology.sources.count) source(s), \(topology.stages.count) operator(s), "
                    + "\(topology.sinks.count) sink(s)"
                print("\(file): topology \(topology.name) is valid: \(counts)")
            } else {
                hasErrors = true
            }
        }
        if hasErrors { throw ExitCode(1) }
    }
}
