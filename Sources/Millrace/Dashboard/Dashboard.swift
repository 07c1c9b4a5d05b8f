import Declaration
import Foundation

/// A dashboard of Grafana, as its JSON has it.
struct Dashboard: Encodable {
    /// The kind of data source: Grafana's own for Postgres.
    static let sourceType = "grafana-postgresql-datasource"
    /// The variable by which whoever looks chooses the database.
    private static let sourceVariable = "database"

    struct Source: Encodable {
        var type = Dashboard.sourceType
        var uid = "${\(Dashboard.sourceVariable)}"
    }

    struct TimeRange: Encodable {
        var from = "now-24h"
        var to = "now"
    }

    struct Variable: Encodable {
        var name = Dashboard.sourceVariable
        var label = "Database"
        var type = "datasource"
        var query = Dashboard.sourceType
    }

    struct Templating: Encodable { var list = [Variable()] }

    var title: String
    var uid: String
    var tags = ["millrace"]
    var timezone = "browser"
    var schemaVersion = 39
    var editable = true
    var refresh = "30s"
    var time = TimeRange()
    var templating = Templating()
    var panels: [Panel] = []

    /// The dashboard of a topology's tables; those without windows have their totals.
    init(of topology: CompiledTopology) {
        title = topology.name
        uid = "millrace-" + topology.name.prefix(30).map { $0.isLetter || $0.isNumber ? String($0) : "-" }.joined()
        var layout = PanelLayout()
        let tables = topology.sinks.compactMap({ $0.plan as? any Chartable }).flatMap(\.charts)
        let span = tables.compactMap(\.window?.span).first
        if let span { time.from = "now-\(span)" }
        for table in tables {
            layout.beginRow(table.title)
            // Tables of longer windows look further back than the dashboard does, those of shorter ones less far.
            let own = table.window?.span == span ? nil : table.window?.span
            for panel in Panel.all(of: table) { layout.add(panel, lookingBack: own) }
        }
        panels = layout.panels
    }

    /// The JSON that Grafana imports.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        } catch {
            preconditionFailure("a dashboard of texts and numbers is JSON: \(error)")
        }
    }
}

/// Puts panels side by side, two in a row of Grafana's 24 columns.
struct PanelLayout {
    private static let (width, height) = (12, 8)

    private(set) var panels: [Panel] = []
    private var (x, y) = (0, 0)

    /// Begins a section.
    mutating func beginRow(_ title: String) {
        if x > 0 { (x, y) = (0, y + Self.height) }
        var row = Panel(type: "row", title: title)
        row.gridPos = Panel.Place(h: 1, w: 2 * Self.width, x: 0, y: y)
        y += 1
        append(row)
    }

    /// Adds a panel.
    /// - Parameter span: how far it looks back, nil for as far as the dashboard does.
    mutating func add(_ panel: Panel, lookingBack span: String?) {
        var panel = panel
        panel.timeFrom = span
        panel.gridPos = Panel.Place(h: Self.height, w: Self.width, x: x, y: y)
        x += Self.width
        if x == 2 * Self.width { (x, y) = (0, y + Self.height) }
        append(panel)
    }

    private mutating func append(_ panel: Panel) {
        panels.append(panel)
        panels[panels.count - 1].id = panels.count
    }
}
