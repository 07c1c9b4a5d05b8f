import Dataflow
import Declaration
import Expressions
import Platform

extension GeneratedColumn {
    /// Reads one entry of `columns`.
    /// - Parameters:
    ///   - plan: the summary with its keys and metrics.
    ///   - problems: gets everything that is wrong with it.
    /// - Returns: the column; nil when a problem, one of these or an earlier one, says why there is none.
    static func make(
        _ entry: ConfigEntry, of plan: SummaryPlan, _ node: NodeDeclaration, _ problems: inout Diagnostics
    ) -> GeneratedColumn? {
        let isNamed = MetricPlan.checkName(entry, "column", &problems)
        guard let text = entry.value.string else { return nil }
        do throws(Diagnostics) {
            let expression = try Expression.parse(text, at: entry.value.location)
            var found = Diagnostics()
            let formula = expression.formula(&found) { name, location, problems in
                source(name, at: location, of: plan, node, &problems)
            }
            problems.append(contentsOf: found)
            guard let formula, !found.hasErrors, isNamed else { return nil }
            guard ColumnMagnitude(formula) != nil else {
                problems.append(
                    Diagnostic(
                        code: "column-range", at: entry.value.location,
                        "column \(entry.key) may leave the range of doubles, found products or quotients of many values",
                        hint: "use fewer factors, or divide before you multiply"))
                return nil
            }
            return GeneratedColumn(name: entry.key, formula: formula, text: expression.canonicalText)
        } catch {
            problems.append(contentsOf: error)
            return nil
        }
    }

    /// What a name in a formula stands for.
    private static func source(
        _ name: String, at location: SourceLocation, of plan: SummaryPlan, _ node: NodeDeclaration,
        _ problems: inout Diagnostics
    ) -> Source? {
        for (position, metric) in plan.metrics.enumerated() {
            guard let column = metric.columns.firstIndex(where: { $0.name == name }) else { continue }
            let found = metric.columns[column]
            guard found.isShown, found.kind.isNumber else {
                let shown = metric.columns.filter { $0.isShown && $0.kind.isNumber }.map(\.name)
                problems.append(
                    Diagnostic(
                        code: "column-type", at: location,
                        "cannot compute with \(name), which is "
                            + (found.isShown ? found.kind.name : "a state that rows are merged by")
                            + ", expected a number",
                        hint: shown.isEmpty ? nil : "metric \(metric.name) has " + shown.joined(separator: ", ")))
                return nil
            }
            let isUnbounded = found.kind != .integer && metric.metric.fields.contains { $0.type == .double }
            return Source(metric: position, column: column, name: name, isUnbounded: isUnbounded)
        }
        // Metrics that are no good have been complained about, and nobody knows their columns.
        let declared = (node.config["metrics"]?.entries ?? []).map(\.key)
        let known = Set(plan.metrics.map(\.name))
        if declared.contains(where: { !known.contains($0) && (name == $0 || name.hasPrefix($0 + "_")) }) { return nil }
        problems.append(unknown(name, at: location, of: plan, node))
        return nil
    }

    private static func unknown(
        _ name: String, at location: SourceLocation, of plan: SummaryPlan, _ node: NodeDeclaration
    ) -> Diagnostic {
        let numbers = plan.metrics.flatMap { metric in
            metric.columns.filter { $0.isShown && $0.kind.isNumber }.map(\.name)
        }
        let hint: String?
        if let metric = plan.metrics.first(where: { $0.name == name }) {
            hint = "metric \(name) has " + metric.columns.filter(\.isShown).map(\.name).joined(separator: ", ")
        } else if node.config["columns"]?.entries?.contains(where: { $0.key == name }) == true {
            hint = "a computed column cannot use another one: write its formula in its place"
        } else if plan.keys.contains(where: { $0.name == name }) {
            hint = "it is a field to group by: use it in a metric, or compute with derive"
        } else {
            hint = Suggestion.hint(for: name, in: numbers)
        }
        return Diagnostic(
            code: "unknown-column", at: location,
            "unknown column '\(name)', expected "
                + (numbers.isEmpty ? "a metric that is a number" : "one of \(numbers.joined(separator: ", "))"),
            hint: hint)
    }
}

extension ResultColumn.Kind {
    /// Whether it can be computed with.
    var isNumber: Bool {
        switch self {
        case .integer, .decimal, .double: true
        case .timestamp, .boolean, .text, .json, .bytes: false
        }
    }

    /// How messages call it.
    var name: String {
        switch self {
        case .integer: "an integer"
        case .decimal: "a decimal"
        case .double: "a double"
        case .timestamp: "a timestamp"
        case .boolean: "a boolean"
        case .text: "a text"
        case .json: "a list in JSON"
        case .bytes: "bytes"
        }
    }
}
