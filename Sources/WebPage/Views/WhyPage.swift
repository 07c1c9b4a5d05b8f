/// Why does it not move?
package struct WhyPage {
    /// A line of the topology's log.
    package struct Line: Sendable, Equatable {
        /// Microseconds since 1970.
        package var at: Int64
        package var level: String
        package var daemon: String
        package var text: String

        package init(at: Int64, level: String, daemon: String, text: String) {
            self.at = at
            self.level = level
            self.daemon = daemon
            self.text = text
        }
    }

    package var request: PageRequest
    package var topology: TopologyFigures
    /// Nil while it cannot be read.
    package var log: [Line]?
    package var warning: String?

    package init(request: PageRequest, topology: TopologyFigures, log: [Line]?, warning: String? = nil) {
        self.request = request
        self.topology = topology
        self.log = log
        self.warning = warning
    }

    package var markup: HTML {
        let bad: HTML = topology.mood <= .troubled ? " bad" : ""
        let reasons = topology.reasons.map { "<p class=\"said\(bad)\">\($0)</p>" as HTML }
        return Layout(title: "Why · \(topology.name)", request: request, lookAgain: 2_000, warning: warning).page(
            topology,
            "<h2>\(warning == nil ? "In a sentence" : "In a sentence, when it was heard last")</h2>\(reasons)<h2>What that rests on</h2>\(evidence)\(lines)"
        )
    }

    /// A long line begins, and goes on when somebody wants it.
    private static func short(_ text: String) -> HTML {
        guard text.count > 200 else { return "\(text)" }
        return "<details><summary>\(Graph.cut(text, 160))</summary><div>\(text)</div></details>"
    }

    private var evidence: HTML {
        let facts: [(String, HTML)] = [
            ("Wanted", "\(topology.wanted)"),
            ("Changed", "\(topology.changedBy), \(Figures.moment(topology.changedAt))"),
            ("Records a second", "\(Figures.rate(topology.rate))"), ("Waiting", "\(Figures.count(topology.lag))"),
            ("Read and not committed", "\(Figures.exact(topology.uncommitted))"),
            ("Last commit took", "\(topology.commitMilliseconds.map { Figures.duration(seconds: $0 / 1_000) } ?? "–")"),
            ("Partitions", "\(topology.partitions.count)"),
            ("Memory", "\(Figures.bytes(Double(topology.memory))) of \(Figures.bytes(Double(topology.budget)))"),
        ]
        let troubles = topology.troubles.map { "<li>\($0)</li>" as HTML }
        let silent = topology.instances.filter(\.isLost).map { one -> HTML in
            "<li>\(one.daemon) has been silent for \(Figures.duration(seconds: one.secondsSilent))</li>"
        }
        let list: HTML = troubles.isEmpty && silent.isEmpty ? "" : "<ul>\(troubles)\(silent)</ul>"
        return "<dl class=\"strip\">" + HTML(facts.map { "<div><dt>\($0)</dt><dd>\($1)</dd></div>" }) + "</dl>" + list
    }

    private var lines: HTML {
        guard let log else { return "<p class=\"note\">Its log stands in the database.</p>" }
        guard !log.isEmpty else { return "<p class=\"note\">Its log has no lines.</p>" }
        return Grid.markup(
            "Its log, the newest first", [("at", false), ("level", false), ("process", false), ("what", false)],
            log.reversed().map { line in
                [
                    .init(content: Figures.moment(line.at)), .text(line.level), .text(line.daemon),
                    .init(content: Self.short(line.text)),
                ]
            })
    }
}
