import Dataflow

/// Replaces `${NAME}` and `${NAME:-default}` in scalars; `$${` stands for a literal `${`.
///
/// The default is used when the variable is not set or empty, as in a shell, and goes up to the next `}`. The
/// replacement happens after YAML was read, so a variable's contents can never change a file's structure.
struct EnvironmentSubstitution {
    /// A variable's value, nil when it is not set.
    let value: (_ name: String) -> String?

    /// A scalar's text after replacement.
    struct Outcome {
        var text = ""
        /// Whether a variable's value is part of the text.
        var usesEnvironment = false
        /// The values of variables in the text.
        var values: [String] = []
        /// What could not be replaced; the offset is in Unicode scalars from the start of the text.
        var problems: [(code: String, offset: Int, message: String, hint: String)] = []
    }

    func apply(to text: String) -> Outcome {
        var outcome = Outcome()
        guard text.unicodeScalars.contains("$") else {
            outcome.text = text
            return outcome
        }
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var index = 0
        while index < scalars.count {
            if scalars[index...].starts(with: "$${".unicodeScalars) {
                result.append(contentsOf: "${".unicodeScalars)
                index += 3
            } else if scalars[index...].starts(with: "${".unicodeScalars) {
                guard let end = scalars[index...].firstIndex(of: "}") else {
                    outcome.problems.append(
                        (
                            "bad-variable", index, "a variable has no end, found '${', expected '}' after its name",
                            "write $${ for a literal ${"
                        ))
                    return outcome
                }
                let inside = scalars[(index + 2)..<end]
                result.append(contentsOf: replacement(of: inside, at: index, &outcome).unicodeScalars)
                index = end + 1
            } else {
                result.append(scalars[index])
                index += 1
            }
        }
        outcome.text = String(result)
        return outcome
    }

    private func replacement(
        of inside: ArraySlice<Unicode.Scalar>, at offset: Int, _ outcome: inout Outcome
    ) -> String {
        let nameEnd = inside.firstIndex { !Self.isNameScalar($0) } ?? inside.endIndex
        let name = String(String.UnicodeScalarView(inside[..<nameEnd]))
        let rest = inside[nameEnd...]
        let hasDefault = rest.starts(with: ":-".unicodeScalars)
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first), rest.isEmpty || hasDefault else {
            outcome.problems.append(
                (
                    "bad-variable", offset, "a variable is not well formed, expected ${NAME} or ${NAME:-default}",
                    "names have letters, digits and _; write $${ for a literal ${"
                ))
            return ""
        }
        let value = value(name)
        if let value, !value.isEmpty || !hasDefault {
            outcome.usesEnvironment = true
            outcome.values.append(value)
            return value
        }
        if hasDefault { return String(String.UnicodeScalarView(rest.dropFirst(2))) }
        outcome.problems.append(
            (
                "missing-variable", offset, "the environment variable \(name) is not set",
                "set it, or give a default: ${\(name):-value}"
            ))
        return ""
    }

    private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "A"..."Z", "a"..."z", "0"..."9", "_": true
        default: false
        }
    }
}
