import Catalog
import Foundation

/// What `top` shows, as lines of text: a function of what is known, where the cursor stands and how large the terminal is.
struct TopScreen {
    /// What a key asks for.
    enum Key: Equatable {
        case up, down, enter, back, quit
    }

    var history = TopHistory()
    /// Why there is nothing new; nil while there is.
    var trouble: String?
    /// Whether states have colours; they have words in any case.
    var hasColours = false
    /// The topology under the cursor.
    private(set) var chosen: String?
    /// Whether the chosen one is shown in detail.
    private(set) var isDetailed = false

    /// Those in trouble first, then by name.
    private var ordered: [TopologyStatus] {
        (history.last?.statuses ?? []).sorted { ($0.isWell ? 1 : 0, $0.topology) < ($1.isWell ? 1 : 0, $1.topology) }
    }

    private var position: Int { ordered.firstIndex { $0.topology == chosen } ?? 0 }

    /// Does what a key asks for.
    /// - Returns: false when that is to end.
    mutating func press(_ key: Key) -> Bool {
        let names = ordered.map(\.topology)
        switch key {
        case .quit: return false
        case .up where !isDetailed && !names.isEmpty: chosen = names[max(0, position - 1)]
        case .down where !isDetailed && !names.isEmpty: chosen = names[min(names.count - 1, position + 1)]
        case .enter where !names.isEmpty:
            chosen = names[position]
            isDetailed = true
        case .back: isDetailed = false
        default: break
        }
        return true
    }

    /// The screen, at most `rows` lines of at most `columns` characters.
    func lines(columns: Int, rows: Int) -> [String] {
        guard rows > 0, columns > 0 else { return [] }
        var body = Body(columns: columns, hasColours: hasColours)
        let detailed = isDetailed ? ordered.first { $0.topology == chosen } : nil
        if let trouble { body.add("no news since then: \(trouble)", .bad, indented: 2) }
        if let detailed { detail(detailed, &body) } else { overview(&body) }
        let keys = detailed == nil ? "up/down choose  enter nodes  q quit" : "esc back  q quit"
        let shown = body.lines.prefix(max(0, rows - 2))
        let hidden = body.lines.count - shown.count
        var last = Body(columns: columns, hasColours: hasColours)
        last.add(hidden > 0 ? "\(hidden) more lines do not fit  \(keys)" : keys, .faint)
        let space = [String](repeating: "", count: max(0, rows - 2 - shown.count))
        return Array(([head(columns)] + shown + space + last.lines).prefix(rows))
    }

    private func head(_ columns: Int) -> String {
        var body = Body(columns: columns, hasColours: hasColours)
        guard let look = history.last else {
            body.add("millrace top: waiting for the catalogue", .plain)
            return body.lines[0]
        }
        let bad = look.statuses.count { !$0.isWell }
        let count = "\(look.statuses.count) topolog\(look.statuses.count == 1 ? "y" : "ies")"
        // What was well when it was seen last may not be any more.
        let verdict = look.statuses.isEmpty || trouble != nil ? "" : bad == 0 ? ", all well" : ", \(bad) in trouble"
        body.add(
            "millrace top  \(look.moment.formatted(.iso8601))  \(count)\(verdict)",
            bad == 0 && trouble == nil ? .strong : .bad)
        return body.lines[0]
    }
}

// MARK: - Views

extension TopScreen {
    private func overview(_ body: inout Body) {
        guard history.last != nil else { return }
        guard !ordered.isEmpty else {
            body.add("nothing is deployed in this database; millrace deploy FILE deploys a topology", .plain)
            return
        }
        // What is left of the width is for the history.
        let names = min(28, max(8, ordered.map(\.topology.count).max() ?? 0))
        let history = max(0, min(TopHistory.looksMax, body.columns - names - 51))
        let graph = history < 5 ? 0 : history
        body.add(
            row("topology", names, "state", "rec/s", graph, "history", "lag", "dead", "MiB", "procs"), .faint)
        for status in ordered {
            let alive = status.instances.filter { $0.state != .lost }
            let memory = alive.reduce(0) { $0 + $1.snapshot.memory } >> 20
            let line = row(
                status.topology, names, "\(status.state)", ProgressReporter.short(Int64(status.rate)), graph,
                Self.graph(self.history.rates(of: status.topology), graph),
                status.lag.map { ProgressReporter.short($0) } ?? "-", ProgressReporter.short(status.dead), "\(memory)",
                "\(alive.count)", isChosen: status.topology == ordered[position].topology)
            body.add(line, status.isWell ? .plain : .bad)
            if !status.isWell, let reason = status.reasons.first {
                // The topology's own screen has all of it.
                let lines = reason.text.split(separator: "\n")
                body.add((lines.first ?? "") + (lines.count > 1 ? " …" : ""), .bad, indented: 4)
            }
        }
    }

    private func row(
        _ name: String, _ names: Int, _ state: String, _ rate: String, _ graph: Int, _ history: String, _ lag: String,
        _ dead: String, _ memory: String, _ processes: String, isChosen: Bool = false
    ) -> String {
        (isChosen ? "> " : "  ") + name.cell(names) + " " + state.cell(9) + rate.cell(7, isRight: true)
            + (graph > 0 ? "  " + history.cell(graph) : "") + lag.cell(8, isRight: true) + dead.cell(7, isRight: true)
            + memory.cell(7, isRight: true) + processes.cell(6, isRight: true)
    }

    private func detail(_ status: TopologyStatus, _ body: inout Body) {
        body.add(
            "\(status.topology), version \(status.version): \(status.state), "
                + "\(ProgressReporter.count(status.records)) records", status.isWell ? .strong : .bad)
        for reason in status.reasons { body.add(reason.text, reason.isTrouble ? .bad : .plain, indented: 2) }
        body.add("", .plain)
        let alive = status.instances.filter { $0.state != .lost }
        let nodes = alive.flatMap(\.snapshot.nodes)
        var names: [String] = []
        for node in nodes where !names.contains(node.name) { names.append(node.name) }
        let width = min(32, max(8, names.map(\.count).max() ?? 0))
        body.add(
            "  " + "node".cell(width) + "in/s".cell(9, isRight: true) + "out/s".cell(9, isRight: true)
                + "groups".cell(10, isRight: true) + "MiB".cell(7, isRight: true)
                + (nodes.contains { $0.permits != nil } ? "permits".cell(12, isRight: true) : ""), .faint)
        for name in names {
            let own = nodes.filter { $0.name == name }
            let flow = history.flow(of: name, in: status.topology)
            func rate(_ value: Double?) -> String { value.map { ProgressReporter.short(Int64($0.rounded())) } ?? "-" }
            body.add(
                "  " + name.cell(width) + rate(flow?.entered).cell(9, isRight: true)
                    + rate(flow?.left).cell(9, isRight: true)
                    + ProgressReporter.short(own.reduce(0) { $0 + $1.groups }).cell(10, isRight: true)
                    + "\(own.reduce(0) { $0 + $1.memory } >> 20)".cell(7, isRight: true)
                    + (Self.permits(own.compactMap(\.permits)) ?? "").cell(12, isRight: true), .plain)
        }
        partitions(alive, &body)
    }

    /// Of the permits that processes share, how many are in use; nil when they share none.
    private static func permits(_ own: [RunSnapshot.Permits]) -> String? {
        own.first.map { first in "\(own.reduce(0) { $0 + $1.used }) of \(first.limit)" }
    }

    private func partitions(_ alive: [TopologyStatus.Instance], _ body: inout Body) {
        let parts = alive.flatMap { instance in
            instance.snapshot.partitions.filter(\.isOurs).map { (daemon: instance.daemon, part: $0) }
        }
        guard !parts.isEmpty else { return }
        body.add("", .plain)
        let width = min(32, max(9, parts.map { "\($0.part.topic)/\($0.part.partition)".count }.max() ?? 0))
        body.add(
            "  " + "partition".cell(width) + "read to".cell(14, isRight: true) + "committed".cell(14, isRight: true)
                + "  process", .faint)
        for (daemon, part) in parts.sorted(by: {
            ($0.part.topic, $0.part.partition) < ($1.part.topic, $1.part.partition)
        }) {
            body.add(
                "  " + "\(part.topic)/\(part.partition)".cell(width)
                    + (part.next.map(String.init) ?? "-").cell(14, isRight: true)
                    + (part.committed.map(String.init) ?? "-").cell(14, isRight: true) + "  " + daemon, .plain)
        }
    }

    /// The last values as bars, the greatest of them as high as a line; blank where nothing is known.
    static func graph(_ values: [Double], _ width: Int) -> String {
        let bars = Array("▁▂▃▄▅▆▇█")
        let shown = values.suffix(width)
        let most = shown.max() ?? 0
        let text = shown.map { value -> Character in
            guard value > 0, most > 0 else { return bars[0] }
            return bars[min(bars.count - 1, Int(value / most * Double(bars.count - 1) + 0.5))]
        }
        return String(repeating: " ", count: max(0, width - shown.count)) + String(text)
    }
}

// MARK: - Text

extension TopScreen {
    private enum Style {
        case plain, strong, faint, bad

        /// What turns it on; the terminal's own colours, which people have chosen.
        var code: String {
            switch self {
            case .plain: ""
            case .strong: "\u{1B}[1m"
            case .faint: "\u{1B}[2m"
            case .bad: "\u{1B}[1;31m"
            }
        }
    }

    /// Lines that fit. What comes from elsewhere cannot move the cursor.
    private struct Body {
        let columns: Int
        let hasColours: Bool
        var lines: [String] = []

        init(columns: Int, hasColours: Bool) {
            self.columns = columns
            self.hasColours = hasColours
        }

        /// Adds text; what is too long goes on in the next line if it is a sentence.
        mutating func add(_ text: String, _ style: Style, indented: Int = 0) {
            let margin = String(repeating: " ", count: indented < columns ? indented : 0)
            var rest = Substring(text.printable)
            repeat {
                var part = rest.prefix(columns - margin.count)
                if part.endIndex < rest.endIndex, indented > 0, let space = part.dropFirst().lastIndex(of: " ") {
                    part = part[..<space]
                }
                rest = indented > 0 ? rest[part.endIndex...].drop { $0 == " " } : ""
                let line = margin + part
                lines.append(hasColours && !style.code.isEmpty ? style.code + line + "\u{1B}[0m" : line)
            } while !rest.isEmpty
        }
    }
}

extension String {
    /// Cut or filled up to a width.
    fileprivate func cell(_ width: Int, isRight: Bool = false) -> String {
        let shown = count > width ? String(prefix(max(0, width - 1))) + "…" : self
        let padding = String(repeating: " ", count: max(0, width - shown.count))
        return isRight ? padding + shown : shown + padding
    }

    /// Without characters that a terminal does something at.
    fileprivate var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map {
                    $0 == "\n" ? " " : $0.properties.generalCategory == .control ? "?" : $0
                }))
    }
}
