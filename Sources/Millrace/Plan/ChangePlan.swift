import Catalog
import Declaration
import Foundation
import Nodes

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
        .refused: "cannot go on like this", .left: "is no longer written; it keeps its rows",
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
