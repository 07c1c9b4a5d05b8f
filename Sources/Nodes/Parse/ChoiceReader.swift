import JSON

/// Reads `[key=text]` in a path: the text as it is up to the bracket, or in quotes or backquotes, which are doubled inside.
enum ChoiceReader {
    private static let quotes: Set<Character> = ["'", "\"", "`"]

    /// Where the choice begins that stands behind the first key; nil when there is none, but another language's bracket.
    static func begin(in path: Substring) -> Substring.Index? {
        guard let bracket = path.firstIndex(of: "["), bracket > path.startIndex,
            !path[..<bracket].contains(where: { "./`".contains($0) }),
            path[bracket...].prefix(while: { $0 != "]" }).contains("=")
        else { return nil }
        return bracket
    }

    /// Reads the choice that `rest` begins with.
    static func choice(
        _ rest: inout Substring, behind keys: [String], of path: String
    ) throws(FieldPath.Problem) -> ElementChoice {
        let written = rest
        rest = rest.dropFirst()
        let key = trimmed(rest.prefix { $0 != "=" && $0 != "]" })
        rest = rest.drop { $0 != "=" && $0 != "]" }
        let isKey = key.hasPrefix("`") || !key.isEmpty && !key.contains { "?@()!<>~*[.$'\"".contains($0) }
        guard rest.first == "=", isKey, rest.dropFirst().first != "=" else {
            throw FieldPath.Problem(
                what: "chooses an element in another language", hint: advice(written, behind: keys))
        }
        rest = rest.dropFirst().drop { $0 == " " }
        let text = try text(&rest, behind: keys)
        rest = rest.drop { $0 == " " }
        guard rest.first == "]" else {
            throw FieldPath.Problem(
                what: "has a bracket without an end", hint: "for example \(example(keys, key))")
        }
        rest = rest.dropFirst()
        guard !text.isEmpty else {
            throw FieldPath.Problem(
                what: "chooses an element by nothing", hint: "for example \(example(keys, key))")
        }
        return ElementChoice(depth: keys.count, key: unquoted(key), text: text)
    }

    private static func text(_ rest: inout Substring, behind keys: [String]) throws(FieldPath.Problem) -> String {
        guard let quote = rest.first, quotes.contains(quote) else {
            let text = trimmed(rest.prefix { $0 != "]" })
            rest = rest.drop { $0 != "]" }
            return text
        }
        var text = ""
        rest = rest.dropFirst()
        while let character = rest.first {
            rest = rest.dropFirst()
            if character != quote {
                text.append(character)
            } else if rest.first == quote {
                text.append(quote)
                rest = rest.dropFirst()
            } else {
                return text
            }
        }
        throw FieldPath.Problem(what: "has a quote without an end", hint: "for example \(example(keys, "key"))")
    }

    private static func example(_ keys: [String], _ key: String) -> String {
        "\(FieldDeclaration.written(keys))[\(key.isEmpty ? "key" : key)=a].value"
    }

    /// What is meant by JSONPath's `[?(@.key=='a')]` and its like.
    private static func advice(_ written: Substring, behind keys: [String]) -> String {
        let pattern = /\[[?(@.\s]*([A-Za-z_][\w-]*)\s*==?\s*['"`]?([^'"`\])]+)['"`]?\s*\)?\].*/
        guard let match = written.wholeMatch(of: pattern) else { return "for example \(example(keys, "key"))" }
        let choice = ElementChoice(depth: keys.count, key: String(match.1), text: String(match.2))
        return "write \(FieldDeclaration.written(keys))\(choice.name)"
    }

    /// What `attributes[http.method].value` and `attributes['http.method'].value` are meant to be; nil for brackets that hold a
    /// number, a star, nothing, or a plain key in quotes.
    static func hint(forBracketOf path: String) -> String? {
        guard
            let match = path.wholeMatch(
                of: /(?:\$\.)?([^\[\]`'"\/$]+)\[(['"]?)([^\[\]`'"=*]+)\2\]((?:\.[^\[\]`'"\/]+)?)/),
            match.3.contains(".") || match.2.isEmpty, !match.3.allSatisfy(\.isNumber),
            let array = try? FieldPath(String(match.1)).keys
        else { return nil }
        let choice = ElementChoice(depth: array.count, key: "key", text: String(match.3))
        let (way, rest) = (FieldDeclaration.written(array), match.4.isEmpty ? ".value" : String(match.4))
        return "write \(way)\(choice.name)\(rest) for the element of an array that has it under key, or "
            + "\(FieldDeclaration.written(array + [choice.text]))\(match.4) for the member of an object"
    }

    private static func trimmed(_ text: Substring) -> String {
        let rest = text.drop { $0 == " " }
        return String(rest.reversed().drop { $0 == " " }.reversed())
    }

    private static func unquoted(_ key: String) -> String {
        guard key.count > 2, key.hasPrefix("`"), key.hasSuffix("`") else { return key }
        return String(key.dropFirst().dropLast()).replacing("``", with: "`")
    }
}
