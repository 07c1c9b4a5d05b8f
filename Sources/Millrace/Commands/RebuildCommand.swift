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
        let rebuild = try await catalog.withCatalog { catalog in
            try catalog.rebuild(topology, file: text, note: note, by: CatalogOptions.person)
        }
        try await ControlAnswer.run(rebuild.name, catalog, wait: wait.duration) { catalog in
            let current = try PlanCommand.base(of: topology, &catalog).version
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
            let tables = try catalog.pairs(rebuild).map { pair in
                let found = try catalog.compare(pair)
                return TableDifference(
                    table: pair.shown, both: found.both, onlyLive: found.onlyLive, onlyRebuild: found.onlyBeside,
                    columns: found.columns.map {
                        .init(name: $0.name, equal: $0.equal, different: $0.different, largest: $0.largest)
                    }, gone: found.gone, new: found.new, isComparable: found.isComparable)
            }
            return Answer(rebuild: rebuild.name, behind: try catalog.distance(rebuild), tables: tables)
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
        let isSame =
            answer.behind == 0
            && answer.tables.allSatisfy { table in
                table.isComparable && table.onlyLive + table.onlyRebuild == 0
                    && table.columns.allSatisfy { $0.different == 0 }
            }
        if !isSame { throw ExitCode(1) }
    }
}

/// `millrace promote`: a rebuild takes the place of what runs.
struct Promote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a rebuild in the place of the version that runs.",
        discussion: """
            Stops the version that runs, lets the rebuild read as far as that one has, and then changes their names in one \
            transaction: tables, views, rights, positions, dead letters. What was there stays beside it, paused, under the \
            name topology@version, with its tables; promoting that one goes back. Nobody who reads sees a half of it, or \
            less than before.
            """)

    @Argument(help: "The topology.")
    var topology: String

    @Option(help: ArgumentHelp("What to put in its place, where there is more than one.", valueName: "topology@number"))
    var with: String?

    @Option(help: ArgumentHelp("How long the rebuild may take to catch up.", valueName: "duration"))
    var wait = TimeLength(argument: "60s")!

    @OptionGroup var catalog: CatalogOptions

    private struct Refusal: Error, CustomStringConvertible { var description: String }

    func run() async throws {
        let (topology, with, patience) = (topology, with, wait.duration)
        try await ControlAnswer.run(topology, catalog, wait: .seconds(30)) { catalog in
            let rebuild = try Self.choose(topology, with, &catalog)
            let person = CatalogOptions.person
            try catalog.holdPromotion(of: topology)
            let obstacles = try catalog.obstacles(of: topology, beside: rebuild)
            guard obstacles.isEmpty else {
                throw Refusal(
                    description: "\(rebuild.name) cannot take the place of \(topology); nothing was stopped:\n"
                        + obstacles.map { "  - " + $0 }.joined(separator: "\n"))
            }
            StopSignal.watch()
            let before = try catalog.deployments().filter { [topology, rebuild.name].contains($0.topology) }
            do {
                _ = try catalog.set(rebuild.name, to: .running, by: person)
                try Self.catchUp(rebuild, within: patience, reserve: 100_000, &catalog)
                // From here on nobody writes the tables that are read: it is to be short.
                _ = try catalog.set(topology, to: .paused, by: person)
                try Self.waitUntilPaused(topology, &catalog)
                try Self.catchUp(rebuild, within: patience, reserve: 0, &catalog)
                _ = try catalog.set(rebuild.name, to: .paused, by: person)
                try Self.waitUntilPaused(rebuild.name, &catalog)
                let (version, replaced) = try catalog.promote(rebuild, by: person)
                return
                    "\(rebuild.name) is version \(version) now; what ran before stands beside it as \(replaced.name), paused; "
                    + "\(topology) is"
            } catch {
                // All is as it was; what went wrong is what counts.
                for one in before { _ = try? catalog.set(one.topology, to: one.wanted, by: person) }
                throw error
            }
        }
    }

    /// A command that is told to end puts things back first.
    private static func checkInterruption() throws {
        if StopSignal.isRaised { throw Refusal(description: "interrupted; everything is as it was before") }
    }

    /// What is meant, when it is not said.
    static func choose(_ topology: String, _ name: String?, _ catalog: inout Catalog) throws -> Rebuild {
        let all = try catalog.rebuilds(of: topology)
        if let name {
            if let found = all.first(where: { $0.rebuild.name == name }) { return found.rebuild }
            throw try catalog.unknown(name)
        }
        let current = try catalog.deployments().first { $0.topology == topology }?.version ?? 0
        let newer = all.filter { $0.rebuild.tag > current }
        if newer.count == 1 { return newer[0].rebuild }
        if newer.isEmpty, all.count == 1 { return all[0].rebuild }
        guard !all.isEmpty else {
            throw Refusal(
                description: "nothing stands beside topology \(topology); millrace rebuild FILE makes its tables anew")
        }
        throw Refusal(
            description: "several stand beside topology \(topology): say which with --with, one of "
                + all.map(\.rebuild.name).joined(separator: ", "))
    }

    /// Waits until a rebuild has read as much as its topology, but for some messages.
    private static func catchUp(
        _ rebuild: Rebuild, within patience: Duration, reserve: Int64, _ catalog: inout Catalog
    ) throws {
        var end = ContinuousClock.now + patience
        var last = Int64.max
        while true {
            try checkInterruption()
            let distance = try catalog.distance(rebuild)
            if let distance, distance <= reserve { return }
            if let distance, distance < last { (last, end) = (distance, .now + patience) }
            if let status = try TopologyStatus.all(&catalog, named: rebuild.name).first {
                if status.state.isBroken {
                    throw Refusal(description: "\(rebuild.name) does not run: \(status.reason)")
                }
            }
            guard ContinuousClock.now < end else {
                throw Refusal(
                    description: "\(rebuild.name) is \(distance.map(ProgressReporter.count) ?? "all") messages behind "
                        + "\(rebuild.topology), and has come no nearer for \(patience)")
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    private static func waitUntilPaused(_ topology: String, _ catalog: inout Catalog) throws {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            try checkInterruption()
            let states = try catalog.states(of: topology).filter { !$0.isLost }
            if states.allSatisfy({ $0.kind == .paused || $0.kind == .failed || $0.kind == .refused }) { return }
            guard ContinuousClock.now < end else {
                throw Refusal(
                    description: "topology \(topology) does not stop: "
                        + states.map { "\($0.daemon) is \($0.kind.rawValue)" }.joined(separator: ", "))
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }
}
