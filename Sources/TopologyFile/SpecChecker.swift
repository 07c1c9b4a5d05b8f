import Dataflow

/// Checks a document's values against their specs and converts them; collects everything that does not fit.
struct SpecChecker {
    /// What does not fit.
    private(set) var diagnostics = Diagnostics()

    /// The value as `type`, named `name` in diagnostics; nil when it does not fit.
    mutating func check(_ node: DocumentNode, as type: SpecType, named name: String) -> ConfigValue? {
        if case .scalar(let scalar) = node.content, scalar.isBroken { return nil }
        switch type {
        case .list(let element): return checkList(node, of: element, named: name)
        case .map(let value): return checkMap(node, of: value, named: name)
        case .object(let fields): return checkObject(node, fields: fields, named: name)
        case .oneOf(let types): return checkOneOf(node, types, named: name)
        default: return checkScalar(node, as: type, named: name)
        }
    }

    /// The entries of a map as `fields`: unknown, missing and wrong ones are reported, defaults filled in.
    mutating func checkFields(
        _ entries: [DocumentEntry], at location: SourceLocation, fields: [FieldSpec], named name: String
    ) -> ConfigValue {
        var checked: [ConfigEntry] = []
        for entry in entries {
            guard let field = fields.first(where: { $0.name == entry.key }) else {
                reportUnknown(entry, among: fields.map(\.name), in: name)
                continue
            }
            if entry.value.isNull {
                if field.isRequired { reportMissing(field, at: entry.keyLocation, in: name) }
                continue
            }
            if let value = check(entry.value, as: field.type, named: "'\(field.name)'") {
                checked.append(ConfigEntry(key: entry.key, keyLocation: entry.keyLocation, value: value))
            }
        }
        for field in fields {
            let entry = entries.first { $0.key == field.name }
            if entry == nil, field.isRequired { reportMissing(field, at: location, in: name) }
            if entry?.value.isNull ?? true, let value = field.defaultValue(at: location) {
                checked.append(ConfigEntry(key: field.name, keyLocation: location, value: value))
            }
        }
        return ConfigValue(.map(checked), at: location)
    }

    private mutating func checkObject(_ node: DocumentNode, fields: [FieldSpec], named name: String) -> ConfigValue? {
        guard case .map(let entries) = node.content else {
            reportWrong(node, as: .object(fields), named: name)
            return nil
        }
        return checkFields(entries, at: node.location, fields: fields, named: name)
    }

    private mutating func checkMap(_ node: DocumentNode, of type: SpecType, named name: String) -> ConfigValue? {
        guard case .map(let entries) = node.content else {
            reportWrong(node, as: .map(type), named: name)
            return nil
        }
        let checked = entries.compactMap { entry in
            check(entry.value, as: type, named: entry.key.quotedForDiagnostic).map {
                ConfigEntry(key: entry.key, keyLocation: entry.keyLocation, value: $0)
            }
        }
        return ConfigValue(.map(checked), at: node.location)
    }

    private mutating func checkList(_ node: DocumentNode, of type: SpecType, named name: String) -> ConfigValue? {
        guard case .list(let elements) = node.content else {
            guard type.admitsShape(of: node) else {
                reportWrong(node, as: .list(type), named: name)
                return nil
            }
            return check(node, as: type, named: name).map { ConfigValue(.list([$0]), at: node.location) }
        }
        let checked = elements.compactMap { check($0, as: type, named: "an element of \(name)") }
        return ConfigValue(.list(checked), at: node.location)
    }

    /// The first type that fits; when none does, the diagnostics of the one that was meant, judged by its shape.
    private mutating func checkOneOf(_ node: DocumentNode, _ types: [SpecType], named name: String) -> ConfigValue? {
        var attempts: [Diagnostics] = []
        for type in types where type.admitsShape(of: node) {
            var attempt = SpecChecker()
            let value = attempt.check(node, as: type, named: name)
            if let value, !attempt.diagnostics.hasErrors { return value }
            attempts.append(attempt.diagnostics)
        }
        let isScalar = node.scalar != nil
        if attempts.count == 1 || !isScalar, let best = attempts.min(by: { $0.all.count < $1.all.count }) {
            diagnostics.append(contentsOf: best)
        } else {
            reportWrong(node, as: .oneOf(types), named: name)
        }
        return nil
    }
}

extension SpecChecker {
    private mutating func checkScalar(_ node: DocumentNode, as type: SpecType, named name: String) -> ConfigValue? {
        guard let scalar = node.scalar, !scalar.isNull else {
            reportWrong(node, as: type, named: name)
            return nil
        }
        guard let content = Self.content(of: scalar, as: type) else {
            reportWrong(node, as: type, named: name)
            return nil
        }
        switch (type, content) {
        case (.integer(let range), .integer(let value)) where !range.contains(value),
            (.bytes(let range), .integer(let value)) where !range.contains(value):
            reportOutOfRange(node, as: type, named: name)
            return nil
        case (.duration(let range), .duration(let value)) where !range.contains(value):
            reportOutOfRange(node, as: type, named: name)
            return nil
        default:
            var value = ConfigValue(content, at: node.location)
            if case .secret = type { value.secrets = scalar.substituted }
            return value
        }
    }

    private static func content(of scalar: DocumentScalar, as type: SpecType) -> ConfigValue.Content? {
        switch type {
        case .string, .secret: .string(scalar.text)
        case .fieldName, .expression, .metric, .recordFieldType: scalar.text.isEmpty ? nil : .string(scalar.text)
        case .choice(let words): words.contains(scalar.text) ? .string(scalar.text) : nil
        case .integer: scalar.mayBeTyped ? Quantity.integer(scalar.text).map { .integer($0) } : nil
        case .bytes: Quantity.size(scalar.text).map { .integer($0) }
        case .duration: Quantity.duration(scalar.text).map { .duration($0) }
        case .boolean: scalar.mayBeTyped ? boolean(scalar.text).map { .boolean($0) } : nil
        case .list, .map, .object, .oneOf: nil
        }
    }

    /// YAML 1.2's truth values; `yes` and `on` are text there.
    private static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }
}

extension SpecChecker {
    private mutating func reportWrong(_ node: DocumentNode, as type: SpecType, named name: String) {
        let found = node.found(concealed: type.holdsSecret)
        if case .choice(let words) = type, let scalar = node.scalar, !scalar.isNull {
            let hint = scalar.isFromEnvironment ? nil : Suggestion.hint(for: scalar.text, in: words)
            report(
                "unknown-choice", node.location,
                "\(name) is not one of its words, found \(found), expected \(type.expectation)", hint)
            return
        }
        report(
            "wrong-type", node.location, "\(name) has the wrong type, found \(found), expected \(type.expectation)",
            Self.hint(node, as: type))
    }

    private mutating func reportOutOfRange(_ node: DocumentNode, as type: SpecType, named name: String) {
        let found = node.found(concealed: false)
        report(
            "out-of-range", node.location, "\(name) is out of range, found \(found), expected \(type.expectation)", nil)
    }

    private mutating func reportMissing(_ field: FieldSpec, at location: SourceLocation, in name: String) {
        report(
            "missing-field", location, "\(name) lacks '\(field.name)', expected \(field.type.expectation)",
            field.example.map { "for example \(field.name): \($0)" })
    }

    private mutating func reportUnknown(_ entry: DocumentEntry, among known: [String], in name: String) {
        report(
            "unknown-field", entry.keyLocation,
            "\(name) has no field \(entry.key.quotedForDiagnostic), expected \(known.joined(separator: ", "))",
            Suggestion.hint(for: entry.key, in: known))
    }

    private mutating func report(_ code: String, _ location: SourceLocation, _ message: String, _ hint: String?) {
        diagnostics.append(Diagnostic(code: code, at: location, message, hint: hint))
    }

    private static func hint(_ node: DocumentNode, as type: SpecType) -> String? {
        guard let scalar = node.scalar, !scalar.isFromEnvironment else { return nil }
        switch type {
        case .integer where !scalar.isPlain && Quantity.integer(scalar.text) != nil,
            .boolean where !scalar.isPlain && boolean(scalar.text) != nil:
            return "remove the quotes"
        case .boolean where ["yes", "on"].contains(scalar.text.lowercased()): return "write true"
        case .boolean where ["no", "off"].contains(scalar.text.lowercased()): return "write false"
        case .duration where Quantity.integer(scalar.text) != nil: return "add a unit: ms, s, m, h or d"
        case .bytes where !scalar.isNull: return "units are KiB, MiB, GiB and TiB"
        default: return nil
        }
    }
}
