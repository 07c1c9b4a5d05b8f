import Dataflow
import Declaration
import Platform

/// Checks a document's values against their specs and converts them; collects everything that does not fit.
struct SpecChecker {
    /// What does not fit.
    private(set) var diagnostics = Diagnostics()

    /// The value as `type`, named `name` in diagnostics; nil when it does not fit.
    mutating func check(_ node: DocumentNode, as type: SpecType, named name: String) -> ConfigValue? {
        if let scalar = node.scalar {
            if scalar.isBroken { return nil }
            if let fault = scalar.fault {
                if let value = Self.admitted(fault, as: type) { return ConfigValue(value, at: node.location) }
                report(fault, at: node.location, as: type, named: name)
                return nil
            }
        }
        switch type {
        case .list(let element): return checkList(node, of: element, named: name)
        case .map(let value): return checkMap(node, of: value, named: name)
        case .names(let value, let bare): return checkNames(node, of: value, bare, named: name)
        case .perName(let value):
            if case .map = node.content { return checkMap(node, of: value, named: name) }
            return checkScalar(node, as: value, named: name)
        case .object(let fields): return checkObject(node, as: type, fields, shorthand: nil, named: name)
        case .shorthandObject(let shorthand, let fields):
            return checkObject(node, as: type, fields, shorthand: shorthand, named: name)
        default: return checkScalar(node, as: type, named: name)
        }
    }

    /// The entries of a map as `fields`: unknown, missing and wrong ones are reported, defaults filled in. What is wrong
    /// has its default in the result, or is `invalid`, so that nobody takes it for absent.
    mutating func checkFields(
        _ entries: [DocumentEntry], at location: SourceLocation, fields: [FieldSpec], named name: String
    ) -> ConfigValue {
        var checked: [ConfigEntry] = []
        var mistyped: Set<String> = []
        let present = Set(entries.map(\.key))
        let known = fields.map(\.name)
        let absent = known.filter { !present.contains($0) }
        for entry in entries {
            guard let field = fields.first(where: { $0.name == entry.key }) else {
                if let meant = Suggestion.nearest(to: entry.key, in: absent) { mistyped.insert(meant) }
                reportUnknown(entry, among: known, in: name)
                continue
            }
            let value = check(entry.value, as: field.type, named: "'\(field.name)'")
            checked.append(
                ConfigEntry(
                    key: entry.key, keyLocation: entry.keyLocation,
                    value: value ?? field.defaultValue(at: entry.value.location)
                        ?? ConfigValue(.invalid, at: entry.value.location)))
        }
        for field in fields where !present.contains(field.name) {
            let value: ConfigValue?
            if field.isRequired {
                // A key that is nearly this one is the same mistake, and said already.
                if !mistyped.contains(field.name) { reportMissing(field, at: location, in: name) }
                value = ConfigValue(.invalid, at: location)
            } else {
                value =
                    field.defaultValue(at: location)
                    ?? (mistyped.contains(field.name) ? ConfigValue(.invalid, at: location) : nil)
            }
            if let value { checked.append(ConfigEntry(key: field.name, keyLocation: location, value: value)) }
        }
        return ConfigValue(.map(checked), at: location)
    }

    private mutating func checkObject(
        _ node: DocumentNode, as type: SpecType, _ fields: [FieldSpec], shorthand: String?, named name: String
    ) -> ConfigValue? {
        if case .map(let entries) = node.content {
            return checkFields(entries, at: node.location, fields: fields, named: name)
        }
        guard let shorthand, node.scalar != nil, let field = fields.first(where: { $0.name == shorthand }) else {
            reportWrong(node, as: type, named: name)
            return nil
        }
        guard let value = check(node, as: field.type, named: name) else { return nil }
        var whole = checkFields([], at: node.location, fields: fields.filter { $0.name != shorthand }, named: name)
        let entry = ConfigEntry(key: shorthand, keyLocation: node.location, value: value)
        whole.content = .map([entry] + (whole.entries ?? []))
        return whole
    }

    private mutating func checkMap(_ node: DocumentNode, of type: SpecType, named name: String) -> ConfigValue? {
        guard case .map(let entries) = node.content else {
            reportWrong(node, as: .map(type), named: name)
            return nil
        }
        let checked = entries.map { entry in
            // Settings are handed on to a library, to which an empty text is a value.
            if case .secret = type, case .empty? = entry.value.scalar?.fault {
                return ConfigEntry(
                    key: entry.key, keyLocation: entry.keyLocation,
                    value: ConfigValue(.string(""), at: entry.value.location))
            }
            let value = check(entry.value, as: type, named: entry.key.quotedForDiagnostic)
            return ConfigEntry(
                key: entry.key, keyLocation: entry.keyLocation,
                value: value ?? ConfigValue(.invalid, at: entry.value.location))
        }
        return ConfigValue(.map(checked), at: node.location)
    }

    /// A map, or names that each stand for `bare` or for themselves.
    private mutating func checkNames(
        _ node: DocumentNode, of type: SpecType, _ bare: String?, named name: String
    ) -> ConfigValue? {
        let elements: [DocumentNode]
        switch node.content {
        case .map: return checkMap(node, of: type, named: name)
        case .list(let list): elements = list
        case .scalar: elements = [node]
        }
        let entries = elements.compactMap { element -> ConfigEntry? in
            guard let key = check(element, as: .fieldName, named: "an element of \(name)")?.string else { return nil }
            var value = element
            if let bare, var scalar = element.scalar {
                scalar.text = bare
                value.content = .scalar(scalar)
            }
            let checked = check(value, as: type, named: key.quotedForDiagnostic)
            return ConfigEntry(
                key: key, keyLocation: element.location, value: checked ?? ConfigValue(.invalid, at: element.location))
        }
        return entries.count < elements.count ? nil : ConfigValue(.map(entries), at: node.location)
    }

    private mutating func checkList(_ node: DocumentNode, of type: SpecType, named name: String) -> ConfigValue? {
        guard case .list(let elements) = node.content else {
            guard type.admitsShape(of: node) else {
                reportWrong(node, as: .list(type), named: name)
                return nil
            }
            return check(node, as: type, named: name).map { ConfigValue(.list([$0]), at: node.location) }
        }
        let checked = elements.map {
            check($0, as: type, named: "an element of \(name)") ?? ConfigValue(.invalid, at: $0.location)
        }
        return ConfigValue(.list(checked), at: node.location)
    }
}

extension SpecChecker {
    private mutating func checkScalar(_ node: DocumentNode, as type: SpecType, named name: String) -> ConfigValue? {
        guard let scalar = node.scalar, let content = Self.content(of: scalar, as: type) else {
            reportWrong(node, as: type, named: name)
            return nil
        }
        switch (type, content) {
        case (.integer(let range), .integer(let value)) where !range.contains(value),
            (.bytes(let range), .integer(let value)) where !range.contains(value):
            reportOutOfRange(node, as: type, named: name)
            return nil
        case (.duration(let range), .duration(let value)) where !range.contains(value),
            (.windowLength(let range), .duration(let value)) where !range.contains(value):
            reportOutOfRange(node, as: type, named: name)
            return nil
        default:
            var value = ConfigValue(content, at: node.location)
            value.isFromEnvironment = scalar.isFromEnvironment
            return value
        }
    }

    /// What a value that YAML takes for nothing may be all the same: the word `null` where it is one of the words.
    private static func admitted(_ fault: DocumentScalar.Fault, as type: SpecType) -> ConfigValue.Content? {
        switch (fault, type) {
        case (.null("null"), .choice(let words)) where words.contains("null"): .string("null")
        default: nil
        }
    }

    private static func content(of scalar: DocumentScalar, as type: SpecType) -> ConfigValue.Content? {
        switch type {
        case .string, .secret, .fieldName, .expression, .metric, .recordFieldType: .string(scalar.text)
        case .choice(let words): words.contains(scalar.text) ? .string(scalar.text) : nil
        case .integer: scalar.mayBeTyped ? Quantity.integer(scalar.text).map { .integer($0) } : nil
        case .bytes: Quantity.size(scalar.text).map { .integer($0) }
        case .duration: Quantity.duration(scalar.text).map { .duration($0) }
        case .windowLength:
            Quantity.duration(scalar.text).map { .duration($0) }
                ?? Quantity.calendarUnit(scalar.text).map { .string($0) }
        case .boolean: scalar.mayBeTyped ? boolean(scalar.text).map { .boolean($0) } : nil
        case .list, .map, .names, .perName, .object, .shorthandObject: nil
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
        if case .choice(let words) = type, let scalar = node.scalar {
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

    mutating func report(_ code: String, _ location: SourceLocation, _ message: String, _ hint: String?) {
        diagnostics.append(Diagnostic(code: code, at: location, message, hint: hint))
    }

    private static func hint(_ node: DocumentNode, as type: SpecType) -> String? {
        guard let scalar = node.scalar, !scalar.isFromEnvironment else { return nil }
        switch type {
        case .integer where !scalar.isPlain && Quantity.integer(scalar.text) != nil,
            .boolean where !scalar.isPlain && boolean(scalar.text) != nil:
            return "remove the quotes"
        case .integer: return Quantity.integerAdvice(scalar.text)
        case .boolean where ["yes", "on", "y"].contains(scalar.text.lowercased()): return "write true"
        case .boolean where ["no", "off", "n"].contains(scalar.text.lowercased()): return "write false"
        case .duration: return Quantity.durationAdvice(scalar.text)
        case .windowLength: return Quantity.windowAdvice(scalar.text)
        case .bytes: return Quantity.sizeAdvice(scalar.text)
        default: return nil
        }
    }
}
