import Dataflow

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

    /// Whether nothing was written, or `~` or `null`.
    var isNull: Bool { if case .scalar(let scalar) = content { scalar.isNull } else { false } }

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
    var text: String
    /// Whether the scalar was written without quotes, so that it may be a number, a truth value or null.
    var isPlain: Bool
    /// Whether part of the text came from the environment, so that no diagnostic may show it.
    var isFromEnvironment: Bool
    /// Whether a variable could not be replaced; a diagnostic says so, and further checks would only repeat it.
    var isBroken = false
    /// The values that came from the environment.
    var substituted: [String] = []

    /// Whether nothing was written, or `~` or `null`.
    var isNull: Bool { isPlain && !isFromEnvironment && ["", "~", "null", "Null", "NULL"].contains(text) }

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
            if scalar.isNull { return "nothing" }
            if scalar.isFromEnvironment { return "a value from the environment" }
            if concealed { return "a value that is not shown" }
            if scalar.isPlain, Quantity.integer(scalar.text) != nil { return scalar.text }
            let shown = scalar.text.quotedForDiagnostic
            return scalar.isPlain ? shown : "the text \(shown)"
        }
    }
}

extension String {
    /// The text in single quotes, on one line and at most 40 characters long.
    var quotedForDiagnostic: String {
        var shown = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            guard shown.count < 40 else {
                shown.append("…")
                break
            }
            shown.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return "'\(String(shown))'"
    }
}
