import ArgumentParser
import Catalog
import Declaration
import Foundation
import Postgres

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

    @Flag(help: "Also when a version was deployed after the rebuild had begun: it is undone.")
    var undoNewer = false

    @Option(help: ArgumentHelp("How long the rebuild may take to catch up.", valueName: "duration"))
    var wait = TimeLength(argument: "60s")!

    @OptionGroup var catalog: CatalogOptions

    /// Messages that the rebuild may lack when what runs is stopped.
    private static let reserve: Int64 = 100_000

    func run() async throws {
        let (topology, with, undoesNewer) = (topology, with, undoNewer)
        let (patience, options) = (wait.duration, catalog)
        try await ControlAnswer.run(topology, catalog, wait: .seconds(30)) { catalog in
            StopSignal.watch()
            return try Self.perform(
                topology, with: with, undoesNewer: undoesNewer, within: patience, by: CatalogOptions.person,
                try options.settings(), &catalog)
        }
    }

    /// Puts a rebuild in the place of a topology.
    /// - Parameters:
    ///   - undoesNewer: whether a version that was deployed after the rebuild had begun may be undone.
    ///   - patience: how long the rebuild may take to catch up.
    ///   - settings: for another connection, which puts things back when this one is lost.
    /// - Returns: what was done.
    /// - Throws: `Refusal`, `CatalogError`, `PostgresError`; everything is as it was before, or the error says what is not.
    static func perform(
        _ topology: String, with name: String?, undoesNewer: Bool = false, within patience: Duration,
        by person: String, _ settings: ConnectionSettings, _ catalog: inout Catalog
    ) throws -> String {
        let rebuild = try choose(topology, name, &catalog)
        try catalog.holdPromotion(of: topology)
        func checkIsNewest(_ catalog: inout Catalog) throws {
            guard !undoesNewer, let newer = try catalog.newer(than: rebuild) else { return }
            throw Refusal(
                description:
                    "\(rebuild.name) cannot take the place of \(topology): version \(newer) was deployed after "
                    + "it had begun, and would be undone; rebuild a file that has both changes, or say --undo-newer")
        }
        try checkIsNewest(&catalog)
        let obstacles = try catalog.obstacles(of: topology, beside: rebuild)
        guard obstacles.isEmpty else {
            throw Refusal(
                description: "\(rebuild.name) cannot take the place of \(topology); nothing was stopped:\n"
                    + obstacles.map { "  - " + $0.text }.joined(separator: "\n"))
        }
        try catalog.checkReplays(of: [topology, rebuild.name])
        let before = try catalog.deployments().filter { [topology, rebuild.name].contains($0.topology) }
        do {
            let done = try exchange(rebuild, patience, by: person, &catalog, check: checkIsNewest)
            return "\(rebuild.name) is version \(done.version) now (what ran before stands beside it as "
                + "\(done.replaced.name), paused)"
        } catch {
            throw putBack(before, rebuild, after: error, settings)
        }
    }

    private static func exchange(
        _ rebuild: Rebuild, _ patience: Duration, by person: String, _ catalog: inout Catalog,
        check: (inout Catalog) throws -> Void
    ) throws -> Catalog.Promotion {
        let topology = rebuild.topology
        let before = try catalog.distance(rebuild)
        _ = try catalog.set(rebuild.name, to: .running, by: person)
        // One that has stood still may wait for its group for seconds before it reads.
        try catchUp(rebuild, within: patience, &catalog) { $0.messages <= reserve && $0.hasMoved(since: before) }
        // From here on nobody writes the tables that are read: it is to be short.
        let live = try Settling.stop(topology, for: "promote", by: person, &catalog)
        // Somebody may have deployed while it came close.
        try check(&catalog)
        try catchUp(rebuild, within: patience, &catalog) { $0.messages == 0 }
        let beside = try Settling.stop(rebuild.name, for: "promote", by: person, &catalog)
        return try catalog.promote(rebuild, over: live, with: beside, by: person)
    }

    /// Has both run again as before, unless the exchange has happened and its answer was lost.
    private static func putBack(
        _ before: [Deployment], _ rebuild: Rebuild, after error: any Error, _ settings: ConnectionSettings
    ) -> any Error {
        // What a person has paused is started only to catch up.
        let changed = before.filter { $0.topology == rebuild.name || $0.intended == .running }
        return Settling.putBack(changed, from: "promote", after: error, settings) { catalog in
            guard try !catalog.deployments().contains(where: { $0.topology == rebuild.name }) else { return nil }
            return Refusal(
                description: "\(error)\nThe tables were exchanged all the same: \(rebuild.name) is what "
                    + "\(rebuild.topology) runs now (millrace list)")
        }
    }

    /// What is meant, when it is not said.
    static func choose(_ topology: String, _ name: String?, _ catalog: inout Catalog) throws -> Rebuild {
        let all = try catalog.rebuilds(of: topology)
        if let name {
            if let found = all.first(where: { $0.rebuild.name == name }) { return found.rebuild }
            throw try catalog.unknown(name)
        }
        let next = try all.filter { try catalog.isNext($0.rebuild) }
        if next.count == 1 { return next[0].rebuild }
        if next.isEmpty, all.count == 1 { return all[0].rebuild }
        guard !all.isEmpty else {
            guard try catalog.deployments().contains(where: { $0.topology == topology }) else {
                throw try catalog.unknown(topology)
            }
            throw Refusal(
                description: "nothing stands beside topology \(topology); millrace rebuild FILE makes its tables anew")
        }
        throw Refusal(
            description: "several stand beside topology \(topology): say which with --with, one of "
                + all.map(\.rebuild.name).joined(separator: ", "))
    }

    /// Waits until a rebuild has come close to its topology.
    private static func catchUp(
        _ rebuild: Rebuild, within patience: Duration, _ catalog: inout Catalog,
        until isClose: (RebuildDistance) -> Bool
    ) throws {
        var end = ContinuousClock.now + patience
        var last = Int64.max
        while true {
            try Settling.checkInterruption()
            let distance = try catalog.distance(rebuild)
            if let distance, isClose(distance) { return }
            if let lacking = distance?.messages, lacking < last { (last, end) = (lacking, .now + patience) }
            if let status = try TopologyStatus.all(&catalog, named: rebuild.name).first, status.state.isBroken {
                throw Refusal(description: "\(rebuild.name) does not run: \(status.reason)")
            }
            guard ContinuousClock.now < end else {
                throw Refusal(
                    description:
                        "\(rebuild.name) is \((distance?.messages).map(ProgressReporter.count) ?? "all") messages behind "
                        + "\(rebuild.topology), and has come no nearer for \(patience)")
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }
}
