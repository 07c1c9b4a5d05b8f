package import Declaration
import Expressions
import JSON
import Platform

extension ParsePlan {
    package func trace(_ meaning: inout EventMeaning) {
        if meaning.usesEventTime, let eventTime {
            meaning.usedFields.insert(eventTime)
            meaning.add("event time", eventTime)
        }
        for field in fields where meaning.usedFields.contains(field.name) {
            if case .column(let zone)? = field.reading?.zone { meaning.usedFields.insert(fields[zone].name) }
        }
        for field in fields {
            let declaration = field.declaration
            // A field that nothing reads still decides, if it makes dead letters.
            guard
                meaning.usedFields.contains(field.name) || declaration.isRequired || declaration.onTypeError == .reject
            else { continue }
            meaning.add("field \(field.name)", text(of: field))
        }
        // A document without the array gives no rows, whether it is optional or not.
        if let elements {
            let paths = elements.paths.map { OneLine.of(Self.path($0)) }
            meaning.add(
                "records", "the elements of \(elements.isDocument ? elements.name : paths.joined(separator: "[]."))")
        }
        meaning.add("record", "at most \(limits.documentLengthMax) bytes, \(limits.depthMax) levels deep")
    }

    private func text(of field: RecordField) -> String {
        let declaration = field.declaration
        var words = [Self.name(of: declaration.type)]
        switch field.origin {
        case .document:
            let path = OneLine.of(Self.path(declaration))
            words[0] +=
                field.isElement
                ? " that the element is" : " at \(path)" + Self.outwardMeaning(declaration.outward)
        case .message(let attribute): words[0] += " from \(OneLine.of(attribute.description))"
        }
        if let reading = field.reading {
            if let format = reading.pattern.format { words.append("written \(OneLine.of(format))") }
            switch reading.zone {
            case .fixed(let rules): words.append("in zone \(rules.name)")
            case .column(let zone): words.append("in the zone of \(fields[zone].name)")
            case nil: break
            }
        }
        if declaration.type == .text {
            words.append("at most \(declaration.textLengthMax) bytes" + (declaration.truncates ? ", cut" : ""))
        }
        if declaration.acceptsText { words.append("text accepted") }
        if declaration.isRequired { words.append(Self.required) }
        words.append(declaration.onTypeError == .null ? Self.otherwiseNull : "anything else is a dead letter")
        return words.joined(separator: ", ")
    }

    private static func outwardMeaning(_ outward: Int) -> String {
        switch outward {
        case 0: ""
        case 1: " outside of the element"
        default: " outside of \(outward) arrays"
        }
    }

    private static let required = "required"
    private static let otherwiseNull = "anything else is null"

    /// Whether a field makes no dead letters, by what a definition says of it.
    static func keepsRecords(fieldMeaning text: String) -> Bool {
        text.hasSuffix(", " + otherwiseNull) && !text.hasSuffix(", \(required), \(otherwiseNull)")
    }

    /// A path as it is kept with tables, which must not change. For people it is `FieldDeclaration.written`.
    private static func path(_ keys: [String]) -> String {
        keys.map { isPlain($0) ? $0 : "`" + $0.replacing("`", with: "``") + "`" }.joined(separator: ".")
    }

    /// The same with the elements that it goes through.
    private static func path(_ declaration: FieldDeclaration) -> String {
        guard !declaration.choices.isEmpty else { return path(declaration.path) }
        return declaration.path.indices.map { index in
            let choice = declaration.choices.first { $0.depth == index + 1 }.map { choice in
                "[" + path([choice.key]) + "=`" + choice.text.replacing("`", with: "``") + "`]"
            }
            return path([declaration.path[index]]) + (choice ?? "")
        }.joined(separator: ".")
    }

    private static func isPlain(_ key: String) -> Bool { !key.contains { ".`/[]$*".contains($0) } }

    private static func name(of type: FieldType) -> String {
        switch type {
        case .text: "text"
        case .integer: "integer"
        case .double: "double"
        case .boolean: "boolean"
        case .decimal(let scale): "decimal(\(scale))"
        case .timestamp(.rfc3339): "timestamp"
        case .timestamp(.epochSeconds): "timestamp(s)"
        case .timestamp(.epochMilliseconds): "timestamp(ms)"
        case .timestamp(.epochMicroseconds): "timestamp(us)"
        case .timestamp(.epochNanoseconds): "timestamp(ns)"
        }
    }
}
