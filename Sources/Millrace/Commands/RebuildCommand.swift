import ArgumentParser
import Catalog
import Declaration
import Foundation

/// `millrace rebuild`: a file's tables are made anew, beside those that are there.
struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Make a topology's tables anew with a changed file, beside the version that runs.",
        discussion: """
            The rebuild is a topology of its own, such as kpis@4: it reads everything that the sources still have into \
            tables of its own (kpi_minute__4) while the version that runs goes on. millrace diff compares the two, millrace \
            promote puts the rebuild in the place of what runs, and millrace remove kpis@4 --drop forgets it.
            """)

    @Argument(help: ArgumentHelp("The changed topology file; - is standard input.", valueName: "file"))
    var file: String

    @Option(help: "What there is to say about it.")
    var note = ""

    @Option(help: ArgumentHelp("How long to wait until it runs.", valueName: "duration"))
    var wait = TimeLength(argument: "30s")!

    @OptionGroup var catalog: CatalogOptions

    func run() async throws {
        let text = try Deploy.text(of: file)
        let (found, diagnostics) = TopologyLoader(needsEnds: false).load(text: text, from: file)
        for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
        guard let topology = found?.name else { throw ExitCode(1) }
        let note = note
        let (rebuild, obstacles) = try await catalog.withCatalog { catalog in
            try catalog.rebuild(topology, file: text, note: note, by: CatalogOptions.person)
        }
        for obstacle in obstacles {
            StandardError.write("millrace: as things stand, promote will refuse \(rebuild.name): \(obstacle.text)")
        }
        try await ControlAnswer.run(rebuild.name, catalog, wait: wait.duration) { catalog in
            let current = try catalog.base(of: topology).version
            return "being made beside version \(current)"
        }
    }
}

/// `millrace diff`: how does a rebuild differ from what runs?
struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare the tables of a rebuild with those that run, row by row and column by column.",
        discussion: "Reads both tables whole. Exits with 0 when they are the same, with 1 when they differ.")

    @Argument(help: "The topology.")
    var topology: String

    @Option(help: ArgumentHelp("What to compare it with, where there is more than one.", valueName: "topology@number"))
    var with: String?

    @OptionGroup var catalog: CatalogOptions

    private struct Answer: Encodable, Sendable {
        var rebuild: String
        /// Messages that the rebuild has still to read.
        var behind: Int64?
        var tables: [TableDifference]
    }

    func run() async throws {
        let (topology, with) = (topology, with)
        let answer = try await catalog.withCatalog { catalog in
            let rebuild = try Promote.choose(topology, with, &catalog)
            let tables = try catalog.pairs(rebuild).map { try catalog.compare($0) }
            return Answer(rebuild: rebuild.name, behind: try catalog.distance(rebuild)?.messages, tables: tables)
        }
        if catalog.json {
            JSONAnswer.print(answer)
        } else {
            let behind = answer.behind.map {
                $0 == 0 ? "has read as much as" : "is \(ProgressReporter.count($0)) messages behind"
            }
            print("\(answer.rebuild) \(behind ?? "has not begun, and is behind") \(topology)")
            for table in answer.tables { print(table.text) }
        }
        let isSame = answer.behind == 0 && answer.tables.allSatisfy(\.isNone)
        if !isSame { throw ExitCode(1) }
    }
}
