import Dataflow
package import Declaration
import JSON
import Platform

extension ParsePlan {
    /// Reads a `parse_json` declaration.
    /// - Parameters:
    ///   - input: what feeds it: not every source has everything of a message.
    ///   - problems: gets everything that is wrong with it.
    /// - Returns: the plan, of no use when there are problems; and the schema of the records it makes, which also knows
    ///   the fields whose type is in question.
    package static func make(
        _ node: NodeDeclaration, reading input: Edge, _ problems: inout Diagnostics
    ) -> (plan: ParsePlan, schema: RecordSchema) {
        let reader = FieldReader(node, input, &problems)
        var fields: [RecordField] = []
        var schema = RecordSchema(fields: [], eventTimeColumn: nil)
        let declared = node.config["fields"]
        if declared?.isInvalid ?? true { schema.isOpen = true }
        for entry in declared?.entries ?? [] {
            guard let field = reader.field(entry, &problems) else {
                schema.unresolved.insert(entry.key)
                continue
            }
            schema.fields.append(
                RecordSchema.Field(
                    name: entry.key, type: field.columnType, column: schema.fields.count,
                    textBytesMax: field.columnType == .text ? field.declaration.textLengthMax : nil,
                    isOfDocument: reader.elements != nil
                        && (field.declaration.outward > 0 || field.origin != .document)))
            fields.append(field)
        }
        reader.checkElements(declared, fields, &problems)
        reader.checkChoices(declared, fields, &problems)
        reader.setZones(declared, schema, &fields, &problems)
        if let declared, declared.entries?.isEmpty ?? false {
            schema.isOpen = true
            problems.append(
                Diagnostic(
                    code: "no-fields", at: declared.location, "node \(node.name) declares no fields",
                    hint: "without fields there is nothing to count by"))
        }
        readEventTime(node, &schema, &fields, &problems)
        let limits = JSONLimits(
            depthMax: Int(node.config.defaulted("max_depth").integer ?? 0),
            documentLengthMax: Int(node.config.defaulted("max_record_bytes").integer ?? 0))
        let plan = ParsePlan(
            fields: fields, eventTime: schema.fields.first { $0.column == schema.eventTimeColumn }?.name,
            limits: limits,
            elements: reader.elements)
        return (plan, schema)
    }

    private static func readEventTime(
        _ node: NodeDeclaration, _ schema: inout RecordSchema, _ fields: inout [RecordField],
        _ problems: inout Diagnostics
    ) {
        guard let eventTime = node.config["event_time"] else { return }
        guard let name = eventTime.string, !schema.isUnresolved(name) else {
            schema.eventTimeIsUnresolved = true
            return
        }
        if let field = schema[name], field.type == .timestamp {
            schema.eventTimeColumn = field.column
            fields[field.column].declaration.isRequired = true
        } else {
            schema.eventTimeIsUnresolved = true
            problems.append(eventTimeProblem(eventTime, name, schema))
        }
    }

    private static func eventTimeProblem(_ value: ConfigValue, _ name: String, _ schema: RecordSchema) -> Diagnostic {
        if let field = schema[name] {
            return Diagnostic(
                code: "event-time-type", at: value.location,
                "event_time is \(name), which is \(field.type), expected a timestamp",
                hint: "declare \(name) as timestamp, timestamp(s), timestamp(ms), timestamp(us) or timestamp(ns)")
        }
        let known = schema.fields.filter { $0.type == .timestamp }.map(\.name)
        return Diagnostic(
            code: "unknown-field", at: value.location, "event_time names \(name), which is not among the fields",
            hint: Suggestion.hint(for: name, in: known)
                ?? (known.isEmpty ? "declare a timestamp field" : "timestamp fields: \(known.joined(separator: ", "))"))
    }
}
