/// What the process as a whole has to say.
package struct ProcessFigures: Sendable, Equatable {
    package struct Process: Sendable, Equatable {
        package var name: String
        package var program: String
        package var memoryBytes: Int
        package var secondsSilent: Double
        package var isLost: Bool

        package init(name: String, program: String, memoryBytes: Int, secondsSilent: Double, isLost: Bool) {
            self.name = name
            self.program = program
            self.memoryBytes = memoryBytes
            self.secondsSilent = secondsSilent
            self.isLost = isLost
        }
    }

    package var processes: [Process] = []
    /// Why the catalogue cannot be asked; nil when it can.
    package var failure: String?

    package init() {}
}

/// Is everything all right?
package struct OverviewPage {
    package var request: PageRequest
    package var topologies: [TopologyFigures]
    package var history: PageHistory
    package var process: ProcessFigures

    package init(
        request: PageRequest, topologies: [TopologyFigures], history: PageHistory, process: ProcessFigures
    ) {
        self.request = request
        self.topologies = topologies
        self.history = history
        self.process = process
    }

    package var markup: HTML {
        Layout(title: "Overview", request: request, lookAgain: 1_000, warning: process.failure).page(
            nil, "<h1>Overview</h1>\(strip)\(cards)")
    }

    /// Those in trouble first.
    private var ordered: [TopologyFigures] { topologies.sorted { ($0.mood, $0.name) < ($1.mood, $1.name) } }

    private var verdict: HTML {
        let wrong = topologies.filter { $0.mood <= .troubled }
        if process.failure != nil { return "<b class=\"state troubled\">▲ the catalogue is away</b>" }
        if wrong.isEmpty {
            return topologies.isEmpty ? "nothing is deployed" : "<b class=\"state well\">● all is as it is wanted</b>"
        }
        let need = wrong.count == 1 ? "needs" : "need"
        return "<b class=\"state broken\">■ \(wrong.count) of \(topologies.count) \(need) a look</b>"
    }

    private var strip: HTML {
        let alive = process.processes.filter { !$0.isLost }
        let (memory, budget) = topologies.reduce((0, 0)) { ($0.0 + $1.memory, $0.1 + $1.budget) }
        let lags = topologies.compactMap(\.lag)
        let kafka = topologies.flatMap(\.troubles).first { $0.lowercased().contains("broker") }
        return """
            <dl class="strip"><div><dt>State</dt><dd>\(verdict)</dd></div>\
            <div><dt>Records a second</dt><dd>\(Figures.count(topologies.reduce(0) { $0 + $1.rate }.rounded()))</dd></div>\
            <div><dt>Waiting</dt><dd>\(Figures.count(lags.isEmpty ? nil : lags.reduce(0, +)))</dd></div>\
            <div><dt>Processes</dt><dd>\(alive.count)\(lost)</dd></div>\
            <div><dt>Memory</dt><dd>\(Figures.bytes(Double(memory))) <small>of \(Figures.bytes(Double(budget)))</small></dd></div>\
            <div><dt>Postgres</dt><dd>\(process.failure == nil ? "reachable" : "away")</dd></div>\
            <div><dt>Brokers</dt><dd>\(kafka == nil ? "no complaint" : "trouble")</dd></div></dl>
            """
    }

    private var lost: HTML {
        let lost = process.processes.filter(\.isLost)
        return lost.isEmpty ? "" : " <small class=\"bad\">\(lost.count) silent</small>"
    }

    private var cards: HTML {
        guard !topologies.isEmpty else {
            return """
                <div class="empty"><h2>Nothing is deployed in this database yet</h2>
                <p>Deploy a topology, and it appears here within a second:</p>
                <pre>millrace deploy topologies/game_kpis.yaml</pre>
                <p><code>millrace demo</code> shows all of it on this machine, with events of its own.</p></div>
                """
        }
        return "<div class=\"cards\">" + HTML(ordered.map(card)) + "</div>"
    }

    /// Up to when, and how far that is behind now.
    private func complete(_ topology: TopologyFigures) -> HTML {
        guard let time = topology.completeTo else { return "–" }
        let seconds = Double(time) / 1e6
        let behind = Figures.duration(seconds: max(0, Double(history.second) - seconds.rounded()))
        return "\(Figures.clock(seconds, .second)) <small>\(behind) behind</small>"
    }

    private func card(_ topology: TopologyFigures) -> HTML {
        let samples = history.topologies[topology.name]?.rate.samples(.quarterHour, upTo: history.second) ?? []
        let reason = topology.reasons.first ?? ""
        let bad: HTML = topology.mood <= .troubled ? " bad" : ""
        return """
            <article class="card"><h2><a href="\(Address.view(.topology, of: topology.name))">\(topology.name)</a>\
            \(StateBadge.markup(topology))</h2>\
            <p class="reason\(bad)"><a href="\(Address.view(.why, of: topology.name))">\(reason)</a></p>\
            <div class="rate"><b>\(Figures.rate(topology.rate))</b>\
            \(Sparkline.markup(samples, label: "records a second over 15 minutes"))</div>\
            <dl><div><dt>Complete up to</dt><dd>\(complete(topology))</dd></div>\
            <div><dt>Waiting</dt><dd><a href="\(Address.view(.partitions, of: topology.name))">\(Figures.count(topology.lag))</a></dd></div>\
            <div><dt>Dead since the start</dt><dd><a href="\(Address.view(.deadLetters, of: topology.name))">\(Figures.exact(topology.dead))</a></dd></div>\
            <div><dt>Memory</dt><dd>\(Figures.bytes(Double(topology.memory)))</dd></div></dl></article>
            """
    }
}
