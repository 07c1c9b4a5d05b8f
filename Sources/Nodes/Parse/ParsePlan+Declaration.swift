package import Dataflow
import JSON

extension ParsePlan {
    /// Reads a `parse_json` declaration.
    /// - Returns: the plan, and the schema of the records it makes.
    /// - Throws: `Diagnostics` with everything that is wrong.
    package static func make(
        _ node: NodeDeclaration
    ) throws(Diagnostics) -> (plan: ParsePlan, schema: RecordSchema) {
        var problems = Diagnostics()
        var declarations: [FieldDeclaration] = []
        var fields: [RecordSchema.Field] = []
        for entry in node.config["fields"]?.entries ?? [] {
            do {
                let (declaration, type) = try field(entry)
                fields.append(RecordSchema.Field(name: entry.key, type: type, column: fields.count))
                declarations.append(declaration)
            } catch {
                problems.append(error)
            }
        }
        if fields.isEmpty, !problems.hasErrors {
            problems.append(
                Diagnostic(
                    code: "no-fields", at: node.config.location, "node \(node.name) declares no fields",
                    hint: "without fields there is nothing to count by"))
        }
        var schema = RecordSchema(fields: fields, eventTimeColumn: nil)
        if let eventTime = node.config["event_time"], let name = eventTime.string {
            if let field = schema[name], field.type == .timestamp {
                schema.eventTimeColumn = field.column
                declarations[field.column].isRequired = true
            } else if !problems.hasErrors {
                problems.append(eventTimeProblem(eventTime, name, schema))
            }
        }
        if problems.hasErrors { throw problems }
        let limits = JSONLimits(
            depthMax: Int(node.config["max_depth"]?.integer ?? 64),
            documentLengthMax: Int(node.config["max_record_bytes"]?.integer ?? (1 << 20)))
        return (ParsePlan(fields: declarations, limits: limits, hashedColumns: []), schema)
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
            hint: known.isEmpty ? "declare a timestamp field" : "timestamp fields: \(known.joined(separator: ", "))")
    }

    private static func field(_ entry: ConfigEntry) throws(Diagnostic) -> (FieldDeclaration, ColumnType) {
        guard isName(entry.key) else {
            throw Diagnostic(
                code: "field-name", at: entry.keyLocation,
                "a field cannot be called \(entry.key), expected a letter or _, then letters, digits or _",
                hint: "give it another name and say where it is: { path: \(entry.key), type: text }")
        }
        let typeValue = entry.value["type"] ?? entry.value
        let (type, column) = try fieldType(typeValue)
        let path = entry.value["path"]?.string ?? entry.key
        let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if parts.contains("") {
            throw Diagnostic(
                code: "field-path", at: entry.value["path"]?.location ?? entry.keyLocation,
                "the path of \(entry.key) has an empty part, found \"\(path)\", expected names joined by dots")
        }
        let declaration = FieldDeclaration(
            path: parts, type: type, isRequired: entry.value["required"]?.boolean ?? false,
            onTypeError: entry.value["on_type_error"]?.string == "null" ? .null : .reject,
            textLengthMax: Int(entry.value["max_bytes"]?.integer ?? 256))
        return (declaration, column)
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first == 95 || isLetter(first) else { return false }
        return text.utf8.count <= 59 && text.utf8.allSatisfy { $0 == 95 || isLetter($0) || (48...57).contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }

    private static func fieldType(_ value: ConfigValue) throws(Diagnostic) -> (FieldType, ColumnType) {
        let text = value.string ?? ""
        switch text {
        case "text": return (.text, .text)
        case "integer": return (.integer, .integer)
        case "double": return (.double, .double)
        case "boolean": return (.boolean, .boolean)
        case "timestamp": return (.timestamp(.rfc3339), .timestamp)
        case "timestamp(s)": return (.timestamp(.epochSeconds), .timestamp)
        case "timestamp(ms)": return (.timestamp(.epochMilliseconds), .timestamp)
        case "timestamp(us)": return (.timestamp(.epochMicroseconds), .timestamp)
        default: break
        }
        if text.hasPrefix("decimal("), text.hasSuffix(")"), let scale = Int(text.dropFirst(8).dropLast()),
            (0...18).contains(scale)
        {
            return (.decimal(scale: scale), .decimal(scale: scale))
        }
        throw Diagnostic(
            code: "field-type", at: value.location,
            "unknown type, found \"\(text)\", expected text, integer, "
                + "decimal(0…18), double, boolean, timestamp, timestamp(s), timestamp(ms) or timestamp(us)")
    }
}
