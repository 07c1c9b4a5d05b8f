package import Dataflow

extension SummaryPlan {
    /// The most `by` fields: ten of 256 bytes still fit an index entry of Postgres.
    static let keysMax = 10

    /// Reads a `summarize` declaration against the schema of its input.
    /// - Throws: `Diagnostics` with everything that is wrong.
    package static func make(_ node: NodeDeclaration, input: RecordSchema) throws(Diagnostics) -> SummaryPlan {
        var problems = Diagnostics()
        var plan = SummaryPlan(node: node.name, keys: [], metrics: [])
        if let window = node.config["window"], let length = window.duration {
            let (seconds, attoseconds) = length.components
            plan.windowMicroseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
            plan.eventTimeColumn = input.eventTimeColumn
            if input.eventTimeColumn == nil {
                problems.append(
                    Diagnostic(
                        code: "no-event-time", at: window.location, "a window needs an event time",
                        hint: "add `event_time: <timestamp field>` to the parse_json node"))
            }
        }
        if let sets = node.config["grouping_sets"] {
            plan.readSets(sets, beside: node.config["by"], input, &problems)
        } else {
            plan.readKeys(node.config["by"]?.list ?? [], input, &problems)
        }
        if plan.keys.count > keysMax {
            let place = node.config["grouping_sets"] ?? node.config["by"]
            problems.append(
                Diagnostic(
                    code: "too-many-keys", at: place?.location ?? node.location,
                    "found \(plan.keys.count) fields to group by, expected at most \(keysMax)"))
        }
        for entry in node.config["metrics"]?.entries ?? [] {
            do {
                plan.metrics.append(try MetricPlan.make(entry, input: input))
            } catch {
                problems.append(contentsOf: error)
            }
        }
        checkColumns(plan, node, &problems)
        if problems.hasErrors { throw problems }
        return plan
    }

    /// Reads `by`.
    private mutating func readKeys(_ values: [ConfigValue], _ input: RecordSchema, _ problems: inout Diagnostics) {
        for value in values {
            do throws(Diagnostic) {
                let key = try Self.key(value, input)
                if keys.contains(where: { $0.name == key.name }) {
                    throw Diagnostic(code: "duplicate-key", at: value.location, "\(key.name) is in `by` twice")
                }
                keys.append(key)
            } catch { problems.append(error) }
        }
    }

    /// A field to group by.
    static func key(_ value: ConfigValue, _ input: RecordSchema) throws(Diagnostic) -> Key {
        let name = value.string ?? ""
        let field = try input.field(name, at: value.location)
        if field.type == .double {
            throw Diagnostic(
                code: "key-type", at: value.location, "\(name) is double, which makes no groups",
                hint: "group by text, integer, decimal, boolean or timestamp fields")
        }
        return Key(name: name, type: field.type, column: field.column)
    }

    /// Every column of the table needs a name of its own.
    private static func checkColumns(_ plan: SummaryPlan, _ node: NodeDeclaration, _ problems: inout Diagnostics) {
        if plan.metrics.isEmpty, !problems.hasErrors {
            problems.append(
                Diagnostic(
                    code: "no-metrics", at: node.config.location, "node \(node.name) has no metrics",
                    hint: "count the records, for example: metrics: { events: count() }"))
        }
        var owners: [String: String] = ["group_key": "Millrace's own key", "window_start": "the window"]
        if plan.groupingSets != nil { owners["grouping_set"] = "the grouping set's name" }
        let lists = [node.config["by"]] + (node.config["grouping_sets"]?.list ?? [])
        let mentions = lists.flatMap { $0?.list ?? [] }
        for key in plan.keys where owners.updateValue("the field to group by", forKey: key.name) != nil {
            problems.append(
                Diagnostic(
                    code: "column-name",
                    at: mentions.first { $0.string == key.name }?.location ?? node.location,
                    "\(key.name) cannot be a key's name, it is used by Millrace",
                    hint: "give the field another name in parse_json"))
        }
        let locations = Dictionary(
            (node.config["metrics"]?.entries ?? []).map { ($0.key, $0.keyLocation) },
            uniquingKeysWith: { first, _ in first })
        for metric in plan.metrics {
            for column in metric.columnNames {
                if let owner = owners[column] {
                    problems.append(
                        Diagnostic(
                            code: "column-name", at: locations[metric.name] ?? node.location,
                            "metric \(metric.name) makes a column \(column), which is also \(owner)",
                            hint: "give the metric another name"))
                }
                owners[column] = "a column of metric \(metric.name)"
            }
        }
    }
}

extension RecordSchema {
    /// The field called `name`.
    /// - Throws: a diagnostic that lists the fields there are.
    func field(_ name: String, at location: SourceLocation) throws(Diagnostic) -> Field {
        if let field = self[name] { return field }
        throw Diagnostic(
            code: "unknown-field", at: location,
            "the records have no field '\(name)', expected one of \(fields.map(\.name).joined(separator: ", "))",
            hint: Suggestion.hint(for: name, in: fields.map(\.name)))
    }
}

extension MetricPlan {
    /// The names of the table's columns that the metric makes.
    var columnNames: [String] {
        let writer = makeWriter()
        return (writer.plainColumns + writer.stateColumns).map(\.name)
    }

    /// Reads one metric's declaration.
    static func make(_ entry: ConfigEntry, input: RecordSchema) throws(Diagnostics) -> MetricPlan {
        guard isColumnName(entry.key) else {
            throw Diagnostics(
                Diagnostic(
                    code: "metric-name", at: entry.keyLocation,
                    "a metric cannot be called \(entry.key), expected a lower-case letter or _, then letters, digits or _"
                ))
        }
        let value = entry.value["metric"] ?? entry.value
        let call = try MetricCall.parse(value.string ?? "", at: value.location)
        var plan: MetricPlan
        do { plan = try make(call, name: entry.key, input) } catch { throw Diagnostics(error) }
        if let condition = entry.value["where"], let text = condition.string {
            let expression = try Expression.parse(text, at: condition.location)
            plan.condition = try expression.checkCondition(against: input)
            plan.conditionText = text
        }
        return plan
    }

    private static let functionNames = ["count", "sum", "min", "max", "avg", "uniques", "percentiles"]

    private static func isColumnName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first == 95 || (97...122).contains(first) else { return false }
        return text.utf8.count <= 48
            && text.utf8.allSatisfy { $0 == 95 || (97...122).contains($0) || (48...57).contains($0) }
    }

    private static func make(
        _ call: MetricCall, name: String, _ input: RecordSchema
    ) throws(Diagnostic) -> MetricPlan {
        guard functionNames.contains(call.function) else {
            throw Diagnostic(
                code: "unknown-metric", at: call.functionLocation,
                "unknown metric '\(call.function)', expected one of \(functionNames.joined(separator: ", "))",
                hint: Suggestion.hint(for: call.function, in: functionNames))
        }
        if call.function == "count" {
            guard call.arguments.isEmpty else {
                throw Diagnostic(
                    code: "metric-arguments", at: call.functionLocation, "count() takes no field",
                    hint: "to count the records that have a value, add where: \"field is not null\"")
            }
            return MetricPlan(name: name, function: .count)
        }
        guard case .field(let fieldName, let location)? = call.arguments.first else {
            throw Diagnostic(
                code: "metric-arguments", at: call.functionLocation, "\(call.function)() needs a field",
                hint: "for example \(call.function)(\(input.fields.first?.name ?? "duration_ms"))")
        }
        let field = try input.field(fieldName, at: location)
        let function = try function(of: call, on: field, at: location)
        return MetricPlan(
            name: name, function: function, column: field.column, type: field.type, sourceField: field.name)
    }

    private static func function(
        of call: MetricCall, on field: RecordSchema.Field, at location: SourceLocation
    ) throws(Diagnostic) -> Function {
        func require(_ fits: Bool, _ expected: String) throws(Diagnostic) {
            if fits { return }
            throw Diagnostic(
                code: "metric-type", at: location,
                "\(call.function)() cannot work on \(field.name), which is \(field.type), expected \(expected)")
        }
        let hasMore = call.arguments.count > 1
        if hasMore, call.function != "percentiles" {
            throw Diagnostic(
                code: "metric-arguments", at: call.functionLocation, "\(call.function)() takes one field")
        }
        switch call.function {
        case "sum", "avg":
            try require(field.type.isNumeric, "integer, decimal or double")
            return call.function == "sum" ? .sum : .avg
        case "min", "max":
            try require(field.type.isNumeric || field.type == .timestamp, "integer, decimal, double or timestamp")
            return call.function == "min" ? .min : .max
        case "uniques": return .uniques(try precision(call))
        case "percentiles":
            try require(field.type.isNumeric, "integer, decimal or double")
            return .percentiles(try percentiles(call))
        default: preconditionFailure("\(call.function) is in the list of metrics and cannot be planned")
        }
    }
}

extension MetricPlan {
    private static func percentiles(_ call: MetricCall) throws(Diagnostic) -> [Percentile] {
        var found: [Percentile] = []
        for argument in call.arguments.dropFirst() {
            guard case .number(let text, let percent, let location) = argument, (0...100).contains(percent) else {
                throw Diagnostic(
                    code: "metric-arguments", at: argument.location,
                    "a percentile must be a number from 0 to 100", hint: "for example percentiles(f, 50, 95, 99.9)")
            }
            let percentile = Percentile(percent: percent, text: text)
            if found.contains(where: { $0.columnSuffix == percentile.columnSuffix }) {
                throw Diagnostic(code: "metric-arguments", at: location, "percentile \(text) is asked for twice")
            }
            found.append(percentile)
        }
        guard !found.isEmpty else {
            throw Diagnostic(
                code: "metric-arguments", at: call.functionLocation, "percentiles() needs at least one percentile",
                hint: "for example percentiles(duration_ms, 50, 95, 99)")
        }
        return found
    }

    private static func precision(_ call: MetricCall) throws(Diagnostic) -> HLLPreset {
        if let unknown = call.options.first(where: { $0.name != "precision" }) {
            throw Diagnostic(
                code: "metric-arguments", at: unknown.location, "uniques() has no option \(unknown.name)",
                hint: "its option is precision: compact, standard or precise")
        }
        guard let option = call.option("precision") else { return .standard }
        guard case .word(let text) = option.value, let preset = HLLPreset(rawValue: text) else {
            throw Diagnostic(
                code: "metric-arguments", at: option.valueLocation,
                "unknown precision, expected compact, standard or precise")
        }
        return preset
    }
}
