import Dataflow
package import Declaration
import JSON
import Platform

extension ParsePlan {
    /// Reads a `parse_json` declaration.
    /// - Parameter problems: gets everything that is wrong with it.
    /// - Returns: the plan, of no use when there are problems; and the schema of the records it makes, which also knows
    ///   the fields whose type is in question.
    package static func make(
        _ node: NodeDeclaration, _ problems: inout Diagnostics
    ) -> (plan: ParsePlan, schema: RecordSchema) {
        var declarations: [FieldDeclaration] = []
        var schema = RecordSchema(fields: [], eventTimeColumn: nil)
        let declared = node.config["fields"]
        if declared?.isInvalid ?? true { schema.isOpen = true }
        for entry in declared?.entries ?? [] {
            guard let (declaration, type) = field(entry, &problems) else {
                schema.unresolved.insert(entry.key)
                continue
            }
            schema.fields.append(
                RecordSchema.Field(
                    name: entry.key, type: type, column: schema.fields.count,
                    textBytesMax: type == .text ? declaration.textLengthMax : nil))
            declarations.append(declaration)
        }
        if let declared, declared.entries?.isEmpty ?? false {
            schema.isOpen = true
            problems.append(
                Diagnostic(
                    code: "no-fields", at: declared.location, "node \(node.name) declares no fields",
                    hint: "without fields there is nothing to count by"))
        }
        readEventTime(node, &schema, &declarations, &problems)
        let limits = JSONLimits(
            depthMax: Int(node.config.defaulted("max_depth").integer ?? 0),
            documentLengthMax: Int(node.config.defaulted("max_record_bytes").integer ?? 0))
        let plan = ParsePlan(
            fields: declarations, names: schema.fields.map(\.name),
            eventTime: schema.fields.first { $0.column == schema.eventTimeColumn }?.name, limits: limits)
        return (plan, schema)
    }

    private static func readEventTime(
        _ node: NodeDeclaration, _ schema: inout RecordSchema, _ declarations: inout [FieldDeclaration],
        _ problems: inout Diagnostics
    ) {
        guard let eventTime = node.config["event_time"] else { return }
        guard let name = eventTime.string, !schema.isUnresolved(name) else {
            schema.eventTimeIsUnresolved = true
            return
        }
        if let field = schema[name], field.type == .timestamp {
            schema.eventTimeColumn = field.column
            declarations[field.column].isRequired = true
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
                hint: "declare \(name) as timestamp, timestamp(s), timestamp(ms) or timestamp(us)")
        }
        let known = schema.fields.filter { $0.type == .timestamp }.map(\.name)
        return Diagnostic(
            code: "unknown-field", at: value.location, "event_time names \(name), which is not among the fields",
            hint: Suggestion.hint(for: name, in: known)
                ?? (known.isEmpty ? "declare a timestamp field" : "timestamp fields: \(known.joined(separator: ", "))"))
    }

    /// Reads one field; nil when a problem makes it useless.
    private static func field(
        _ entry: ConfigEntry, _ problems: inout Diagnostics
    ) -> (FieldDeclaration, ColumnType)? {
        // A field with a bad name or path has a type all the same, so that what reads it is checked.
        if let problem = nameProblem(entry) { problems.append(problem) }
        var keys = [entry.key]
        if let path = entry.value["path"] {
            do throws(FieldPath.Problem) {
                if let text = path.string { keys = try FieldPath(text).keys }
            } catch {
                problems.append(
                    Diagnostic(
                        code: "field-path", at: path.location,
                        "the path of \(entry.key) \(error.what), found \"\(path.string ?? "")\", expected keys joined by dots",
                        hint: error.hint))
            }
        }
        guard let typeValue = entry.value["type"], let text = typeValue.string else { return nil }
        guard let type = fieldType(text) else {
            problems.append(typeProblem(text, at: typeValue.location))
            return nil
        }
        let declaration = FieldDeclaration(
            path: keys, type: type, isRequired: entry.value.defaulted("required").boolean ?? false,
            onTypeError: entry.value.defaulted("on_type_error").string == "null" ? .null : .reject,
            textLengthMax: Int(entry.value.defaulted("max_bytes").integer ?? 0))
        return (declaration, ColumnType(type))
    }

    private static func nameProblem(_ entry: ConfigEntry) -> Diagnostic? {
        FieldName.problem(
            entry.key, at: entry.keyLocation, shorter: "give it a shorter name and say where it is with path:",
            other: "give it another name and say where it is: { path: \(entry.key), type: text }")
    }
}

extension ParsePlan {
    private static func fieldType(_ text: String) -> FieldType? {
        switch text {
        case "text": return .text
        case "integer": return .integer
        case "double": return .double
        case "boolean": return .boolean
        case "timestamp": return .timestamp(.rfc3339)
        case "timestamp(s)": return .timestamp(.epochSeconds)
        case "timestamp(ms)": return .timestamp(.epochMilliseconds)
        case "timestamp(us)": return .timestamp(.epochMicroseconds)
        default: break
        }
        if text.hasPrefix("decimal("), text.hasSuffix(")"), let scale = Int(text.dropFirst(8).dropLast()),
            (0...18).contains(scale)
        {
            return .decimal(scale: scale)
        }
        return nil
    }

    private static func typeProblem(_ text: String, at location: SourceLocation) -> Diagnostic {
        Diagnostic(
            code: "field-type", at: location,
            "unknown type, found \"\(text)\", expected text, integer, "
                + "decimal(0…18), double, boolean, timestamp, timestamp(s), timestamp(ms) or timestamp(us)",
            hint: meantType(text).map { "did you mean \($0)?" })
    }

    /// What other languages call the types.
    private static func meantType(_ text: String) -> String? {
        let word = text.lowercased().prefix { $0 != "(" && $0 != " " }
        switch word {
        case "string", "str", "varchar", "char", "character", "uuid", "keyword", "enum": return "text"
        case "int", "int4", "int8", "int16", "int32", "int64", "long", "short", "smallint", "bigint", "uint32",
            "uint64", "byte":
            return "integer"
        case "float", "float4", "float8", "float32", "float64", "real": return "double"
        case "number": return "integer, double or decimal(2)"
        case "bool": return "boolean"
        case "decimal", "numeric", "money", "currency":
            return text.contains("(") ? "decimal(n) with n digits after the point, 0 to 18" : "decimal(2)"
        case "timestamptz", "datetime", "date", "time", "date_time", "instant": return "timestamp"
        case "timestamp", "epoch", "unix", "unixtime":
            return "timestamp (RFC 3339), timestamp(s), timestamp(ms) or timestamp(us)"
        default:
            return Suggestion.nearest(
                to: text, in: ["text", "integer", "double", "boolean", "timestamp", "decimal(2)"])
        }
    }
}

extension ColumnType {
    /// The type of the column that a field fills.
    init(_ type: FieldType) {
        self =
            switch type {
            case .text: .text
            case .integer: .integer
            case .double: .double
            case .boolean: .boolean
            case .timestamp: .timestamp
            case .decimal(let scale): .decimal(scale: scale)
            }
    }
}
