import Dataflow

/// What a person is shown of a sample.
struct TrialReport {
    /// Records that were read, dead ones included.
    let records: Int64
    /// Records that became dead letters.
    let dead: Int64
    /// What makes them dead letters.
    let complaint: String
    /// The report.
    let text: String

    init(
        snapshot: ProgressSnapshot, tables: [TrialTable], letters: TrialLetters, remarks: [String], rowsMax: Int
    ) {
        records = snapshot.records
        dead = snapshot.deadLetters
        complaint = letters.complaint
        var sections = [Self.nodes(snapshot)]
        sections += tables.map { Self.table($0, rowsMax) }
        if letters.letters.count > 0 { sections.append(Self.letters(letters)) }
        if !remarks.isEmpty { sections.append("remarks\n" + remarks.map { "  \($0)" }.joined(separator: "\n")) }
        text = sections.joined(separator: "\n\n") + "\n"
    }

    private static func nodes(_ snapshot: ProgressSnapshot) -> String {
        var rows = [["node", "records in", "records out", "groups"]]
        for node in snapshot.nodes {
            // What makes groups of records hands none on.
            let makesGroups = node.groups > 0 && node.left == 0
            rows.append([
                node.name, "\(node.entered)", makesGroups ? "-" : "\(node.left)", makesGroups ? "\(node.groups)" : "-",
            ])
        }
        return TextTable(rows).description
    }

    private static func table(_ table: TrialTable, _ rowsMax: Int) -> String {
        let (shown, count) = table.shown(rowsMax)
        guard let shown else { return "\(table.node): no rows" }
        let note = count > rowsMax ? ", the first \(rowsMax) of them" : ""
        return "\(table.node): \(count) row\(count == 1 ? "" : "s")\(note)\n\(shown)"
    }

    private static func letters(_ letters: TrialLetters) -> String {
        let found = letters.letters
        let (first, count) = (found.first, found.count)
        let heads = [("dead letters", found.dead), ("refused records", found.refused)].filter { $0.1 > 0 }
        let lines = first.map { "  \($0.place): \($0.reason)\n    \(printable($0.record))" }
        let more = count > first.count && !first.isEmpty ? ["  … and \(count - first.count) more"] : []
        let head = heads.map { "\($0.0): \($0.1)" }.joined(separator: ", ")
        return ([head] + lines + more).joined(separator: "\n")
    }

    /// Text without what a terminal would take for a command.
    static func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            let isPlain = scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format
            result += isPlain ? String(scalar) : scalar.escaped(asASCII: true)
        }
        return result
    }
}
