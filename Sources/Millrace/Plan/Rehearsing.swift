import Dataflow
import Declaration
import Foundation
import Logging
import Nodes
import Synchronization

/// Asks the database of a topology's tables what a start would do to them.
enum Rehearsing {
    /// The database did not answer, or somebody holds a lock.
    struct Impatient: Error, CustomStringConvertible {
        var trouble: String?
        var description: String {
            "the tables cannot be looked at within \(Rehearsing.patience.components.seconds) s"
                + (trouble.map { ": \($0)" } ?? "")
        }
    }

    private static let patience = Duration.seconds(20)

    /// Blocks its thread.
    /// - Returns: nothing to change for a topology without tables.
    static func run(_ topology: CompiledTopology, logger: Logger) throws -> TableRehearsal {
        let end = ContinuousClock.now + patience
        return try with(topology, isOver: { .now >= end }, logger: logger) { target, context in
            try target.rehearse(context)
        } ?? TableRehearsal()
    }

    /// Executes what a plan wants executed before its topology starts, however long it takes: a table may be written anew.
    /// A signal ends it, and takes all back.
    static func execute(_ statements: [String], for topology: CompiledTopology, logger: Logger) throws {
        guard !statements.isEmpty else { return }
        StopSignal.watch()
        _ = try with(topology, isOver: { StopSignal.isRaised }, logger: logger) { target, context in
            try target.execute(statements, context)
        }
    }

    /// Gives tables what they lack, where that loses nothing; what nothing mends the start says.
    static func mend(_ topology: CompiledTopology, logger: Logger) throws {
        let rehearsal = try run(topology, logger: logger)
        let statements = rehearsal.fates.flatMap(\.statements)
        guard rehearsal.isPossible, !statements.isEmpty else { return }
        for statement in statements {
            logger.notice(
                "A table is changed", metadata: ["topology": "\(topology.name)", "statement": "\(statement)"])
        }
        try execute(statements, for: topology, logger: logger)
    }

    private static func with<Result>(
        _ topology: CompiledTopology, isOver: @escaping @Sendable () -> Bool, logger: Logger,
        _ body: (PostgresTarget, CommitContext) throws -> Result
    ) throws -> Result? {
        var services = RunServices()
        services[ConsoleWriter.self] = ConsoleWriter { _ in }
        services[TableGaps.self] = TableGaps(areAccepted: false)
        services[SecretKeeper.self] = SecretKeeper { Redaction.conceal($0) }
        let plan = try topology.build(
            RunOverrides(), services: services, observers: [], logger: logger, giveBackFreeMemory: {})
        guard let target = plan.target as? PostgresTarget else { return nil }
        defer { target.close() }
        let trouble = TroubleBox()
        let context = CommitContext(
            isCancelled: isOver, reportTrouble: { trouble.set($0) },
            wait: { Thread.sleep(forTimeInterval: $0 / .seconds(1)) })
        do {
            return try body(target, context)
        } catch is WaitCancelled {
            if StopSignal.isRaised { throw Refusal(description: "interrupted; the tables are as they were") }
            throw Impatient(trouble: trouble.last)
        }
    }

    private final class TroubleBox: Sendable {
        private let text = Mutex<String?>(nil)
        var last: String? { text.withLock { $0 } }
        func set(_ new: String?) { text.withLock { $0 = new ?? $0 } }
    }
}
