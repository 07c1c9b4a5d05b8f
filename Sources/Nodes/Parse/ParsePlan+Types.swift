import Declaration
import JSON
import Platform

extension ParsePlan {
    /// The type that a field's `type` names, nil for none.
    static func fieldType(_ text: String) -> FieldType? {
        switch text {
        case "text": return .text
        case "integer": return .integer
        case "double": return .double
        case "boolean": return .boolean
        case "timestamp": return .timestamp(.rfc3339)
        case "timestamp(s)": return .timestamp(.epochSeconds)
        case "timestamp(ms)": return .timestamp(.epochMilliseconds)
        case "timestamp(us)": return .timestamp(.epochMicroseconds)
        case "timestamp(ns)": return .timestamp(.epochNanoseconds)
        default: break
        }
        if text.hasPrefix("decimal("), text.hasSuffix(")"), let scale = Int(text.dropFirst(8).dropLast()),
            (0...18).contains(scale)
        {
            return .decimal(scale: scale)
        }
        return nil
    }

    /// What is wrong with a type that is none.
    /// - Parameter isOfDimension: whether it is the type of a column that is no JSON: a timestamp is one there.
    static func typeProblem(
        _ text: String, at location: SourceLocation, isOfDimension: Bool = false
    ) -> Diagnostic {
        let times =
            isOfDimension ? " or timestamp" : ", timestamp, timestamp(s), timestamp(ms), timestamp(us) or timestamp(ns)"
        let meant = isOfDimension && text.hasPrefix("timestamp(") ? "timestamp" : meantType(text)
        return Diagnostic(
            code: "field-type", at: location,
            "unknown type, found \"\(text)\", expected text, integer, decimal(0…18), double, boolean" + times,
            hint: meant.map { "did you mean \($0)?" })
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
            return "timestamp (RFC 3339), timestamp(s), timestamp(ms), timestamp(us) or timestamp(ns)"
        default:
            return Suggestion.nearest(
                to: text, in: ["text", "integer", "double", "boolean", "timestamp", "decimal(2)"])
        }
    }
}
