/// What do the numbers say?
package struct TablesPage {
    /// How far back.
    package enum Range: String, Sendable, CaseIterable {
        case hour = "1h"
        case sixHours = "6h"
        case day = "24h"
        case week = "7d"
        case all

        package var seconds: Double? {
            switch self {
            case .hour: 3_600
            case .sixHours: 21_600
            case .day: 86_400
            case .week: 604_800
            case .all: nil
            }
        }
        var title: String {
            switch self {
            case .hour: "the last hour"
            case .sixHours: "6 hours"
            case .day: "24 hours"
            case .week: "7 days"
            case .all: "everything"
            }
        }
    }

    /// A value of a key, of which null and the empty text are two. In addresses nothing stands for all values, so `=` and
    /// `=null` stand for these two, and a text that begins with `=` has another one in front.
    package struct KeyValue: Sendable, Hashable {
        /// Nil for null.
        package var text: String?

        package init(text: String?) { self.text = text }

        /// Nil for all values.
        package init?(query: String) {
            switch query {
            case "": return nil
            case "=null": text = nil
            default: text = query.hasPrefix("=") ? String(query.dropFirst()) : query
            }
        }

        package var query: String {
            guard let text else { return "=null" }
            return text.isEmpty || text.hasPrefix("=") ? "=" + text : text
        }

        /// As people read it.
        package var label: String { text.map { $0.isEmpty ? "(empty)" : $0 } ?? "(null)" }
    }

    /// What a query has answered, and the query.
    package struct Answer<Value: Sendable>: Sendable {
        package var sql: String
        /// Why there is no answer.
        package var failure: String?
        package var value: Value

        package init(sql: String, value: Value, failure: String? = nil) {
            self.sql = sql
            self.value = value
            self.failure = failure
        }
    }

    /// Rows as text.
    package struct Rows: Sendable {
        package var columns: [String]
        package var rows: [[String]]

        package init(columns: [String], rows: [[String]]) {
            self.columns = columns
            self.rows = rows
        }
    }

    package var request: PageRequest
    package var topology: TopologyFigures
    /// The topology's tables, by the name that its file has for them.
    package var tables: [String]
    package var table: String?
    package var range: Range
    /// The key by which rows can be chosen, its values, and the one that is chosen.
    package var key: (name: String, values: [KeyValue], chosen: KeyValue?)?
    package var charts: [Answer<any Drawing>] = []
    package var rows: Answer<Rows>?
    package var complaint: String?

    package init(request: PageRequest, topology: TopologyFigures, tables: [String], table: String?, range: Range) {
        self.request = request
        self.topology = topology
        self.tables = tables
        self.table = table
        self.range = range
    }

    /// The same for somebody else.
    package func seen(by viewer: Viewer) -> Self {
        var page = self
        page.request.viewer = viewer
        return page
    }

    package var markup: HTML {
        Layout(title: "Tables · \(topology.name)", request: request, lookAgain: 10_000).page(topology, content)
    }

    private var content: HTML {
        guard !tables.isEmpty else {
            return """
                <div class="empty"><h2>It keeps no tables that can be drawn</h2><p>Tables that a <code>postgres</code> \
                node writes for a <code>summarize</code> are drawn here.</p></div>
                """
        }
        let complaint: HTML = complaint.map { "<p class=\"said bad\">\($0)</p>" } ?? ""
        let drawings = charts.enumerated().map { index, one in
            answer(one.value.title, one.value.markup, one, "sql-\(index)")
        }
        let rows = rows.map { answer("By key", Self.grid($0.value), $0, "sql-rows") } ?? ""
        return "\(choices)\(complaint)<div class=\"charts\">\(drawings)</div>\(rows)"
    }

    private var choices: HTML {
        let keys: HTML =
            key.map { key in
                let all: HTML = "<option value=\"\">all</option>"
                return
                    "<label>\(key.name)<select name=\"key\">\(all)\(Self.options(key))</select></label>"
            } ?? ""
        let ranges = Range.allCases.map { one -> HTML in
            "<option value=\"\(one.rawValue)\"\(one == range ? " selected" as HTML : "")>\(one.title)</option>"
        }
        return """
            <form class="choose" data-send><label>Table<select name="table">\(Self.options(tables, table))</select></label>\
            <label>Range<select name="range">\(ranges)</select></label>\(keys)<button>Show</button></form>
            """
    }

    /// The values of a key; the chosen one is among them even if it has become rare.
    private static func options(_ key: (name: String, values: [KeyValue], chosen: KeyValue?)) -> HTML {
        let rare = key.chosen.flatMap { key.values.contains($0) ? nil : $0 }.map { [$0] } ?? []
        return HTML(
            (key.values + rare).map { value -> HTML in
                "<option value=\"\(value.query)\"\(value == key.chosen ? " selected" as HTML : "")>\(value.label)</option>"
            })
    }

    private static func options(_ values: [String], _ chosen: String?) -> HTML {
        HTML(
            values.map { value -> HTML in
                "<option value=\"\(value)\"\(value == chosen ? " selected" as HTML : "")>\(value)</option>"
            })
    }

    /// What was answered, and below it the query.
    private func answer<Value>(_ title: String, _ content: HTML, _ answer: Answer<Value>, _ id: String) -> HTML {
        let body: HTML = answer.failure.map { "<p><b>\(title)</b></p><p class=\"said bad\">\($0)</p>" } ?? content
        return """
            <div>\(body)<details><summary>SQL</summary><pre id="\(id)">\(answer.sql)</pre>\
            <button type="button" data-copy="\(id)">Copy</button></details></div>
            """
    }

    private static func grid(_ rows: Rows) -> HTML {
        Grid.markup(
            "By \(rows.columns.first ?? "key")", rows.columns.enumerated().map { ($1, $0 > 0) },
            rows.rows.map { row in row.enumerated().map { Grid.Cell(content: "\($1)", isNumber: $0 > 0) } })
    }
}
