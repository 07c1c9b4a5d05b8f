/// The drawing of a topology.
struct Graph {
    var portrait: TopologyPortrait
    var figures: TopologyFigures
    var bottleneck: Bottleneck
    /// The node whose details are shown.
    var selected: String?
    /// The way to a node's details.
    var address: (String) -> String

    private func node(_ index: Int) -> NodeFigures? {
        figures.nodes.first { $0.name == portrait.nodes[index].name }
    }

    /// Records a second along an edge: what the reader takes in, or what the node in front hands on.
    private func rate(from: Int, to: Int) -> Double? {
        if portrait.nodes[from].role != .source, let leaving = node(from)?.leaving, portrait.nodes[to].role != .sink {
            return leaving
        }
        if portrait.nodes[to].role == .sink { return node(from)?.grouping }
        return portrait.nodes[to].inputs.count == 1 ? node(to)?.entering : nil
    }

    var markup: HTML {
        let layout = GraphLayout(portrait)
        var edges: [HTML] = []
        let pairs = portrait.nodes.indices.flatMap { to in portrait.nodes[to].inputs.map { ($0, to) } }
        let most = max(1, Shape.largest(pairs.compactMap { rate(from: $0.0, to: $0.1) }))
        for (from, to) in pairs {
            edges.append(edge(layout.places[from], layout.places[to], rate(from: from, to: to), most: most))
        }
        let boxes = portrait.nodes.indices.map { box($0, at: layout.places[$0]) }
        let (width, height) = (Shape.place(layout.width), Shape.place(layout.height))
        return """
            <div class="graph" tabindex="0" role="group" aria-label="The graph; it can be scrolled">\
            <svg width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)">\(edges)\(boxes)</svg></div>
            """
    }

    private func edge(
        _ from: (x: Double, y: Double), _ to: (x: Double, y: Double), _ rate: Double?, most: Double
    ) -> HTML {
        let start = (x: from.x + GraphLayout.box.width, y: from.y + GraphLayout.box.height / 2)
        let end = (x: to.x, y: to.y + GraphLayout.box.height / 2)
        let middle = (start.x + end.x) / 2
        let size = Shape.place(1.5 + 6.5 * min(1, max(0, (rate ?? 0) / most)))
        let p = Shape.place
        return """
            <path class="edge" stroke-width="\(size)" \
            d="M\(p(start.x)) \(p(start.y))C\(p(middle)) \(p(start.y)) \(p(middle)) \(p(end.y)) \(p(end.x)) \(p(end.y))">\
            <title>\(Figures.rate(rate))</title></path>
            """
    }

    private func box(_ index: Int, at place: (x: Double, y: Double)) -> HTML {
        let (declared, own) = (portrait.nodes[index], node(index))
        let isLimit = bottleneck.node == declared.name
        let (x, y) = (place.x, place.y)
        let p = Shape.place
        let classes: HTML = isLimit ? " limit" : ""
        let chosen: HTML = selected == declared.name ? " chosen" : ""
        let mark: HTML =
            isLimit
            ? "<text class=\"mark\" x=\"\(p(x + 162))\" y=\"\(p(y + 22))\" text-anchor=\"end\">▲ limits</text>" : ""
        let lines = lines(declared, own)
        let name = isLimit ? Self.cut(declared.name, 10) : Self.cut(declared.name, 17)
        return """
            <a href="\(address(declared.name))" class="node\(classes)\(chosen)" aria-label="\(declared.name), \(declared.type): \(lines[0]), \(lines[1])">\
            <title>\(declared.name)</title>\
            <rect class="box" x="\(p(x))" y="\(p(y))" width="172" height="104" rx="6"/>\
            <text class="name" x="\(p(x + 12))" y="\(p(y + 22))">\(name)</text>\(mark)\
            <text class="type" x="\(p(x + 12))" y="\(p(y + 39))">\(Self.cut(declared.type, 28))</text>\
            <text x="\(p(x + 12))" y="\(p(y + 60))">\(lines[0])</text>\
            <text x="\(p(x + 160))" y="\(p(y + 60))" text-anchor="end">\(lines[1])</text>\(bars(declared, own, x, y))</a>
            """
    }

    private func lines(_ declared: TopologyPortrait.Node, _ own: NodeFigures?) -> [String] {
        switch declared.role {
        case .source:
            let lag = figures.sourceLag[declared.name]
            let first = portrait.nodes.indices.first {
                portrait.nodes[$0].inputs == [portrait.nodes.firstIndex(of: declared) ?? -1]
            }
            return [
                lag.map { "\(Figures.count($0)) wait" } ?? "",
                "out " + Figures.rate(first.flatMap { node($0)?.entering }),
            ]
        case .operator:
            let out = own?.grouping.map { $0 > 0 } == true || own.map { $0.left == 0 && $0.groups > 0 } == true
            return [
                "in " + Figures.rate(own?.entering),
                out ? "out " + Figures.rate(own?.grouping) : "out " + Figures.rate(own?.leaving),
            ]
        case .sink:
            let rows = declared.inputs.compactMap { node($0)?.grouping }.reduce(0, +)
            return ["rows " + Figures.rate(declared.inputs.isEmpty ? nil : rows), ""]
        }
    }

    private var commitText: String {
        figures.commitMilliseconds.map { "commit " + Figures.duration(seconds: $0 / 1_000) } ?? ""
    }

    /// How busy it is, and how full the queue in front of it.
    private func bars(
        _ declared: TopologyPortrait.Node, _ own: NodeFigures?, _ x: Double, _ y: Double
    ) -> HTML {
        let (left, whole, half) = (x + 12, 148.0, 68.0)
        if declared.role == .sink {
            guard let share = figures.committing, !commitText.isEmpty else { return .none }
            return bar("\(commitText) · \(Self.percent(share))", share, left, y + 80, width: whole)
        }
        guard let busy = own?.busy.map({ $0 / Double(max(1, figures.workers)) }) else { return .none }
        guard let waiting = own?.waiting else {
            return bar("busy \(Self.percent(busy))", busy, left, y + 80, width: whole)
        }
        return bar("busy \(Self.percent(busy))", busy, left, y + 80, width: half)
            + bar("queue \(waiting)", Double(waiting) / 4, left + whole - half, y + 80, width: half)
    }

    private static func percent(_ share: Double) -> String {
        let percent = min(1, max(0, share)) * 100
        return percent > 0 && percent < 1 ? "<1 %" : "\(Int(percent.rounded())) %"
    }

    private func bar(_ text: String, _ share: Double, _ x: Double, _ y: Double, width: Double) -> HTML {
        let p = Shape.place
        return """
            <text class="small" x="\(p(x))" y="\(p(y))">\(text)</text>\
            <rect class="track" x="\(p(x))" y="\(p(y + 6))" width="\(p(width))" height="5" rx="2"/>\
            <rect class="fill" x="\(p(x))" y="\(p(y + 6))" width="\(p(width * min(1, max(0, share))))" height="5" rx="2"/>
            """
    }

    /// A name that fits.
    static func cut(_ text: String, _ count: Int) -> String {
        text.count > count ? text.prefix(count - 1) + "…" : text
    }
}
