import Dataflow
import Declaration
import Expressions
import Platform

extension MetricPlan {
    /// Reads one metric's declaration.
    /// - Parameter problems: gets everything that is wrong with it.
    /// - Returns: the metric; nil when a problem, one of these or an earlier one, says why there is none.
    static func make(_ entry: ConfigEntry, input: RecordSchema, _ problems: inout Diagnostics) -> MetricPlan? {
        checkName(entry, &problems)
        var condition: TypedExpression?
        var conditionText: String?
        if let value = entry.value["where"], let text = value.string {
            do throws(Diagnostics) {
                condition = try Expression.parse(text, at: value.location).checkCondition(against: input)
                conditionText = text
            } catch {
                problems.append(contentsOf: error)
            }
        }
        guard let value = entry.value["metric"], let text = value.string else { return nil }
        var plan: MetricPlan?
        do throws(Diagnostics) {
            plan = make(try MetricCall.parse(text, at: value.location), name: entry.key, input, &problems)
        } catch {
            problems.append(contentsOf: error)
        }
        plan?.condition = condition
        plan?.conditionText = conditionText
        return plan
    }

    /// The longest name of a metric, in bytes.
    private static let nameBytesMax = 48

    private static func checkName(_ entry: ConfigEntry, _ problems: inout Diagnostics) {
        let name = entry.key
        if name.utf8.count > nameBytesMax {
            problems.append(
                Diagnostic(
                    code: "metric-name", at: entry.keyLocation,
                    "a metric's name is too long, found \(name.utf8.count) bytes, expected at most \(nameBytesMax)"))
            return
        }
        let first = name.utf8.first ?? 0
        guard first == 95 || (97...122).contains(first),
            name.utf8.allSatisfy({ $0 == 95 || (97...122).contains($0) || (48...57).contains($0) })
        else {
            problems.append(
                Diagnostic(
                    code: "metric-name", at: entry.keyLocation,
                    "a metric cannot be called \(name), expected a lower-case letter or _, then letters, digits or _"))
            return
        }
    }

    private static let functionNames = ["count", "sum", "min", "max", "avg", "uniques", "percentiles"]

    /// What other languages call the metrics.
    private static let otherNames = [
        "mean": "avg", "average": "avg", "total": "sum", "distinct": "uniques", "count_distinct": "uniques",
        "countdistinct": "uniques", "approx_count_distinct": "uniques", "unique": "uniques", "uniq": "uniques",
        "cardinality": "uniques", "minimum": "min", "maximum": "max", "percentile": "percentiles",
        "quantile": "percentiles", "quantiles": "percentiles", "median": "percentiles(f, 50)",
        "percentile_cont": "percentiles",
    ]

    private static func make(
        _ call: MetricCall, name: String, _ input: RecordSchema, _ problems: inout Diagnostics
    ) -> MetricPlan? {
        guard functionNames.contains(call.function) else {
            let meant = otherNames[call.function.lowercased()].map { "did you mean '\($0)'?" }
            problems.append(
                Diagnostic(
                    code: "unknown-metric", at: call.functionLocation,
                    "unknown metric '\(call.function)', expected one of \(functionNames.joined(separator: ", "))",
                    hint: meant ?? Suggestion.hint(for: call.function, in: functionNames)))
            return nil
        }
        if call.function == "count" {
            guard call.arguments.isEmpty else {
                problems.append(
                    Diagnostic(
                        code: "metric-arguments", at: call.functionLocation, "count() takes no field",
                        hint: "to count the records that have a value, add where: \"field is not null\""))
                return nil
            }
            checkOptions(call, allowed: [], &problems)
            return MetricPlan(name: name, function: .count)
        }
        guard case .field(let fieldName, let location)? = call.arguments.first else {
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: call.functionLocation, "\(call.function)() needs a field",
                    hint: "for example \(call.function)(\(input.fields.first?.name ?? "duration_ms"))"))
            return nil
        }
        let field = input.field(fieldName, at: location, &problems)
        guard let function = function(of: call, on: field, at: location, &problems), let field else { return nil }
        return MetricPlan(
            name: name, function: function, column: field.column, type: field.type, sourceField: field.name)
    }

    /// The metric's function, checked as far as its field is known.
    private static func function(
        of call: MetricCall, on field: RecordSchema.Field?, at location: SourceLocation, _ problems: inout Diagnostics
    ) -> Function? {
        func require(_ expected: String, _ fits: (ColumnType) -> Bool) {
            guard let field, !fits(field.type) else { return }
            problems.append(
                Diagnostic(
                    code: "metric-type", at: location,
                    "\(call.function)() cannot work on \(field.name), which is \(field.type), expected \(expected)"))
        }
        if call.arguments.count > 1, call.function != "percentiles" {
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: call.arguments[1].location, "\(call.function)() takes one field",
                    hint: precisionHint(call)))
        }
        checkOptions(call, allowed: call.function == "uniques" ? ["precision"] : [], &problems)
        switch call.function {
        case "sum", "avg":
            require("integer, decimal or double", \.isNumeric)
            return call.function == "sum" ? .sum : .avg
        case "min", "max":
            require("integer, decimal, double or timestamp") { $0.isNumeric || $0 == .timestamp }
            return call.function == "min" ? .min : .max
        case "uniques": return precision(call, &problems).map { .uniques($0) }
        case "percentiles":
            require("integer, decimal or double", \.isNumeric)
            return .percentiles(percentiles(call, &problems))
        default: preconditionFailure("\(call.function) is in the list of metrics and cannot be planned")
        }
    }
}

extension MetricPlan {
    private static func percentiles(_ call: MetricCall, _ problems: inout Diagnostics) -> [Percentile] {
        var found: [Percentile] = []
        func report(_ location: SourceLocation, _ what: String, _ hint: String? = nil) {
            problems.append(Diagnostic(code: "metric-arguments", at: location, what, hint: hint))
        }
        for argument in call.arguments.dropFirst() {
            guard case .number(let text, let percent, let location) = argument, (0...100).contains(percent) else {
                report(
                    argument.location, "a percentile must be a number from 0 to 100",
                    "for example percentiles(f, 50, 95, 99.9)")
                continue
            }
            guard percent == 0 || percent >= 1 else {
                let meant = Percentile.text(percent * 100)
                report(
                    location, "percent is 0 to 100 here, found \(text)", "the \(meant)th percentile is \(meant)")
                continue
            }
            let percentile = Percentile(percent: percent, text: text)
            if found.contains(where: { $0.columnSuffix == percentile.columnSuffix }) {
                report(location, "percentile \(text) is asked for twice")
                continue
            }
            found.append(percentile)
        }
        if call.arguments.count < 2 {
            report(
                call.functionLocation, "percentiles() needs at least one percentile",
                "for example percentiles(duration_ms, 50, 95, 99)")
        }
        return found
    }

    private static func checkOptions(_ call: MetricCall, allowed: [String], _ problems: inout Diagnostics) {
        for option in call.options where !allowed.contains(option.name) {
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: option.location,
                    "\(call.function)() has no option \(option.name)",
                    hint: allowed.isEmpty ? nil : "its option is precision: compact, standard or precise"))
        }
    }

    private static func precision(_ call: MetricCall, _ problems: inout Diagnostics) -> HLLPreset? {
        guard let option = call.option("precision") else { return .standard }
        guard case .word(let text) = option.value, let preset = HLLPreset(rawValue: text) else {
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: option.valueLocation,
                    "unknown precision, expected compact, standard or precise"))
            return nil
        }
        return preset
    }

    /// `uniques(user, precise)` as it works.
    private static func precisionHint(_ call: MetricCall) -> String? {
        guard call.function == "uniques", case .field(let field, _) = call.arguments[0],
            case .field(let word, _) = call.arguments[1], HLLPreset(rawValue: word) != nil
        else { return nil }
        return "write \"uniques(\(field), precision: \(word))\" in quotes"
    }
}

extension MetricPlan.Percentile {
    /// A number of percent without needless digits.
    fileprivate static func text(_ percent: Double) -> String {
        let rounded = (percent * 1e6).rounded() / 1e6
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}
