import Dataflow
import Declaration

/// A key is there and its value is not: YAML reads null, a tag, or a part of the text, and the user meant something.
extension SpecChecker {
    /// Says what stands where a value of `type` should.
    mutating func report(
        _ fault: DocumentScalar.Fault, at location: SourceLocation, as type: SpecType, named name: String
    ) {
        let isElement = name.hasPrefix("an element of")
        var instead: String?
        if case .null(let word) = fault {
            switch type {
            case .choice(let words) where words.contains("null"): instead = "write null"
            case .string, .secret, .fieldName, .expression, .list(.string), .list(.fieldName):
                instead = (isElement ? "remove it" : "remove the key") + ", or write \"\(word)\" in quotes for the word"
            default: break
            }
        }
        report(
            fault, at: location, expected: type.expectation, concealed: type.holdsSecret, named: name,
            instead: instead ?? (isElement && fault == .nothing ? "give it one, or remove it" : nil))
    }

    /// Says what stands where something should that is no field of a spec.
    /// - Parameter concealed: whether the text may be a secret.
    mutating func report(
        _ fault: DocumentScalar.Fault, at location: SourceLocation, expected: String, concealed: Bool,
        named name: String, instead: String? = nil
    ) {
        switch fault {
        case .nothing:
            report(
                "no-value", location, "\(name) has no value, expected \(expected)",
                instead ?? "give it one, or remove the key")
        case .comment(let comment):
            let text =
                concealed
                ? "what begins with # is a comment: put the value in quotes"
                : "\(comment.quotedForDiagnostic) is a comment: put it in quotes if it is the value"
            report("no-value", location, "\(name) has no value, expected \(expected)", text)
        case .null(let word):
            report(
                "no-value", location, "\(name) is \(word), which is no value in YAML, expected \(expected)",
                instead ?? "remove \(name.hasPrefix("an element of") ? "it" : "the key")")
        case .empty(let variables):
            let names = variables.joined(separator: ", ")
            let hint: String? =
                switch variables.count {
                case 0: "give it a value, or remove the key"
                case 1: "the variable \(names) is empty: set it, or remove the key"
                default: "the variables \(names) are empty: set them, or remove the key"
                }
            report("no-value", location, "\(name) is empty, expected \(expected)", hint)
        case .tag(let text):
            let shown = concealed ? "a value that begins with !" : text.quotedForDiagnostic
            report(
                "unknown-tag", location, "\(name) begins with a YAML tag, found \(shown), expected \(expected)",
                concealed ? "put it in quotes" : "put it in quotes: \"\(text.escapedForYAML)\"")
        case .cut(let text):
            report(
                "flow-comma", location, "\(name) is cut off: inside { } and [ ] a comma ends a value",
                concealed
                    ? "put it in quotes"
                    : "put it in quotes: \"\(text.escapedForYAML)\", or write one entry a line")
        }
    }
}

extension String {
    /// The text between double quotes of YAML.
    fileprivate var escapedForYAML: String {
        var escaped = ""
        for character in self {
            if character == "\"" || character == "\\" { escaped.append("\\") }
            escaped.append(character)
        }
        return escaped
    }
}
