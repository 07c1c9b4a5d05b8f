import Dataflow
package import Declaration
import Platform

extension SummaryPlan {
    /// The most `by` fields: ten of 256 bytes still fit an index entry of Postgres.
    static let keysMax = 10

    /// Reads a `summarize` declaration against the schema of its input.
    /// - Parameters:
    ///   - catalog: the metrics and windows that there are.
    ///   - problems: gets everything that is wrong with it.
    /// - Returns: the plan, of no use when there are problems.
    package static func make(
        _ node: NodeDeclaration, input: RecordSchema, _ catalog: SummaryCatalog, _ problems: inout Diagnostics
    ) -> SummaryPlan {
        var plan = SummaryPlan(node: node.name, keys: [], metrics: [])
        let grouping = Grouping.declared(in: node, &problems)
        plan.keysPlace = grouping?.value.location ?? node.location
        plan.readWindows(node, input, catalog.windows, &problems)
        plan.bounds = EventTimeBounds.declared(in: node, input, &problems)
        if plan.bounds != nil { plan.eventTimeColumn = input.eventTimeColumn }
        if let grouping { plan.readGrouping(grouping, input, &problems) }
        if plan.keys.count > keysMax {
            problems.append(
                Diagnostic(
                    code: "too-many-keys", at: plan.keysPlace ?? node.location,
                    "found \(plan.keys.count) fields to group by, expected at most \(keysMax)"))
        }
        let metrics = node.config["metrics"]
        for entry in metrics?.entries ?? [] {
            if let metric = MetricPlan.make(entry, input: input, catalog.metrics, &problems) {
                plan.metrics.append(metric)
            }
        }
        if let metrics, metrics.entries?.isEmpty ?? false {
            problems.append(
                Diagnostic(
                    code: "no-metrics", at: metrics.location, "node \(node.name) has no metrics",
                    hint: "count the records, for example: metrics: { events: count() }"))
        }
        for entry in node.config["columns"]?.entries ?? [] {
            if let column = GeneratedColumn.make(entry, of: plan, node, &problems) { plan.generated.append(column) }
        }
        plan.checkColumns(node, &problems)
        return plan
    }

    /// A field to group by; nil when a problem says why there is none.
    static func key(_ value: ConfigValue, _ input: RecordSchema, _ problems: inout Diagnostics) -> Key? {
        guard let name = value.string else { return nil }
        if let open = name.firstIndex(of: "("), input[name] == nil {
            let inner = name[open...].dropFirst().prefix { $0 != ")" && $0 != "," }
            problems.append(
                Diagnostic(
                    code: "key-expression", at: value.location,
                    "found \(name) among the fields to group by, expected names of fields: there are no expressions here",
                    hint: input[String(inner)] == nil
                        ? nil : "group by \(inner), or have the value written into the events"
                ))
            return nil
        }
        guard let field = input.field(name, at: value.location, &problems) else { return nil }
        guard field.type != .double else {
            problems.append(
                Diagnostic(
                    code: "key-type", at: value.location, "\(name) is double, which makes no groups",
                    hint: "group by text, integer, decimal, boolean or timestamp fields"))
            return nil
        }
        return Key(name: name, type: field.type, column: field.column, textBytesMax: field.textBytesMax)
    }
}

extension SummaryPlan {
    /// The longest name of a column, in bytes: Postgres cuts what is longer, and two names may become one.
    static let columnBytesMax = 63

    /// The columns that every table of Postgres has, whose names it gives to no other.
    private static let systemColumns: Set<String> = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]

    /// Every column of the table needs a name of its own, that Postgres takes and keeps as it is.
    private func checkColumns(_ node: NodeDeclaration, _ problems: inout Diagnostics) {
        var owners: [String: String] = ["group_key": "Millrace's own key", "window_start": "the window"]
        if windows.count > 1 { owners["window_size"] = "the window's size" }
        if groupingSets != nil { owners["grouping_set"] = "the grouping set's name" }
        for name in Self.systemColumns { owners[name] = "a system column of every Postgres table" }
        let lists = Grouping.Form.allCases.compactMap { node.config[$0.rawValue] }.flatMap { $0.list ?? [] }
        let mentions = lists.flatMap { $0.list ?? [$0] }
        for key in keys {
            if let owner = owners[key.name] {
                let isOurs = !Self.systemColumns.contains(key.name)
                problems.append(
                    Diagnostic(
                        code: "column-name",
                        at: mentions.first { $0.string == key.name }?.location ?? node.location,
                        "\(key.name) cannot be a key's name, it is \(isOurs ? "used by Millrace" : owner)",
                        hint: "give the field another name in parse_json"))
            }
            owners[key.name] = "the field to group by"
        }
        let locations = Dictionary(
            (node.config["metrics"]?.entries ?? []).map { ($0.key, $0.keyLocation) },
            uniquingKeysWith: { first, _ in first })
        for metric in metrics {
            let location = locations[metric.name] ?? node.location
            let names = metric.columns.map(\.name)
            for column in names {
                if let owner = owners[column] {
                    problems.append(
                        Diagnostic(
                            code: "column-name", at: location,
                            "metric \(metric.name) makes a column \(column), which is also \(owner)",
                            hint: "give the metric another name"))
                }
                owners[column] = "a column of metric \(metric.name)"
            }
            if let longest = names.max(by: { $0.utf8.count < $1.utf8.count }),
                longest.utf8.count > Self.columnBytesMax
            {
                problems.append(
                    Diagnostic(
                        code: "column-length", at: location,
                        "metric \(metric.name) makes a column \(longest) of \(longest.utf8.count) bytes, "
                            + "expected at most \(Self.columnBytesMax)",
                        hint: "give the metric a shorter name"))
            }
        }
        for entry in node.config["columns"]?.entries ?? [] {
            guard let owner = owners[entry.key] else { continue }
            problems.append(
                Diagnostic(
                    code: "column-name", at: entry.keyLocation,
                    "column \(entry.key) cannot be called so, it is \(owner)", hint: "give it another name"))
        }
    }
}

extension SummaryPlan {
    /// The most bytes of a row's key: what an entry of Postgres's index holds is 2,704 bytes, with the window and what is
    /// around them.
    package static let keyBytesMax = 2_684

    /// The texts of the set whose keys can take most, and how many bytes that is, as `group_key` holds them: a byte before
    /// each value, one behind a text, one for a field that the set lacks.
    package var longestKeys: (texts: [String], bytes: Int) {
        let sizes = sets.map { set -> (texts: [String], bytes: Int) in
            let fields = set.keys.map { keys[$0] }
            let bytes = fields.reduce(keys.count - fields.count) { total, key in
                total + (key.type == .text ? (key.textBytesMax ?? 0) + 2 : key.type == .boolean ? 2 : 9)
            }
            return (fields.filter { $0.type == .text }.map(\.name), bytes)
        }
        return sizes.max { $0.bytes < $1.bytes } ?? ([], 0)
    }
}
