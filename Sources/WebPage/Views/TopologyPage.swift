/// Where is the bottleneck?
package struct TopologyPage {
    package var request: PageRequest
    package var topology: TopologyFigures
    /// nil when its file cannot be read here.
    package var portrait: TopologyPortrait?
    package var history: PageHistory
    package var warning: String?

    package init(
        request: PageRequest, topology: TopologyFigures, portrait: TopologyPortrait?, history: PageHistory,
        warning: String? = nil
    ) {
        self.request = request
        self.topology = topology
        self.portrait = portrait
        self.history = history
        self.warning = warning
    }

    private var span: HistorySpan { request.query["span"].flatMap(HistorySpan.init(rawValue:)) ?? .quarterHour }

    package var markup: HTML {
        Layout(title: topology.name, request: request, lookAgain: 1_000, warning: warning).page(
            topology, "\(reasons)\(drawing)\(charts)\(instances)")
    }

    private var reasons: HTML {
        guard topology.mood <= .troubled, let reason = topology.reasons.first else { return .none }
        return "<p class=\"said bad\" role=\"alert\">\(reason)</p>"
    }

    private var drawing: HTML {
        guard let portrait else {
            return
                "<p class=\"note\">The file of version \(topology.version) cannot be read here, so there is no graph.</p>"
        }
        let bottleneck = Bottleneck(topology, portrait)
        let graph = Graph(
            portrait: portrait, figures: topology, bottleneck: bottleneck, selected: request.query["node"],
            address: { node in Address.view(.topology, of: topology.name, [("node", node)]) + "#node" })
        return """
            <h2>Nodes</h2><p id="pace" class="pace">\(bottleneck.node == nil ? "" : "▲ " as HTML)\(bottleneck.sentence)</p>\
            \(graph.markup)\(details(portrait))
            """
    }

    private func details(_ portrait: TopologyPortrait) -> HTML {
        guard let name = request.query["node"], let node = portrait.nodes.first(where: { $0.name == name }) else {
            return "<p class=\"note\">Choose a node to see its lines of the file and its figures.</p>"
        }
        let own = topology.nodes.first { $0.name == name }
        var facts: [(String, String)] = []
        if let own {
            facts = [
                ("Records in", Figures.exact(own.entered)), ("Records out", Figures.exact(own.left)),
                ("Groups written", Figures.exact(own.groups)), ("Memory", Figures.bytes(Double(own.memory))),
                ("Busy", own.busy.map { "\(Figures.digits($0)) cores" } ?? "–"),
            ]
            if let most = own.permitsMax {
                facts.append(("Permits in use", "\(own.permits.reduce(0) { $0 + $1.used }) of \(most)"))
            }
        } else if node.role == .source {
            facts = [
                ("Waiting", Figures.count(topology.sourceLag[name])),
                ("Partitions", "\(topology.partitions.count { $0.source == name })"),
            ]
        } else {
            facts = [
                ("Last commit", topology.commitMilliseconds.map { Figures.duration(seconds: $0 / 1_000) } ?? "–"),
                ("Committing", topology.committing.map { "\(Int(min(1, $0) * 100)) % of the time" } ?? "–"),
            ]
        }
        let list = facts.map { name, value -> HTML in "<div><dt>\(name)</dt><dd>\(value)</dd></div>" }
        return """
            <section id="node" class="panel"><h3>\(node.name) <span class="note">\(node.type)</span></h3>\
            <dl class="strip">\(list)</dl>\(permits(own?.permits ?? []))\(chart(of: name))\
            <h4>Declared from line \(node.firstLine) on</h4><pre class="code">\(node.declaration)</pre></section>
            """
    }

    private func permits(_ permits: [NodeFigures.Permits]) -> HTML {
        guard !permits.isEmpty else { return .none }
        return Grid.markup(
            "Permits of cluster_concurrency",
            [("process", false), ("has", true), ("uses", true), ("could use", true)],
            permits.map { [.text($0.daemon), .number("\($0.held)"), .number("\($0.used)"), .number("\($0.wish)")] })
    }

    private func chart(of node: String) -> HTML {
        guard let ring = history.topologies[topology.name]?.nodes[node] else { return .none }
        let end = Double(history.second)
        return Chart(
            title: "Records in, a second", kind: .lines,
            lines: [.init(name: "", values: Shape.thinned(ring.samples(upTo: history.second), to: 300))],
            from: end - 900, to: end
        ).markup
    }

    private var charts: HTML {
        guard let own = history.topologies[topology.name] else { return .none }
        let (end, span) = (Double(history.second), span)
        func chart(
            _ title: String, _ figure: FigureHistory, isBinary: Bool = false,
            _ format: @escaping @Sendable (Double) -> String
        ) -> HTML {
            var chart = Chart(
                title: title, kind: .lines,
                lines: [
                    .init(
                        name: "", values: Shape.thinned(figure.samples(span, upTo: history.second), to: 300))
                ],
                from: end - span.seconds, to: end, format: format
            )
            chart.isBinary = isBinary
            return chart.markup
        }
        let spans = HistorySpan.allCases.map { one -> HTML in
            let current: HTML = one == span ? " aria-current=\"true\"" : ""
            return
                "<a href=\"\(Address.view(.topology, of: topology.name, [("span", one.rawValue)]))\"\(current)>\(one.title)</a>"
        }
        return """
            <div class="heading"><h2>Over time</h2><span class="switch">\(spans)</span></div><div class="charts">\
            \(chart("Records a second", own.rate) { Figures.count($0) })\
            \(chart("Records that wait", own.lag) { Figures.count($0) })\
            \(chart("Memory", own.memory, isBinary: true) { Figures.bytes($0) })\
            \(chart("Dead letters since the start", own.dead) { Figures.count($0) })\
            \(chart("Time of a commit", own.commit) { Figures.duration(seconds: $0 / 1_000) })</div>\
            <p class="note">By the second for 15 minutes, by the minute for 24 hours, since this process began to
            listen.</p>
            """
    }

    private var instances: HTML {
        let rows = topology.instances.map { one -> [Grid.Cell] in
            [
                .text(one.daemon), .text(one.state), .number("\(one.version)"),
                .init(content: Figures.moment(one.since)), .number("\(one.restarts)"), .number(Figures.rate(one.rate)),
                .number("\(Figures.bytes(Double(one.memory))) of \(Figures.bytes(Double(one.budget)))"),
                .text(one.reason),
            ]
        }
        guard !rows.isEmpty else { return "<p class=\"note\">No process runs it.</p>" }
        return Grid.markup(
            "Processes",
            [
                ("process", false), ("state", false), ("version", true), ("since", false), ("restarts", true),
                ("records", true), ("memory", true), ("why", false),
            ], rows)
    }
}
