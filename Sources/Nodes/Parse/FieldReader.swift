import Dataflow
import Declaration
import JSON
import Platform

/// Reads the fields of a `parse_json` declaration.
struct FieldReader {
    /// What `each` says; nil when there is none that is any good.
    let elements: ElementArray?
    /// Whether `each` is there, whatever is wrong with it.
    private let hasElements: Bool
    private let acceptsText: Bool
    private let offer: MessageOffer?

    /// Reads what holds for all fields.
    init(_ node: NodeDeclaration, _ input: Edge, _ problems: inout Diagnostics) {
        acceptsText = node.config.defaulted("accept").string == "text"
        offer = if case .messages(let offer) = input { offer } else { nil }
        let each = node.config["each"]
        hasElements = each != nil
        elements = each.flatMap { Self.array($0, &problems) }
    }

    /// The array that `each` names; nil after saying what is wrong with it.
    private static func array(_ each: ConfigValue, _ problems: inout Diagnostics) -> ElementArray? {
        guard let path = each["path"], let text = path.string else { return nil }
        let isOptional = each.defaulted("optional").boolean ?? false
        do throws(FieldPath.Problem) {
            return ElementArray(paths: try FieldPath.arrays(text), isOptional: isOptional)
        } catch {
            problems.append(
                Diagnostic(
                    code: "field-path", at: path.location,
                    "each \(error.what), found \"\(text)\"" + FieldPath.expected(error),
                    hint: error.hint))
            return nil
        }
    }

    /// Reads a path; nil after saying what is wrong with it.
    private static func read(
        _ text: String, at location: SourceLocation, _ name: String, _ problems: inout Diagnostics
    ) -> FieldPath? {
        do throws(FieldPath.Problem) { return try FieldPath(text) } catch {
            problems.append(
                Diagnostic(
                    code: "field-path", at: location,
                    "\(name) \(error.what), found \"\(text)\", expected keys joined by dots", hint: error.hint))
            return nil
        }
    }

    /// Reads one field; nil when a problem makes it useless.
    func field(_ entry: ConfigEntry, _ problems: inout Diagnostics) -> RecordField? {
        // A field with a bad name or path has a type all the same, so that what reads it is checked.
        let problem = FieldName.problem(
            entry.key, at: entry.keyLocation, shorter: "give it a shorter name and say where it is with path:",
            other: "give it another name and say where it is: { path: \(entry.key), type: text }")
        if let problem { problems.append(problem) }
        var place = Place(keys: [entry.key])
        if let path = entry.value["path"] { place = self.place(path, of: entry.key, &problems) ?? place }
        let origin = origin(of: entry, &problems)
        guard let typeValue = entry.value["type"], let text = typeValue.string else { return nil }
        guard let type = ParsePlan.fieldType(text) else {
            problems.append(ParsePlan.typeProblem(text, at: typeValue.location))
            return nil
        }
        checkOptions(entry, type, &problems)
        checkType(type, at: typeValue.location, of: origin, entry.key, &problems)
        let declaration = FieldDeclaration(
            path: origin == .document ? place.keys : [], type: type,
            isRequired: entry.value.defaulted("required").boolean ?? false,
            onTypeError: entry.value.defaulted("on_type_error").string == "null" ? .null : .reject,
            textLengthMax: Int(entry.value.defaulted("max_bytes").integer ?? 0),
            truncates: type == .text && entry.value.defaulted("on_too_long").string == "truncate",
            acceptsText: entry.value["accept"].map { $0.string == "text" } ?? acceptsText,
            outward: place.outward, choices: origin == .document ? place.choices : [])
        return RecordField(
            name: entry.key, declaration, origin: origin, reading: reading(entry, type, origin, &problems))
    }

    // MARK: Where it is

    /// The keys of a field's path, the elements that it goes through, and outside of how many arrays it begins.
    private struct Place {
        var keys: [String]
        var choices: [ElementChoice] = []
        var outward = 0
    }

    private func place(_ path: ConfigValue, of name: String, _ problems: inout Diagnostics) -> Place? {
        guard let text = path.string else { return nil }
        if text == "." {
            guard !hasElements else { return Place(keys: []) }
            problems.append(
                Diagnostic(
                    code: "field-path", at: path.location,
                    "the path of \(name) is the element itself, found \"\(text)\", but the records are documents",
                    hint: "add each: with the path of an array of plain values"))
            return nil
        }
        let outward = text.prefix { $0 == "^" }.count
        let rest = text.dropFirst(outward)
        guard outward > 0, rest.isEmpty || rest.first == "." else {
            return Self.read(text, at: path.location, "the path of \(name)", &problems).map {
                Place(keys: $0.keys, choices: $0.choices)
            }
        }
        let inner = String(rest.dropFirst())
        if let (what, hint) = outwardProblem(outward, inner) {
            problems.append(
                Diagnostic(
                    code: "field-path", at: path.location,
                    "the path of \(name) begins outside of \(outward < 2 ? "an element" : "\(outward) arrays"), found \"\(text)\", "
                        + "but \(what)", hint: hint))
            return nil
        }
        let location = path.location.advanced(over: text.unicodeScalars.prefix(outward + 1))
        guard let read = Self.read(inner, at: location, "the path of \(name)", &problems) else { return nil }
        if let elements, let array = elements.paths.suffix(outward).first, read.keys.starts(with: array) {
            let rest = FieldDeclaration.written(Array(read.keys.dropFirst(array.count)))
            let way = outward == 1 ? rest : String(repeating: "^", count: outward - 1) + "." + rest
            problems.append(
                Diagnostic(
                    code: "field-path", at: path.location,
                    "the path of \(name) leads into the array of each, found \"\(text)\", expected what stands beside it",
                    hint: rest.isEmpty ? nil : "paths begin at the element: write \(way)"))
        }
        return Place(keys: read.keys, choices: read.choices, outward: outward)
    }

    /// Why a path cannot begin outside of so many arrays, and the way out; nil when it can.
    private func outwardProblem(_ outward: Int, _ inner: String) -> (what: String, hint: String?)? {
        guard hasElements else {
            return (
                "the records are documents",
                inner.isEmpty ? nil : "write \(inner), or add each: with the path of an array"
            )
        }
        if inner.hasPrefix("^") {
            return (
                "goes on with another caret",
                "carets stand together: write \(String(repeating: "^", count: outward))\(inner)"
            )
        }
        guard let elements else { return nil }
        let most = elements.paths[0].isEmpty ? elements.paths.count - 1 : elements.paths.count
        guard outward > most else { return nil }
        let carets = String(repeating: "^", count: most)
        let hint = inner.isEmpty ? nil : "write \(most > 0 ? "\(carets)." : "")\(inner)"
        if elements.paths[0].isEmpty { return ("the document is the array, and nothing stands around it", hint) }
        return ("each goes through \(most == 1 ? "one" : "\(most)")", hint)
    }

    /// Says which fields cannot have a value, since another one is the element itself: it has no members then.
    func checkElements(_ declared: ConfigValue?, _ fields: [RecordField], _ problems: inout Diagnostics) {
        guard let whole = fields.first(where: \.isElement) else { return }
        for field in fields
        where field.origin == .document && !field.declaration.path.isEmpty && field.declaration.outward == 0 {
            guard let entry = declared?.entries?.first(where: { $0.key == field.name }) else { continue }
            problems.append(
                Diagnostic(
                    code: "field-path", at: entry.value["path"]?.location ?? entry.keyLocation,
                    "\(field.name) is a member of the element, but \(whole.name) is the element itself, and a plain value has "
                        + "no members",
                    hint: "write ^.\(field.declaration.name) for what stands outside of the array"))
        }
    }

    /// Says which fields choose the elements of one array by different keys.
    func checkChoices(_ declared: ConfigValue?, _ fields: [RecordField], _ problems: inout Diagnostics) {
        var first: [String: (field: String, key: String)] = [:]
        for field in fields {
            let declaration = field.declaration
            for (number, choice) in declaration.choices.enumerated() {
                let array =
                    declaration.outwardName
                    + FieldDeclaration.written(
                        Array(declaration.path[..<choice.depth]), Array(declaration.choices[..<number]))
                let known = first[array] ?? (field.name, choice.key)
                first[array] = known
                guard known.key != choice.key, let path = declared?[field.name]?["path"] else { continue }
                problems.append(
                    Diagnostic(
                        code: "field-path", at: path.location,
                        "the path of \(field.name) chooses elements of \(array) by \(choice.key), but that of \(known.field) does "
                            + "by \(known.key)",
                        hint: "the elements of one array have one key"))
            }
        }
    }

    private func origin(of entry: ConfigEntry, _ problems: inout Diagnostics) -> RecordField.Origin {
        guard let value = entry.value["from"], let text = value.string else { return .document }
        guard let attribute = MessageAttribute(text) else {
            problems.append(
                Diagnostic(
                    code: "message-value", at: value.location,
                    "\(entry.key) comes from something that messages do not have, found \"\(text)\", expected "
                        + "message.timestamp, message.key, message.header.NAME, message.topic, message.partition or "
                        + "message.offset", hint: Self.meant(text)))
            return .document
        }
        if let path = entry.value["path"] {
            problems.append(
                Diagnostic(
                    code: "field-option", at: path.location,
                    "\(entry.key) has a path, but comes from \(attribute), which is no document; remove one of the two")
            )
        }
        if let offer, !offer.has(attribute) {
            problems.append(
                Diagnostic(
                    code: "message-value", at: value.location,
                    "\(entry.key) comes from \(attribute), which messages of a \(offer.source) source do not have",
                    hint: "messages of a kafka source have it"))
        }
        return .message(attribute)
    }

    private static func meant(_ text: String) -> String? {
        let known = ["timestamp", "key", "topic", "partition", "offset"].map { "message." + $0 }
        if text == "message.header" || text.hasPrefix("message.headers") || text == "message.header." {
            return "write message.header. and the header's name"
        }
        if text.hasPrefix("message.time") { return "did you mean 'message.timestamp'?" }
        if text.hasPrefix("message.value") { return "a field of the document has a path: instead of from:" }
        return Suggestion.hint(for: text, in: known)
            ?? (text.contains(".") ? nil : Suggestion.hint(for: "message." + text, in: known))
    }

    private func checkType(
        _ type: FieldType, at location: SourceLocation, of origin: RecordField.Origin, _ name: String,
        _ problems: inout Diagnostics
    ) {
        guard case .message(let attribute) = origin else { return }
        let expected: String
        switch attribute {
        case .timestamp where type != .timestamp(.rfc3339): expected = "timestamp"
        case .offset where type != .integer: expected = "integer"
        case .partition where type != .integer && type != .text: expected = "integer"
        default: return
        }
        problems.append(
            Diagnostic(
                code: "message-value", at: location, "\(name) has the wrong type for \(attribute), expected \(expected)"
            ))
    }

    // MARK: How it is read

    private func checkOptions(_ entry: ConfigEntry, _ type: FieldType, _ problems: inout Diagnostics) {
        func refuse(_ option: String, _ why: String, _ hint: String?) {
            guard let value = entry.value[option], !value.isDefault, !value.isInvalid else { return }
            problems.append(
                Diagnostic(
                    code: "field-option", at: value.location, "\(option) is for \(why), and \(entry.key) is none",
                    hint: hint))
        }
        var isTimestamp = false
        if case .timestamp = type { isTimestamp = true }
        if type != .text { refuse("on_too_long", "fields of text", "remove it") }
        guard type != .timestamp(.rfc3339) else { return }
        let hint = isTimestamp ? "numbers since 1970 are UTC; for text declare timestamp" : "declare type: timestamp"
        for option in ["format", "zone"] { refuse(option, "timestamps that are text", hint) }
    }

    private func reading(
        _ entry: ConfigEntry, _ type: FieldType, _ origin: RecordField.Origin, _ problems: inout Diagnostics
    ) -> TimestampReading? {
        guard type == .timestamp(.rfc3339) else { return nil }
        let (format, zone) = (entry.value["format"], entry.value["zone"])
        if origin == .message(.timestamp) {
            for option in [format, zone].compactMap({ $0 }) where !option.isInvalid {
                problems.append(
                    Diagnostic(
                        code: "field-option", at: option.location,
                        "format and zone are for timestamps that are text, and message.timestamp is none"))
            }
            return nil
        }
        guard let format else { return zone == nil ? nil : TimestampReading(pattern: .localTime, zone: nil) }
        guard let text = format.string else { return nil }
        do throws(TimestampPattern.Fault) {
            let pattern = try TimestampPattern(text)
            checkZone(zone, pattern, format, entry.key, &problems)
            return TimestampReading(pattern: pattern, zone: nil)
        } catch {
            problems.append(
                Diagnostic(
                    code: "timestamp-format",
                    at: format.location.advanced(over: text.unicodeScalars.prefix(error.place)),
                    "the format of \(entry.key) \(error.what)", hint: error.hint))
            return nil
        }
    }

    private func checkZone(
        _ zone: ConfigValue?, _ pattern: TimestampPattern, _ format: ConfigValue, _ name: String,
        _ problems: inout Diagnostics
    ) {
        if pattern.hasOffset, let zone, !zone.isInvalid {
            problems.append(
                Diagnostic(
                    code: "timestamp-zone", at: zone.location,
                    "the zone of \(name) is never needed, since its format reads the offset; remove it"))
        } else if !pattern.hasOffset, zone == nil {
            problems.append(
                Diagnostic(
                    code: "timestamp-zone", at: format.location,
                    "the format of \(name) has no offset from UTC, and no zone says where its clock stood",
                    hint: "add zone: UTC, zone: Europe/Berlin, or zone: and a field that names it; or %z to the format")
            )
        }
    }

    /// Finds the zones of fields, which may be other fields.
    func setZones(
        _ declared: ConfigValue?, _ schema: RecordSchema, _ fields: inout [RecordField], _ problems: inout Diagnostics
    ) {
        for index in fields.indices {
            guard let reading = fields[index].reading, !reading.pattern.hasOffset,
                let value = declared?[fields[index].name]?["zone"], let text = value.string
            else { continue }
            if let field = schema[text] {
                guard field.type == .text || field.type.isNumeric else {
                    problems.append(
                        Diagnostic(
                            code: "timestamp-zone", at: value.location,
                            "the zone of \(fields[index].name) is the field \(text), which is \(field.type), expected text "
                                + "or a number of hours"))
                    continue
                }
                fields[index].reading?.zone = .column(field.column)
            } else if TimeZoneDatabase.advice(onTwofold: text) == nil, let rules = ZoneBook.rules(text) {
                fields[index].reading?.zone = .fixed(rules)
            } else if !schema.isUnresolved(text) {
                problems.append(Self.zoneProblem(value, text, fields[index].name, schema))
            }
        }
    }

    private static func zoneProblem(
        _ value: ConfigValue, _ text: String, _ name: String, _ schema: RecordSchema
    ) -> Diagnostic {
        if let advice = TimeZoneDatabase.advice(onTwofold: text) {
            return Diagnostic(
                code: "timestamp-zone", at: value.location, "the zone of \(name) has two meanings, found \"\(text)\"",
                hint: advice)
        }
        let database = TimeZoneDatabase.system
        let names = database.names
        if names.isEmpty {
            var reason = "there is none"
            do throws(TimeZoneDatabase.Failure) { _ = try database.rules(named: text) } catch { reason = "\(error)" }
            return Diagnostic(
                code: "timestamp-zone", at: value.location, "the zone of \(name) cannot be read: \(reason)")
        }
        return Diagnostic(
            code: "timestamp-zone", at: value.location,
            "the zone of \(name) is unknown, found \"\(text)\", expected the name of a time zone, an offset such as "
                + "+02:00, or a field", hint: Suggestion.hint(for: text, in: schema.fields.map(\.name) + names))
    }
}
