package import Catalog
import Foundation

/// What was lost for now?
package struct DeadLettersPage {
    package var request: PageRequest
    package var topology: TopologyFigures
    package var groups: [DeadLetterGroup]
    /// The group that is looked at.
    package var chosen: DeadLetterGroup?
    /// Its newest letters.
    package var letters: [DeadLetter] = []
    /// Its letters by the time at which they were written.
    package var times: Chart?
    package var warning: String?
    /// The last replay that was begun here.
    package var replay: PageJob?

    package init(request: PageRequest, topology: TopologyFigures, groups: [DeadLetterGroup]) {
        self.request = request
        self.topology = topology
        self.groups = groups
    }

    /// The same for somebody else.
    package func seen(by viewer: Viewer) -> Self {
        var page = self
        page.request.viewer = viewer
        return page
    }

    /// The same beside a replay that was begun here.
    package func beside(_ replay: PageJob?) -> Self {
        var page = self
        page.replay = replay
        return page
    }

    package var markup: HTML {
        Layout(
            title: "Dead letters · \(topology.name)", request: request, lookAgain: 5_000, warning: warning
        ).page(topology, "\(replay?.markup ?? .none)\(groups.isEmpty ? empty : causes + details)")
    }

    private var empty: HTML {
        """
        <div class="empty"><h2>There are none</h2><p>Every record that was read could be used, or its dead letter was \
        discarded or read again. Records that cannot be used appear here by cause, each with its place and what it holds.</p></div>
        """
    }

    /// What names a group.
    private static func query(_ group: DeadLetterGroup) -> [(String, String)] {
        [("cause", group.cause), ("node", group.node), ("field", group.field)].compactMap { name, value in
            value.map { (name, $0) }
        }
    }

    private var causes: HTML {
        let rows = groups.map { group -> [Grid.Cell] in
            let way = Address.view(.deadLetters, of: topology.name, Self.query(group))
            let current: HTML = group == chosen ? " aria-current=\"true\"" : ""
            return [
                .init(content: "<a href=\"\(way)\"\(current)>\(group.cause ?? "not named")</a>"),
                .text(group.node ?? "–"), .text(group.field ?? "–"), .number(Figures.exact(group.count)),
                .init(content: group.last.map(Figures.moment) ?? "–"), .text(Graph.cut(group.example, 160)),
            ]
        }
        return Grid.markup(
            "By cause",
            [
                ("cause", false), ("node", false), ("field", false), ("letters", true), ("the newest", false),
                ("why", false),
            ], rows)
    }

    private var details: HTML {
        guard let chosen else { return .none }
        let examples = letters.prefix(1).map(example)
        let more = letters.dropFirst().map(example)
        let others: HTML =
            more.isEmpty
            ? "" : "<details><summary>\(more.count) more of \(Figures.exact(chosen.count))</summary>\(more)</details>"
        return """
            <section class="panel"><h2>\(chosen.cause ?? "not named")\(chosen.field.map { " in field \($0)" } ?? "")</h2>\
            \(times?.markup ?? "")\(actions(chosen))<h3>The newest</h3>\(examples)\(others)</section>
            """
    }

    private func actions(_ group: DeadLetterGroup) -> HTML {
        guard request.viewer.mayAct else { return .none }
        let fields = Self.query(group)
        guard !fields.isEmpty else {
            return
                "<p class=\"note\">Letters of an earlier version have no cause; <code>millrace dead-letters discard</code> takes their numbers.</p>"
        }
        func button(_ kind: PageActionKind, _ word: String, _ more: [(String, String)] = []) -> HTML {
            Layout.button(kind, topology.name, word, request.viewer, fields + more)
        }
        let count = Figures.exact(group.count)
        return """
            <details><summary>Read them again</summary><p>Once the topology, a lookup or the database is mended: the \
            records are read again where they came from, and those that can be used now get into the rows of their \
            windows, each once. The others stay, with what is wrong now.</p><div class="actions">\
            \(button(.replay, "Try it, and take it back", [("rehearse", "yes")]))\
            \(button(.replay, "Read \(count) again"))</div></details>\
            <details><summary>Discard them</summary><p>They are deleted, those too that come until you press the button. \
            What they counted as in the ledger stays.</p>\(button(.discard, "Discard \(count) for good"))</details>
            """
    }

    private func example(_ letter: DeadLetter) -> HTML {
        let line = letter.line == 0 ? "" : ", line \(letter.line)"
        let facts: [(String, HTML)] =
            [
                ("Place", "\(letter.topic)[\(letter.partition)] at \(String(letter.offset))\(line)"),
                ("Why", "\(letter.reason)"),
            ]
            + [("Found", letter.found), ("Key", letter.key)].compactMap { name, value in
                value.map { (name, "<code>\($0)</code>") }
            }
            + [("Message of", letter.messageTime), ("Written", letter.writtenAt)].compactMap { name, value in
                value.map { (name, Figures.moment($0)) }
            }
        let list = facts.map { "<div><dt>\($0)</dt><dd>\($1)</dd></div>" as HTML }
        return
            "<article><dl class=\"strip facts\">\(list)</dl><pre class=\"wrap\">\(Self.marked(letter))</pre></article>"
    }

    /// The record with the place in it that is to blame: what was found, else the field's name.
    static func marked(_ letter: DeadLetter) -> HTML {
        let payload = letter.payload
        guard let place = place(letter) else { return "\(payload)" }
        return """
            \(String(payload[..<place.lowerBound]))<mark>\(String(payload[place]))</mark>\
            \(String(payload[place.upperBound...]))
            """
    }

    private static func place(_ letter: DeadLetter) -> Range<String.Index>? {
        let payload = letter.payload
        let name = letter.field.flatMap { field in
            payload.range(of: "\"\(field.split(separator: ".").last.map(String.init) ?? field)\"")
        }
        guard let found = letter.found, found.count >= 1 else { return name }
        // Behind the field's name, where that stands in the record: a short value is in many places.
        let rest = name.map { $0.upperBound..<payload.endIndex } ?? payload.startIndex..<payload.endIndex
        return payload.range(of: found, range: rest) ?? name ?? payload.range(of: found)
    }
}
