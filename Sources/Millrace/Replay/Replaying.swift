import Dataflow
import Declaration
import Foundation
import Logging
import Nodes
import Platform
import Synchronization

/// A topology that reads dead letters again, and nothing else.
final class Replaying: Sendable {
    /// What became of the letters, as it is printed.
    struct Answer: Encodable, Sendable {
        struct Count: Encodable, Sendable {
            var reason: String
            var count: Int64
        }

        var topology: String
        /// Whether it was done and taken back.
        var rehearsal: Bool
        var letters: Int64
        /// Records that are in the tables now.
        var applied: Int64
        /// Records that no node wants.
        var filtered: Int64
        /// Records that failed again, by cause; their letters say why.
        var failed: [Count]
        /// Letters that stay as they are, by what is in the way.
        var untouched: [Count]
    }

    private let name: String
    private let pipeline: Pipeline
    private let target: PostgresTarget
    private let desk: ReplayDesk
    private let stopped = Atomic(false)

    /// - Throws: `Refusal` for a topology without tables in Postgres, and what nodes throw.
    init(
        _ topology: CompiledTopology, _ choice: ReplayChoice, isRehearsal: Bool, overrides: RunOverrides,
        logger: Logger
    ) throws {
        var topology = topology
        name = topology.name
        desk = ReplayDesk(choice, scope: try ReplayScope(topology), isRehearsal: isRehearsal)
        ReplayPlan.replaceSources(of: &topology, desk)
        var services = RunServices()
        services[Remarks.self] = Remarks(logger: logger)
        services[ConsoleWriter.self] = ConsoleWriter { _ in }
        services[TableGaps.self] = TableGaps(areAccepted: false)
        services[SecretKeeper.self] = SecretKeeper { Redaction.conceal($0) }
        services[ReplayDesk.self] = desk
        // A node whose table has a record already does not get it again, and its neighbours may.
        var overrides = overrides
        overrides.keepsNodesApart = true
        var plan = try topology.build(
            overrides, services: services, observers: [], logger: logger,
            giveBackFreeMemory: Allocator.giveBackFreeMemory)
        guard let target = plan.target as? PostgresTarget else {
            throw Refusal(description: "topology \(name) keeps nothing in Postgres, so it has no dead letters")
        }
        desk.guardNodes(of: &plan)
        self.target = target
        pipeline = Pipeline(plan, logger: logger)
    }

    /// Replays to the end, or until a signal comes. Blocks its thread.
    /// - Throws: what stopped it; what was committed until then stays.
    func run() throws {
        let watch = try StopWatch {
            self.stop()
        } lastWords: {
            "what was replayed until then is committed, and another replay goes on there"
        }
        defer { watch.end() }
        try replay()
    }

    /// The same in a process that minds signals itself: until `stop` is called.
    func replay() throws {
        do {
            try target.prepare(pipeline.stoppableContext)
        } catch {
            target.close()
            if error is WaitCancelled { return }
            throw error
        }
        target.onReplacement { [pipeline] in pipeline.stop() }
        try pipeline.run()
        try target.checkReplacement()
        if !wasStopped { target.endReplay() }
    }

    /// Has it commit what it has read, and end. Any thread may.
    func stop() {
        stopped.store(true, ordering: .relaxed)
        pipeline.stop()
    }

    /// Whether it was told to end before all was read.
    var wasStopped: Bool { stopped.load(ordering: .relaxed) }

    /// What became of the letters so far.
    var answer: Answer {
        let tally = desk.tally
        func counts(_ counts: [String: Int64]) -> [Answer.Count] {
            counts.map { Answer.Count(reason: $0.key, count: $0.value) }
                .sorted { ($1.count, $0.reason) < ($0.count, $1.reason) }
        }
        return Answer(
            topology: name, rehearsal: desk.isRehearsal, letters: tally.letters, applied: tally.applied,
            filtered: tally.filtered, failed: counts(tally.failed), untouched: counts(tally.untouched))
    }
}

extension Replaying.Answer {
    /// As people read it.
    var text: String {
        guard letters > 0 else { return "\(topology): there are no such dead letters" }
        let (would, is_) = rehearsal ? ("would be", "would stay") : ("are", "stay")
        var lines = ["\(topology): \(letters) dead letters read again" + (rehearsal ? ", and nothing changed" : "")]
        lines.append("  \(applied) \(would) in the tables")
        if filtered > 0 { lines.append("  \(filtered) \(would) left out by filters") }
        for one in failed { lines.append("  \(one.count) \(rehearsal ? "would fail" : "failed") again: \(one.reason)") }
        for one in untouched { lines.append("  \(one.count) \(is_): \(one.reason)") }
        return lines.joined(separator: "\n")
    }
}
