/// What all views have around them.
struct Layout {
    var title: String
    var request: PageRequest
    /// Milliseconds between two looks of a page that is open; nil for one that does not change by itself.
    var lookAgain: Int?
    /// Above everything: something is wrong with what is shown.
    var warning: String?

    static func head(_ title: String) -> HTML {
        """
        <!doctype html><html lang="en"><head><meta charset="utf-8">\
        <meta name="viewport" content="width=device-width, initial-scale=1">\
        <meta name="color-scheme" content="light dark"><title>\(title) · Millrace</title>\
        <link rel="icon" href="/assets/icon.svg?\(PageAssets.mark)">\
        <link rel="stylesheet" href="/assets/page.css?\(PageAssets.mark)">\
        <script type="module" src="/assets/page.js?\(PageAssets.mark)"></script></head>
        """
    }

    /// A page for somebody who is not let in.
    static func bare(title: String, _ content: HTML) -> HTML {
        head(title) + "<body><main class=\"bare\">\(content)</main></body></html>"
    }

    /// The whole page.
    func page(_ topology: TopologyFigures?, _ content: HTML) -> HTML {
        let look: HTML = lookAgain.map { " data-look=\"\($0)\"" } ?? ""
        let warned: HTML = warning.map { "<p class=\"said bad\" role=\"alert\">\($0)</p>" } ?? ""
        return Self.head(title) + """
            <body><a class="skip" href="#content">To the content</a><header>\
            <a class="brand" href="/"><svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">\
            <path d="M1 4q3.5 4 7 0t7 0M1 8q3.5 4 7 0t7 0M1 12q3.5 4 7 0t7 0"/></svg>Millrace</a>\
            <span id="pulse" class="note" role="status"></span>\
            <button id="theme" type="button" hidden>Light or dark</button>\
            <form method="post" action="/sign-out">\(token)<button class="plain">Sign out</button></form></header>\
            <main id="content" tabindex="-1"\(look)>\(warned)\(said)\(topology.map(heading) ?? "")\(content)</main>\
            <footer class="note">\(request.viewer.mayAct ? "" : "This session may look, and change nothing. ")\
            Times are yours where scripts run, else UTC.</footer></body></html>
            """
    }

    /// Goes with every form.
    private var token: HTML { Self.token(request.viewer) }

    static func token(_ viewer: Viewer) -> HTML {
        "<input type=\"hidden\" name=\"form_token\" value=\"\(viewer.formToken)\">"
    }

    /// What was done just now. Of what takes longer, its own line says more (`PageJob`).
    private var said: HTML {
        let texts = [
            "pause": "It pauses: it commits what it has read, and stops.", "resume": "It goes on.",
            "restart": "It stops in order and begins again.", "discard": "The dead letters are discarded.",
        ]
        return request.query["done"].flatMap { texts[$0] }.map { "<p class=\"said\" role=\"status\">\($0)</p>" } ?? ""
    }

    /// The topology's name, what may be done with it, and its views.
    private func heading(_ topology: TopologyFigures) -> HTML {
        let tabs = PageView.allCases.filter { $0 != .overview }.map { view -> HTML in
            let current: HTML = view == request.view ? " aria-current=\"page\"" : ""
            return "<a href=\"\(Address.view(view, of: topology.name))\"\(current)>\(view.title)</a>"
        }
        return """
            <div class="heading"><h1>\(topology.name)</h1>\(StateBadge.markup(topology))\
            <span class="note">version \(topology.version)</span>\(actions(topology))</div>\
            <nav aria-label="Views">\(tabs)</nav>
            """
    }

    private func actions(_ topology: TopologyFigures) -> HTML {
        guard request.viewer.mayAct else { return .none }
        let kinds: [(PageActionKind, String)] =
            topology.isPaused ? [(.resume, "Resume")] : [(.pause, "Pause"), (.restart, "Restart")]
        return "<div class=\"actions\">"
            + HTML(
                kinds.map { kind, word in
                    Self.button(kind, topology.name, word, request.viewer)
                }) + "</div>"
    }

    /// A form of one button.
    static func button(
        _ kind: PageActionKind, _ topology: String, _ word: String, _ viewer: Viewer, _ fields: [(String, String)] = []
    ) -> HTML {
        let hidden = fields.map { name, value -> HTML in
            "<input type=\"hidden\" name=\"\(name)\" value=\"\(value)\">"
        }
        return """
            <form method="post" action="/topologies/\(Address.encoded(topology))/\(kind.rawValue)">\
            \(token(viewer))\(hidden)<button>\(word)</button></form>
            """
    }
}

/// A state as colour, shape and word.
enum StateBadge {
    static func markup(_ topology: TopologyFigures) -> HTML { markup(topology.state, topology.mood) }

    static func markup(_ state: String, _ mood: TopologyFigures.Mood) -> HTML {
        let (name, shape): (HTML, HTML) =
            switch mood {
            case .well: ("well", "●")
            case .resting: ("resting", "○")
            case .changing: ("changing", "◐")
            case .troubled: ("troubled", "▲")
            case .broken: ("broken", "■")
            }
        return "<span class=\"state \(name)\"><span aria-hidden=\"true\">\(shape)</span> \(state)</span>"
    }
}

/// Tables.
enum Grid {
    /// A cell, and whether it is a number, which stands at the right.
    struct Cell {
        var content: HTML
        var isNumber = false

        static func text(_ text: String) -> Cell { Cell(content: "\(text)") }
        static func number(_ text: String) -> Cell { Cell(content: "\(text)", isNumber: true) }
    }

    /// A table that can be scrolled sideways where it is too wide.
    static func markup(_ caption: String, _ head: [(String, isNumber: Bool)], _ rows: [[Cell]]) -> HTML {
        let titles = head.map { title, isNumber -> HTML in
            "<th scope=\"col\"\(isNumber ? " class=\"n\"" as HTML : "")>\(title)</th>"
        }
        let lines = rows.map { row -> HTML in
            "<tr>"
                + HTML(
                    row.map { cell -> HTML in
                        "<td\(cell.isNumber ? " class=\"n\"" as HTML : "")>\(cell.content)</td>"
                    }) + "</tr>"
        }
        return """
            <div class="wide" tabindex="0" role="group" aria-label="\(caption)"><table><caption>\(caption)</caption>\
            <thead><tr>\(titles)</tr></thead><tbody>\(lines)</tbody></table></div>
            """
    }
}
