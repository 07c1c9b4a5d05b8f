import JSON

/// Where a field's value is in a document, as written in a topology file: keys joined by dots, each as it is or in
/// backquotes, where a doubled backquote stands for itself. Behind a key, `[key=text]` chooses an element of the array there.
struct FieldPath {
    /// Why a path cannot be meant as it stands.
    struct Problem: Error {
        /// What is wrong with it, as the end of "the path of x …".
        var what: String
        /// The way out, nil when nobody can guess.
        var hint: String?
        /// Whether it names the elements of an array that is asked for.
        var isOfElements = false
    }

    /// The keys from the document's root to the value.
    let keys: [String]
    /// The elements of arrays that it goes through.
    let choices: [ElementChoice]

    /// Reads a path.
    /// - Throws: what is wrong with it: above all, that it is written in another language of paths and would never match.
    init(_ text: String) throws(Problem) {
        var keys: [String] = []
        var choices: [ElementChoice] = []
        var rest = Substring(text)
        repeat {
            if !keys.isEmpty { rest = rest.dropFirst() }
            keys.append(try Self.key(&rest, of: text))
            if rest.first == "[" { choices.append(try ChoiceReader.choice(&rest, behind: keys, of: text)) }
        } while rest.first == "."
        guard rest.isEmpty else {
            guard choices.last?.depth == keys.count else {
                throw Problem(what: "goes on behind a backquote without a dot", hint: "for example `a.b`.c")
            }
            throw Problem(what: "goes on behind a bracket without a dot", hint: "for example a[key=b].c")
        }
        if let last = choices.last, last.depth == keys.count {
            throw Problem(
                what: "ends with an element, which is an object",
                hint: "go on with a member of it: \(FieldDeclaration.written(keys, choices)).value")
        }
        self.keys = keys
        self.choices = choices
    }

    private static func key(_ rest: inout Substring, of text: String) throws(Problem) -> String {
        if rest.first == "`" { return try quoted(&rest) }
        let end = ChoiceReader.begin(in: rest) ?? rest.firstIndex(of: ".") ?? rest.endIndex
        let key = rest[..<end]
        rest = rest[end...]
        guard !key.isEmpty else {
            throw Problem(what: "has an empty part", hint: advice(text))
        }
        if key == "$" || key == "*" || key.contains(where: { "/[]`".contains($0) }) || key.contains("->") {
            let part = key.contains("/") ? "a slash" : "'\(key)'"
            throw Problem(
                what: "holds \(part), which is no key", hint: ChoiceReader.hint(forBracketOf: text) ?? advice(text))
        }
        if key.utf8.allSatisfy({ (48...57).contains($0) }) {
            throw Problem(what: "holds the number \(key)", hint: arrayHint(text))
        }
        return String(key)
    }

    private static func quoted(_ rest: inout Substring) throws(Problem) -> String {
        var key = ""
        rest = rest.dropFirst()
        while let character = rest.first {
            rest = rest.dropFirst()
            if character != "`" {
                key.append(character)
            } else if rest.first == "`" {
                key.append("`")
                rest = rest.dropFirst()
            } else if key.isEmpty {
                throw Problem(what: "has an empty part", hint: nil)
            } else {
                return key
            }
        }
        throw Problem(what: "has a backquote without an end", hint: "for example payload.`user.id`")
    }

    /// The keys to each array of an `each:`, such as `orders[].items`; for the document itself `[]`, and `[].items`.
    /// - Throws: what is wrong with it.
    static func arrays(_ text: String) throws(Problem) -> [[String]] {
        if let hint = elementsAdvice(text) {
            throw Problem(what: "is the path of an array", hint: hint, isOfElements: true)
        }
        return try plainArrays(text)
    }

    private static func plainArrays(_ text: String) throws(Problem) -> [[String]] {
        if text == "[]" { return [[]] }
        let parts = cut(text)
        guard !parts.contains(where: { $0.hasSuffix("[]") }) else {
            throw Problem(
                what: "goes through an array whose elements are arrays",
                hint: "elements of arrays are objects with the next array in them, as in orders[].items")
        }
        guard parts.count <= ElementArray.countMax else {
            throw Problem(what: "goes through more than \(ElementArray.countMax) arrays", hint: nil)
        }
        var arrays: [[String]] = []
        for (number, part) in parts.enumerated() {
            // In front of the elements of the document itself.
            if number == 0, part.isEmpty, parts.count > 1 {
                arrays.append([])
                continue
            }
            let path = try FieldPath(part)
            guard path.choices.isEmpty else {
                throw Problem(
                    what: "chooses an element of an array",
                    hint: "every element of it is gone through with [] in the place of the bracket")
            }
            arrays.append(path.keys)
        }
        return arrays
    }

    /// Cuts a text at each `[].` that stands in no backquotes.
    private static func cut(_ text: String) -> [String] {
        var (parts, isQuoted) = ([""], false)
        var rest = Substring(text)
        while let character = rest.first {
            if character == "`" { isQuoted.toggle() }
            let isCut = !isQuoted && rest.hasPrefix("[].")
            rest = rest.dropFirst(isCut ? 3 : 1)
            if isCut { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        return parts
    }

    /// What `each:` is to be in place of a text that names the elements of an array, or the document, in another language of
    /// paths: `items[]`, `$.items[*]`, `$`, `.`; nil when it does not.
    private static func elementsAdvice(_ text: String) -> String? {
        if text == "[]" { return nil }
        var plain = Substring(text.replacing("[*]", with: "[]"))
        if plain == "." || plain == "/" { plain = "" }
        if plain.hasPrefix("$") { plain = plain.dropFirst() }
        if plain.hasPrefix(".") { plain = plain.dropFirst() }
        for suffix in ["[]", ".*", "*"] where plain.hasSuffix(suffix) && !plain.hasSuffix("[][]") {
            plain = plain.dropLast(suffix.count)
            break
        }
        guard plain != text else { return nil }
        if plain.isEmpty { return "write \"[]\" for documents that are arrays" }
        guard let arrays = try? plainArrays(String(plain)), text.contains("[") || text.hasSuffix("*") else {
            return nil
        }
        let name = ElementArray(paths: arrays).name
        return "write \(name.hasPrefix("[") ? "\"\(name)\"" : name)"
    }

    /// What was expected in place of a path, as the end of a sentence.
    static func expected(_ problem: Problem) -> String {
        problem.isOfElements ? ", which says its elements too" : ", expected keys joined by dots"
    }

    /// What to write for the elements of arrays: `items[0].x`, `$.items[*].x` and `items.0.x` are `x` with `each: items`.
    private static func arrayHint(_ text: String) -> String {
        var plain = Substring(text)
        if plain.hasPrefix("$.") { plain = plain.dropFirst(2) }
        let parts = plain.replacing("[]", with: "[*]").replacing("[", with: ".").replacing("]", with: "").split(
            separator: "."
        ).map(String.init)
        let backquotes = "a key of that name stands in backquotes"
        let groups = parts.split(omittingEmptySubsequences: false) {
            $0 == "*" || $0.utf8.allSatisfy { (48...57).contains($0) }
        }
        let unknown = "elements of arrays are records with each: and the path of the array; \(backquotes)"
        // A text without an element in it would be read here again and again.
        guard groups.count > 1, let last = groups.last else { return unknown }
        let read = groups.map { try? FieldPath($0.joined(separator: ".")) }
        let arrays = read.dropLast().compactMap { $0?.keys }
        guard arrays.count == groups.count - 1 else { return unknown }
        let way = "with each: \(ElementArray(paths: arrays).name) every element is a record, and the path is "
        guard !last.isEmpty else { return way + "\".\" for the element itself; \(backquotes)" }
        guard let rest = read.last ?? nil else { return unknown }
        return way + "\(FieldDeclaration.written(rest.keys)); \(backquotes)"
    }

    /// The same path in this language, when it is one of JSONPath, JSON Pointer or Postgres's operators.
    private static func advice(_ text: String) -> String? {
        var plain = Substring(text)
        if plain.hasPrefix("$.") {
            plain = plain.dropFirst(2)
        } else if plain.hasPrefix("/") {
            plain = plain.dropFirst()
        }
        let dotted = plain.replacing("['", with: ".").replacing("[\"", with: ".").replacing("']", with: "")
            .replacing("\"]", with: "").replacing("->>", with: ".").replacing("->", with: ".")
            .replacing("/", with: ".").replacing("'", with: "")
        guard !dotted.contains(where: { "[]*$`".contains($0) }) else {
            return arrayHint(text)
        }
        guard dotted != text, let path = try? FieldPath(String(dotted)) else { return nil }
        let way = FieldDeclaration.written(path.keys)
        if let key = slashedKey(text) {
            return "write \(key) where that is one key, or \(way) where the slash parts two"
        }
        return "write \(way); a key that holds such a character stands in backquotes"
    }

    /// What holds keys with a domain and a slash in them, in documents of Kubernetes.
    private static let holders: Set<String> = ["annotations", "labels", "matchLabels", "nodeSelector"]

    /// The path in which a slash is part of a key, such as annotations.`example.io/name`; nil where it is more likely to
    /// separate keys.
    private static func slashedKey(_ text: String) -> String? {
        guard !text.contains(where: { "$[]*`'\"".contains($0) }), !text.contains("->") else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let slash = parts.firstIndex(where: { $0.contains("/") }), slash > 0, !parts.contains("") else {
            return nil
        }
        let holder = parts[..<slash].lastIndex { holders.contains($0) } ?? 0
        return FieldDeclaration.written(Array(parts[...holder]) + [parts[(holder + 1)...].joined(separator: ".")])
    }
}
