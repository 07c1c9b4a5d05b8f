import Dataflow
import Declaration
package import Expressions

/// One metric of a `summarize` node: what is computed, and of which records.
package struct MetricPlan: Sendable {
    /// What is computed.
    package var metric: any Metric
    /// Which records take part, nil for all.
    package var condition: TypedExpression?
    /// The condition as the user wrote it.
    package var conditionText: String?

    /// Creates a plan.
    package init(_ metric: any Metric, condition: TypedExpression? = nil, conditionText: String? = nil) {
        self.metric = metric
        self.condition = condition
        self.conditionText = conditionText
    }

    /// The metric's name: the table's column, or the stem of its columns.
    package var name: String { metric.name }

    /// The columns that the metric makes.
    package var columns: [ResultColumn] { metric.columns }

    /// The condition as it was parsed.
    package var expression: Expression? {
        // It was parsed before, so it can be parsed.
        conditionText.flatMap { try? Expression.parse($0, at: SourceLocation(file: "", line: 1, column: 1)) }
    }

    /// The fields that the metric depends on.
    package var fieldNames: Set<String> {
        Set(metric.fields.map(\.name)).union(expression?.fieldNames ?? [])
    }

    /// The metric's call in canonical form: what it computes of which fields.
    /// - Parameter separator: what stands between a field's name and its type.
    package func canonicalCall(separator: String) -> String {
        let fields = metric.fields.map { "\($0.name)\(separator)\($0.type)" }
        return "\(metric.identity.function)(\((fields + metric.identity.options).joined(separator: ", ")))"
    }
}

extension MetricPlan {
    /// Reads one metric's declaration.
    /// - Parameter problems: gets everything that is wrong with it.
    /// - Returns: the metric; nil when a problem, one of these or an earlier one, says why there is none.
    static func make(
        _ entry: ConfigEntry, input: RecordSchema, _ catalog: MetricCatalog, _ problems: inout Diagnostics
    ) -> MetricPlan? {
        checkName(entry, "metric", &problems)
        var condition: TypedExpression?
        var conditionText: String?
        if let value = entry.value["where"], let text = value.string {
            do throws(Diagnostics) {
                let typed = try Expression.parse(text, at: value.location).checkCondition(against: input)
                problems.append(contentsOf: typed.warnings)
                condition = typed
                conditionText = text
            } catch {
                problems.append(contentsOf: error)
            }
        }
        guard let value = entry.value["metric"], let text = value.string else { return nil }
        do throws(Diagnostics) {
            let call = try MetricCall.parse(text, at: value.location)
            guard let metric = catalog.compile(call, named: entry.key, input: input, &problems) else { return nil }
            let plan = MetricPlan(metric, condition: condition, conditionText: conditionText)
            if catalog.weighsRecords(call), let problem = plan.repetition(of: call, input) { problems.append(problem) }
            return plan
        } catch {
            problems.append(contentsOf: error)
            return nil
        }
    }

    /// The warning that values of documents are taken once for each of their elements; nil where a condition may choose one.
    private func repetition(of call: MetricCall, _ input: RecordSchema) -> Diagnostic? {
        let names = fieldNames
        guard let field = metric.fields.first, names.allSatisfy({ input[$0]?.isOfDocument ?? false }),
            case .field(_, let location)? = call.arguments.first
        else { return nil }
        return Diagnostic(
            .warning, code: "repeated-value", at: location,
            "\(field.name) is of the document, whose elements are the records: \(call.function)(\(field.name)) takes it once "
                + "for each element, expected a field of the element",
            hint: "have a topology of its own without `each` take it, where each document is one record")
    }

    /// The longest name of a metric, in bytes.
    private static let nameBytesMax = 48

    /// Makes sure that a name is one for columns.
    /// - Parameter what: what has the name.
    @discardableResult
    static func checkName(_ entry: ConfigEntry, _ what: String, _ problems: inout Diagnostics) -> Bool {
        let name = entry.key
        if name.utf8.count > nameBytesMax {
            problems.append(
                Diagnostic(
                    code: "\(what)-name", at: entry.keyLocation,
                    "a \(what)'s name is too long, found \(name.utf8.count) bytes, expected at most \(nameBytesMax)"))
            return false
        }
        let first = name.utf8.first ?? 0
        guard first == 95 || (97...122).contains(first),
            name.utf8.allSatisfy({ $0 == 95 || (97...122).contains($0) || (48...57).contains($0) })
        else {
            problems.append(
                Diagnostic(
                    code: "\(what)-name", at: entry.keyLocation,
                    "a \(what) cannot be called \(name), expected a lower-case letter or _, then letters, digits or _"))
            return false
        }
        return true
    }
}
