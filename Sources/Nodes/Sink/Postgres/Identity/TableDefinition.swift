import Dataflow
import Declaration
import Expressions
import Summaries

extension DefinitionLine {
    /// The name of the metric that it is about, nil for everything else.
    var metric: String? { key.hasPrefix("metric ") ? String(key.dropFirst(7)) : nil }

    /// `key: value`
    var text: String { key + ": " + value }

    init(parsing text: Substring) {
        let end = text.firstRange(of: ": ")
        self.init(
            String(text[..<(end?.lowerBound ?? text.endIndex)]), end.map { String(text[$0.upperBound...]) } ?? "")
    }
}

/// What the rows of a table mean: how events become records, and how records become rows. Independent of how it was
/// written, of the names of nodes, and of where the events come from: positions know topics and paths.
struct TableDefinition: Sendable {
    /// All lines, sorted by key where their order means nothing.
    let lines: [DefinitionLine]

    init(rows: [DefinitionLine], events: [DefinitionLine]) {
        lines = rows + events.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
    }

    init(_ text: String) {
        lines = text.split(separator: "\n").map { DefinitionLine(parsing: $0) }
    }

    init(_ lines: [DefinitionLine]) { self.lines = lines }

    /// The names of its metrics.
    var metricNames: [String] { lines.compactMap(\.metric) }

    /// As it is stored: a line each.
    var text: String { lines.map(\.text).joined(separator: "\n") }

    /// Stands for the text in comparisons.
    var digest: String { Self.digest(of: text) }

    static func digest(of text: String) -> String {
        let digits = String(UInt64(bitPattern: Checksum.of(Array(text.utf8))), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// A line that is there in one definition only, or in both and not the same.
    struct Change {
        var key: String
        var before: String?
        var after: String?

        /// The name of the metric that it is about, nil for everything else.
        var metric: String? { DefinitionLine(key, "").metric }

        var text: String {
            switch (before.map(Self.bare), after.map(Self.bare)) {
            case (let before?, let after?): "\(key) was \(before), is \(after)"
            case (nil, let after?): "\(key) (\(after)) is new"
            case (let before?, nil): "\(key) (\(before)) is gone"
            case (nil, nil): key
            }
        }

        /// Whether it is a new field of documents that makes no dead letters: the records are those of before, and what was
        /// made of them did not know it.
        var addsHarmlessField: Bool {
            guard let after, before == nil, key.hasPrefix("field ") else { return false }
            return ParsePlan.keepsRecords(fieldMeaning: after)
        }

        /// What a line says of its key, without the verb that many begin with: `is n * 2`.
        private static func bare(_ value: String) -> String {
            value.hasPrefix("is ") ? String(value.dropFirst(3)) : value
        }
    }

    /// What has changed since `before`. Texts are compared by their bytes: two Unicode forms of one text are two texts.
    func changes(since before: TableDefinition) -> [Change] {
        let old = Set(before.lines.map { Array($0.text.utf8) })
        let new = Set(lines.map { Array($0.text.utf8) })
        var gone = before.lines.filter { !new.contains(Array($0.text.utf8)) }
        var changes: [Change] = []
        for line in lines where !old.contains(Array(line.text.utf8)) {
            let twin = gone.firstIndex { $0.key == line.key }
            changes.append(Change(key: line.key, before: twin.map { gone[$0].value }, after: line.value))
            if let twin { gone.remove(at: twin) }
        }
        return changes + gone.map { Change(key: $0.key, before: $0.value, after: nil) }
    }
}

extension SummaryPlan {
    /// How records become rows. The order of keys is part of it, since keys' bytes are made in that order; the order of
    /// grouping sets and of metrics is not.
    var definitionLines: [DefinitionLine] {
        let keys = keys.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
        var lines = [
            DefinitionLine("window", windowDefinition),
            DefinitionLine("by", keys.isEmpty ? "nothing" : keys),
        ]
        if let groupingSets {
            let names = groupingSets.map { $0.keys.isEmpty ? "()" : "(\($0.name))" }.sorted()
            lines.append(DefinitionLine("grouping sets", names.joined(separator: " ")))
        }
        return lines + metrics.map(\.definitionLine).sorted { $0.key < $1.key }
    }

    /// The windows in canonical form; their order means nothing.
    private var windowDefinition: String {
        windows.isEmpty ? "none" : windows.map(\.function.definition).sorted().joined(separator: ", ")
    }

    /// What the version before this one stored: window, keys, sets and metrics in one line, and nothing of what happens
    /// to events before.
    var previousDefinition: String {
        let window = "window=" + (windows.first?.function.previousDefinition ?? "none")
        let keys = "by=" + keys.map { "\($0.name):\($0.type)" }.joined(separator: ",")
        let sets = groupingSets.map { ["sets=" + $0.map(\.name).joined(separator: " ")] } ?? []
        let metrics = metrics.map { "\($0.name)=\($0.previousCall)" }
        return ([window, keys] + sets + metrics).joined(separator: "; ")
    }
}

extension TableDefinition {
    /// What a line of the version before this one said, taken apart.
    init(previous text: String) {
        var lines: [DefinitionLine] = []
        for part in text.split(separator: "; ") {
            let end = part.firstIndex(of: "=") ?? part.endIndex
            let key = String(part[..<end])
            let isHead = lines.count < 2 || (lines.count == 2 && key == "sets")
            lines.append(
                DefinitionLine(
                    isHead ? key : "metric " + key, end < part.endIndex ? String(part[end...].dropFirst()) : ""))
        }
        self.init(lines)
    }
}

extension MetricPlan {
    /// What the metric computes.
    fileprivate var definitionLine: DefinitionLine {
        let condition = canonicalCondition.map { " where " + $0 } ?? ""
        return DefinitionLine("metric \(name)", canonicalCall(separator: " ") + condition)
    }

    /// The condition in a form that does not depend on how it was written.
    var canonicalCondition: String? { conditionText.map { expression?.canonicalText ?? $0 } }

    /// What the version before this one stored.
    fileprivate var previousCall: String {
        canonicalCall(separator: ":") + (conditionText.map { " where \($0)" } ?? "")
    }
}
