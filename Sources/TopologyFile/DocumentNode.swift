import Dataflow
import Declaration

/// A value of a YAML document with its place, before anything is known about its type.
struct DocumentNode {
    /// What the value is.
    indirect enum Content {
        case scalar(DocumentScalar)
        case list([DocumentNode])
        case map([DocumentEntry])
    }

    var content: Content
    /// Where the value begins: a scalar's first content character, after an opening quote.
    var location: SourceLocation

    /// The scalar, nil for lists and maps.
    var scalar: DocumentScalar? { if case .scalar(let scalar) = content { scalar } else { nil } }
}

/// One `key: value` of a mapping.
struct DocumentEntry {
    var key: String
    var keyLocation: SourceLocation
    var value: DocumentNode
}

/// The text of a scalar with `${NAME}` replaced.
struct DocumentScalar {
    /// Why there is nothing to read where a value should stand. YAML has a value for all of these, null or a part of
    /// the text, and none of them is what was meant.
    enum Fault: Equatable {
        /// Nothing was written.
        case nothing
        /// `#` begins a comment: the rest of the line, with the `#`.
        case comment(String)
        /// `null` or `~`, without quotes.
        case null(String)
        /// Variables without a value are all that was written; a quoted empty text has this fault too.
        case empty(variables: [String])
        /// `!word` is a tag to YAML: the value with it.
        case tag(String)
        /// A comma ended the value inside `{ }` or `[ ]`: all that was meant to be the value.
        case cut(String)
    }

    var text: String
    /// Whether the scalar was written without quotes, so that it may be a number or a truth value.
    var isPlain: Bool
    /// Whether part of the text came from the environment, so that no diagnostic may show it.
    var isFromEnvironment: Bool
    /// Whether a variable could not be replaced; a diagnostic says so, and further checks would only repeat it.
    var isBroken = false
    /// Why there is no value; nil when there is one.
    var fault: Fault?

    /// Whether the text may stand for a number or a truth value: `"5"` does not, `"${WORKERS}"` does.
    var mayBeTyped: Bool { isPlain || isFromEnvironment }
}

extension DocumentNode {
    /// The value in the words of a diagnostic: `'abc'`, `5`, `a list`; never a secret.
    func found(concealed: Bool) -> String {
        switch content {
        case .list: return "a list"
        case .map: return "a map"
        case .scalar(let scalar):
            if scalar.isFromEnvironment { return "a value from the environment" }
            if concealed { return "a value that is not shown" }
            if scalar.isPlain, Quantity.integer(scalar.text) != nil { return scalar.text }
            let shown = scalar.text.quotedForDiagnostic
            return scalar.isPlain ? shown : "the text \(shown)"
        }
    }
}

extension String {
    /// The text in single quotes, on one line and at most 40 characters long; what cannot be seen as `U+200B`.
    var quotedForDiagnostic: String {
        var shown = ""
        for (index, scalar) in unicodeScalars.enumerated() {
            guard index < 40 else {
                shown += "…"
                break
            }
            switch scalar.properties.generalCategory {
            case .control: shown += " "
            case .format, .lineSeparator, .paragraphSeparator: shown += scalar.codeForDiagnostic
            case .spaceSeparator where scalar != " ": shown += scalar.codeForDiagnostic
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return "'\(shown)'"
    }
}

extension Unicode.Scalar {
    /// `U+00A0`.
    var codeForDiagnostic: String {
        let digits = String(value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
