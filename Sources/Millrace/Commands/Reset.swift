import ArgumentParser
import Catalog
import Declaration

/// `millrace reset`: a topology begins anew.
struct Reset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Empty a topology's tables and read again what its sources still have; or empty one table.",
        discussion: """
            Without --yes it says what would go, and changes nothing. All tables: positions and dead letters go too, and the \
            topology begins where start: says. One table (--table): it counts from here, and the others go on. What the \
            sources no longer have is lost either way; millrace rebuild makes the tables anew beside those that are there, \
            and loses nothing.
            """)

    @OptionGroup var options: ControlOptions

    @Option(help: ArgumentHelp("Empty this table alone.", valueName: "table"))
    var table: String?

    @Flag(help: "Do it.")
    var yes = false

    func run() async throws {
        let (topology, table, database) = (options.topology, table, options.catalog)
        guard yes else {
            let scope = try await database.withCatalog { try $0.resetScope(of: topology, table: table) }
            if database.json { JSONAnswer.print(scope) } else { print(Self.text(scope)) }
            throw ExitCode(1)
        }
        try await options.run { catalog in
            let scope = try catalog.resetScope(of: topology, table: table)
            let before = try catalog.deployments().filter { $0.topology == topology }
            StopSignal.watch()
            do {
                let base = try Settling.stop(topology, for: "reset", by: CatalogOptions.person, &catalog)
                try catalog.reset(scope, base)
            } catch {
                throw Settling.putBack(
                    before.filter { $0.intended == .running }, from: "reset", after: error, try database.settings())
            }
            try catalog.release(topology, from: "reset", by: CatalogOptions.person)
            let names = scope.tables.map(\.shown).joined(separator: ", ")
            return scope.readsAgain ? "begins anew, \(names) emptied" : "\(names) emptied, counts from here"
        }
    }

    /// What would go.
    private static func text(_ scope: ResetScope) -> String {
        var lines = scope.tables.map { "table \($0.shown): \(ProgressReporter.count($0.rows)) rows would go" }
        let messages = ProgressReporter.count(scope.messages)
        if scope.readsAgain {
            lines.append("\(ProgressReporter.count(scope.deadLetters)) dead letters would go")
            lines.append(
                "\(scope.topology) would read again, from where start: says, what its sources still have of the "
                    + "\(messages) messages that it has read")
        } else {
            lines.append("it would count from here, and lack \(messages) messages that \(scope.topology) has read")
        }
        return (lines + ["Nothing was changed. To do it: the same command with --yes"]).joined(separator: "\n")
    }
}
