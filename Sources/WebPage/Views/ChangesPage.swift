package import Catalog

/// What happened, and what is planned?
package struct ChangesPage {
    /// A version, with its plan and its file.
    package struct Version: Sendable {
        package var version: TopologyVersion
        package var plan: String
        /// The file without secrets.
        package var file: String

        package init(version: TopologyVersion, plan: String, file: String) {
            self.version = version
            self.plan = plan
            self.file = file
        }
    }

    /// What stands beside the topology.
    package struct Beside: Sendable {
        package var name: String
        /// Whether it is to take the topology's place, not one that was there before.
        package var isNext: Bool
        package var state: String
        package var mood: TopologyFigures.Mood
        /// Messages that it has still to read, and seconds until then at its rate.
        package var behind: Int64?
        package var secondsLeft: Double?

        package init(
            name: String, isNext: Bool, state: String, mood: TopologyFigures.Mood, behind: Int64?, secondsLeft: Double?
        ) {
            self.name = name
            self.isNext = isNext
            self.state = state
            self.mood = mood
            self.behind = behind
            self.secondsLeft = secondsLeft
        }
    }

    package var request: PageRequest
    package var topology: TopologyFigures
    /// The newest first.
    package var versions: [Version]
    package var beside: [Beside]
    package var job: PageJob?
    package var warning: String?

    package init(
        request: PageRequest, topology: TopologyFigures, versions: [Version], beside: [Beside], job: PageJob?
    ) {
        self.request = request
        self.topology = topology
        self.versions = versions
        self.beside = beside
        self.job = job
    }

    package var markup: HTML {
        Layout(title: "Changes · \(topology.name)", request: request, lookAgain: 2_000, warning: warning).page(
            topology, "\(job?.markup ?? .none)\(rebuilds)\(list)\(chosen)")
    }

    private var rebuilds: HTML {
        guard !beside.isEmpty else { return .none }
        let rows = beside.map { one -> [Grid.Cell] in
            let left = one.secondsLeft.map { ", some \(Figures.duration(seconds: $0))" } ?? ""
            let action: HTML =
                request.viewer.mayAct
                ? Layout.button(
                    .promote, topology.name, one.isNext ? "Promote" : "Go back to it", request.viewer,
                    [("with", one.name)]) : ""
            return [
                .init(content: "<a href=\"\(Address.view(.topology, of: one.name))\">\(one.name)</a>"),
                .init(content: StateBadge.markup(one.state, one.mood)),
                .text(
                    one.behind.map { $0 == 0 ? "has read as much" : "\(Figures.exact($0)) messages behind\(left)" }
                        ?? "not begun"),
                .init(content: action),
            ]
        }
        return Grid.markup(
            "Beside it", [("name", false), ("state", false), ("how far", false), ("", false)], rows)
            + "<p class=\"note\">Promoting waits until the rebuild has read as much, stops what runs, and exchanges their tables in one transaction. <code>millrace diff \(topology.name)</code> compares the tables before.</p>"
    }

    private var list: HTML {
        let rows = versions.map { one -> [Grid.Cell] in
            let version = one.version
            let way = Address.view(.changes, of: topology.name, [("version", "\(version.version)")])
            let isNow = version.version == topology.version
            let action: HTML =
                isNow
                ? StateBadge.markup("deployed", .well)
                : !request.viewer.mayAct
                    ? ""
                    : Layout.button(
                        .rollback, topology.name, "Deploy again", request.viewer, [("version", "\(version.version)")])
            return [
                .init(content: "<a href=\"\(way)\">\(version.version)</a>", isNumber: true),
                .init(content: Figures.moment(version.deployedAt)), .text(version.deployedBy), .text(version.note),
                .text(String(version.digest.prefix(12))), .init(content: action),
            ]
        }
        return Grid.markup(
            "Versions",
            [("version", true), ("deployed", false), ("by", false), ("note", false), ("digest", false), ("", false)],
            rows)
    }

    private var chosen: HTML {
        let number = request.query["version"].flatMap { Int($0) } ?? topology.version
        guard let index = versions.firstIndex(where: { $0.version.version == number }) else {
            return "<p class=\"note\">There is no version \(number) of it.</p>"
        }
        let (one, before) = (versions[index], versions.indices.contains(index + 1) ? versions[index + 1] : nil)
        let plan: HTML = one.plan.isEmpty ? "" : "<h3>Its plan</h3><pre class=\"wrap\">\(one.plan)</pre>"
        let difference: HTML =
            before.map {
                "<h3>Against version \($0.version.version)</h3><pre class=\"code\">\(Self.difference($0.file, one.file))</pre>"
            } ?? ""
        return """
            <section class="panel"><h2>Version \(number)</h2>\(plan)\(difference)\
            <details><summary>The whole file</summary><pre class="code">\(one.file)</pre></details></section>
            """
    }

    /// Lines that are gone, and lines that are new, with some around them.
    static func difference(_ old: String, _ new: String) -> HTML {
        let (olds, news) = (lines(old), lines(new))
        let changes = news.difference(from: olds)
        guard !changes.isEmpty else { return "The same lines." }
        let removed = Set(changes.removals.map { change in if case .remove(let at, _, _) = change { at } else { -1 } })
        let added = Set(changes.insertions.map { change in if case .insert(let at, _, _) = change { at } else { -1 } })
        var all: [(mark: Character, text: String)] = []
        var (a, b) = (0, 0)
        while a < olds.count || b < news.count {
            if a < olds.count, removed.contains(a) {
                all.append(("−", olds[a]))
                a += 1
            } else if b < news.count, added.contains(b) {
                all.append(("+", news[b]))
                b += 1
            } else {
                all.append((" ", b < news.count ? news[b] : olds[a]))
                (a, b) = (a + 1, b + 1)
            }
        }
        var shown: [HTML] = []
        var hidden = false
        for index in all.indices {
            let near = all[max(0, index - 2)...min(all.count - 1, index + 2)].contains { $0.mark != " " }
            guard near else {
                if !hidden { shown.append("  …\n") }
                hidden = true
                continue
            }
            hidden = false
            let text = "\(all[index].mark) \(all[index].text)"
            switch all[index].mark {
            case "+": shown.append("<ins>\(text)</ins>\n")
            case "−": shown.append("<del>\(text)</del>\n")
            default: shown.append("\(text)\n")
            }
        }
        return HTML(shown)
    }

    private static func lines(_ text: String) -> [String] {
        // A file of any length is compared in bounded time.
        text.split(separator: "\n", omittingEmptySubsequences: false).prefix(2_000).map(String.init)
    }
}
