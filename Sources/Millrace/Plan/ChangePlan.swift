import Catalog
import Dataflow
import Declaration
import Foundation
import Logging
import Nodes
import Synchronization

/// What deploying a file would change, made on one state of the catalogue; `apply` does that and nothing else.
struct ChangePlan: Codable, Sendable {
    /// A table and what becomes of it.
    struct Table: Codable, Sendable {
        var table: String
        var sink: String
        var fate: TableFate.Kind
        var reasons: [String]
        var choices: [String]
        var statements: [String]
        var creation: String?
        var rows: Int64
        var bytes: Int64

        init(_ fate: TableFate) {
            table = fate.table
            sink = fate.sink
            self.fate = fate.kind
            reasons = fate.reasons
            choices = fate.choices
            statements = fate.statements
            creation = fate.creation
            rows = fate.rows
            bytes = fate.bytes
        }
    }

    var topology: String
    /// What is deployed when the plan is made.
    var base: DeploymentBase
    /// Whether the file is the one that is deployed.
    var isDeployed: Bool
    /// What of the meaning of rows has changed since the topology ran last.
    var changes: [String]
    var tables: [Table]
    /// Whether it can be applied.
    var isPossible: Bool
    /// Whether applying it accepts that tables lack something of what was read before.
    var acceptsGaps: Bool
    /// The file's text.
    var file: String

    init(_ topology: String, file: String, base: DeploymentBase, isDeployed: Bool, _ rehearsal: TableRehearsal) {
        self.topology = topology
        self.file = file
        self.base = base
        self.isDeployed = isDeployed
        changes = rehearsal.changes
        tables = rehearsal.fates.map(Table.init)
        isPossible = rehearsal.isPossible
        acceptsGaps = rehearsal.hasGaps
    }

    /// The plan in words.
    var text: String {
        var lines = [
            base.version == 0
                ? "\(topology) is not deployed yet: this would be its first version"
                : isDeployed
                    ? "\(topology): version \(base.version) is this file"
                    : "\(topology): version \(base.version) is deployed"
        ]
        lines += changes.map { "  \($0)" }
        for table in tables {
            let size =
                table.fate == .new
                ? "" : " (\(ProgressReporter.count(table.rows)) rows, \(ProgressReporter.short(table.bytes >> 10)) KiB)"
            lines.append("")
            lines.append("table \(table.table)\(size): \(Self.words[table.fate] ?? "")")
            lines += table.reasons.map { "  \($0)" }
            lines += table.statements.map { "    \($0)" }
            lines += (table.creation.map { [$0] } ?? []).flatMap { $0.split(separator: "\n") }.map { "    \($0)" }
            lines += table.choices.map { "  - \($0)" }
        }
        lines.append("")
        lines.append(verdict)
        return lines.joined(separator: "\n")
    }

    private static let words: [TableFate.Kind: String] = [
        .keep: "goes on as it is", .new: "is made", .alter: "gets columns", .partial: "goes on, and lacks something",
        .refused: "cannot go on like this",
    ]

    private var verdict: String {
        if !isPossible {
            return base.version == 0
                ? "Nothing can be applied until the tables that cannot go on are settled; nothing was changed."
                : "This cannot be applied as it is; nothing was changed. To make the tables anew beside those that are there, "
                    + "from all that the sources still have, and then put them in their place: millrace rebuild FILE"
        }
        if acceptsGaps { return "Applying it accepts what the tables named above lack. Nothing was changed yet." }
        return "It can be applied. Nothing was changed yet."
    }

    /// The plan as a file.
    var bytes: Data { JSONAnswer.bytes(self) }
}

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
