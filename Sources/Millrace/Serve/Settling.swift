import Catalog
import Foundation
import Postgres

/// Why a command did not do what it was asked.
struct Refusal: Error, CustomStringConvertible { var description: String }

/// Waiting until processes have taken up a change.
enum Settling {
    /// Waits until every process that is there has taken up what is wanted of topologies, or says why it cannot.
    /// - Parameter grace: how long a process is waited for when none is there: one may be starting.
    /// - Returns: how they are then, or when time is over, in order.
    static func wait(
        for names: [String], _ catalog: inout Catalog, _ patience: Duration, grace: Duration = .zero
    ) throws -> [TopologyStatus] {
        let end = ContinuousClock.now + patience
        let lonelyEnd = ContinuousClock.now + min(grace, patience)
        while true {
            let all = try TopologyStatus.all(&catalog)
            let found = names.compactMap { name in all.first { $0.topology == name } }
            let nobody = try catalog.daemons().allSatisfy(\.isLost)
            let isSettled = found.allSatisfy { $0.state.isSettled }
            if isSettled || (nobody && .now >= lonelyEnd) || .now >= end { return found }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    /// How long a topology may take to commit what it has read, and stop.
    private static let patience = Duration.seconds(30)

    /// Has a topology stop for a command.
    /// - Returns: what is deployed of it meanwhile.
    /// - Throws: `Refusal` when a process does not stop, `CatalogError` when somebody wants something else of the topology.
    static func stop(
        _ topology: String, for command: String, by person: String, _ catalog: inout Catalog
    ) throws -> DeploymentBase {
        let base = try catalog.pause(topology, for: command, by: person)
        try waitUntilIdle(topology, &catalog, generation: base.generation) { try $0.checkIsPaused(topology, base) }
        return base
    }

    /// Waits until no process writes for a topology that is not deployed any more.
    /// - Throws: `Refusal` when one does not stop.
    static func waitUntilGone(_ topology: String, _ catalog: inout Catalog) throws {
        try waitUntilIdle(topology, &catalog, generation: 0) { _ in }
    }

    private static func waitUntilIdle(
        _ topology: String, _ catalog: inout Catalog, generation: Int64, unless check: (inout Catalog) throws -> Void
    ) throws {
        let end = ContinuousClock.now + patience
        while true {
            try checkInterruption()
            try check(&catalog)
            let states = try catalog.states(of: topology).filter { !$0.isLost }
            // What a process said before it heard of the pause does not count.
            let busy = states.filter { $0.generation != generation || $0.kind != .paused }
            if busy.isEmpty { return }
            guard ContinuousClock.now < end else {
                throw Refusal(
                    description: "topology \(topology) does not stop: "
                        + busy.map { "\($0.daemon) is \($0.kind.rawValue)" }.joined(separator: ", "))
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    /// Has topologies run again as before a command, unless somebody wants something else of them by now. Over a connection of
    /// its own: the other one may be what went wrong.
    /// - Parameter before: what the command has paused, or has started although it was paused.
    /// - Parameter isDone: looks whether what was to be done has been done after all; then nothing is put back.
    /// - Returns: what there is to say: what went wrong, and what could not be put back.
    static func putBack(
        _ before: [Deployment], from command: String, after error: any Error,
        _ settings: @autoclosure () throws -> ConnectionSettings,
        unless isDone: (inout Catalog) throws -> Refusal? = { _ in nil }
    ) -> any Error {
        do {
            var catalog = try Catalog(connecting: try settings())
            if let done = try isDone(&catalog) { return done }
            let there = Set(try catalog.deployments().map(\.topology))
            for one in before where there.contains(one.topology) {
                switch one.intended {
                case .running: try catalog.release(one.topology, from: command, by: CatalogOptions.person)
                case .paused: _ = try catalog.set(one.topology, to: .paused, by: CatalogOptions.person)
                }
            }
            return error
        } catch let second {
            let commands = before.map {
                "millrace \($0.intended == .running ? "resume" : "pause") \($0.topology)"
            }
            return Refusal(
                description:
                    "\(error)\nWhat ran may be paused, and what was paused may run (\(second)); when the database "
                    + "answers: \(commands.joined(separator: "; "))")
        }
    }

    /// A command that is told to end puts things back first.
    static func checkInterruption() throws {
        if StopSignal.isRaised { throw Refusal(description: "interrupted; everything is as it was before") }
    }
}
