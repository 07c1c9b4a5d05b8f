package import Declaration
import Expressions
import JSON

extension ParsePlan {
    package func trace(_ meaning: inout EventMeaning) {
        if meaning.usesEventTime, let eventTime {
            meaning.usedFields.insert(eventTime)
            meaning.add("event time", eventTime)
        }
        for (name, field) in zip(names, fields) {
            // A field that nothing reads still decides, if it makes dead letters.
            guard meaning.usedFields.contains(name) || field.isRequired || field.onTypeError == .reject else {
                continue
            }
            meaning.add("field \(name)", Self.text(of: field))
        }
        meaning.add("record", "at most \(limits.documentLengthMax) bytes, \(limits.depthMax) levels deep")
    }

    private static func text(of field: FieldDeclaration) -> String {
        let path = field.path.map { isPlain($0) ? $0 : "`" + $0.replacing("`", with: "``") + "`" }.joined(
            separator: ".")
        var words = ["\(name(of: field.type)) at \(OneLine.of(path))"]
        if field.type == .text { words.append("at most \(field.textLengthMax) bytes") }
        if field.isRequired { words.append("required") }
        words.append(field.onTypeError == .null ? "anything else is null" : "anything else is a dead letter")
        return words.joined(separator: ", ")
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
        }
    }
}
