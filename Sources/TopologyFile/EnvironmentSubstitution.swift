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
        /// The variables that stand for nothing, in the order they were met.
        var empty: [String] = []
        /// Whether the text would be longer than allowed; it ends before that.
        var isTooLong = false
        /// What could not be replaced, each once; the offset is in Unicode scalars from the start of the text.
        var problems: [(code: String, offset: Int, message: String, hint: String)] = []

        mutating func report(_ code: String, _ offset: Int, _ message: String, _ hint: String) {
            guard !problems.contains(where: { $0.message == message }) else { return }
            problems.append((code, offset, message, hint))
        }
    }

    /// Replaces the variables of a text; the result has at most `bytesMax` bytes.
    ///
    /// - Complexity: linear in the texts before and after.
    func apply(to text: String, bytesMax: Int = .max) -> Outcome {
        var outcome = Outcome()
        guard text.unicodeScalars.contains("$") else {
            outcome.text = text
            return outcome
        }
        let scalars = Array(text.unicodeScalars)
        var known: [String: String?] = [:]
        var result = String.UnicodeScalarView()
        var bytes = 0
        var index = 0
        while index < scalars.count {
            let next = index + 1 < scalars.count ? scalars[index + 1] : nil
            if scalars[index] == "$", next == "$", index + 2 < scalars.count, scalars[index + 2] == "{" {
                result.append(contentsOf: "${".unicodeScalars)
                index += 3
            } else if scalars[index] == "$", next == "{" {
                guard let end = scalars[index...].firstIndex(of: "}") else {
                    outcome.report(
                        "bad-variable", index, "a variable has no end, found '${', expected '}' after its name",
                        "write $${ for a literal ${")
                    break
                }
                let value = replacement(of: scalars[(index + 2)..<end], at: index, &known, &outcome)
                bytes += value.utf8.count
                guard bytes <= bytesMax else {
                    outcome.isTooLong = true
                    break
                }
                result.append(contentsOf: value.unicodeScalars)
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
        of inside: ArraySlice<Unicode.Scalar>, at offset: Int, _ known: inout [String: String?],
        _ outcome: inout Outcome
    ) -> String {
        let nameEnd = inside.firstIndex { !Self.isNameScalar($0) } ?? inside.endIndex
        let name = String(String.UnicodeScalarView(inside[..<nameEnd]))
        let rest = inside[nameEnd...]
        let hasDefault = rest.starts(with: ":-".unicodeScalars)
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first), rest.isEmpty || hasDefault else {
            outcome.report(
                "bad-variable", offset, "a variable is not well formed, expected ${NAME} or ${NAME:-default}",
                "names have letters, digits and _; write $${ for a literal ${")
            return ""
        }
        let fallback = String(String.UnicodeScalarView(rest.dropFirst(2)))
        guard !fallback.contains("${") else {
            outcome.report(
                "bad-variable", offset,
                "the default of a variable holds another variable, which would not be replaced",
                "write ${\(name)}, and give it its value outside")
            return ""
        }
        let value: String?
        if let found = known[name] {
            value = found
        } else {
            value = self.value(name)
            known[name] = .some(value)
        }
        if let value, !value.isEmpty || !hasDefault {
            outcome.usesEnvironment = true
            if value.isEmpty, !outcome.empty.contains(name) { outcome.empty.append(name) }
            return value
        }
        if hasDefault {
            if fallback.isEmpty, !outcome.empty.contains(name) { outcome.empty.append(name) }
            return fallback
        }
        outcome.report(
            "missing-variable", offset, "the environment variable \(name) is not set",
            "set it, or give a default: ${\(name):-value}")
        return ""
    }

    private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "A"..."Z", "a"..."z", "0"..."9", "_": true
        default: false
        }
    }
}
