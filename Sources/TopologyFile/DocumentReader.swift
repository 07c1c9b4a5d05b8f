import Dataflow
import Yams

/// Turns a file's text into a tree of values with places: YAML, anchors, aliases and merge keys (`<<`) followed,
/// variables replaced.
struct DocumentReader {
    private let source: SourceText
    private let substitution: EnvironmentSubstitution
    private var yaml: YAMLReader
    private var nodesLeft = DocumentLimits.nodesMax
    /// What is wrong with the document.
    private(set) var diagnostics = Diagnostics()

    init(source: SourceText, substitution: EnvironmentSubstitution) {
        self.source = source
        self.substitution = substitution
        yaml = YAMLReader(source: source)
    }

    /// The document's root; nil when `diagnostics` says why not.
    mutating func read() -> DocumentNode? {
        if let (scalar, location) = source.forbiddenScalar {
            let code = "U+" + String(scalar.value, radix: 16, uppercase: true)
            diagnostics.append(
                Diagnostic(
                    code: "forbidden-character", at: location,
                    "a character is not allowed in YAML, found \(code), expected printable text"))
            return nil
        }
        let root = yaml.read()
        diagnostics.append(contentsOf: yaml.diagnostics)
        guard !diagnostics.hasErrors else { return nil }
        guard let root, !isBlank(root) else {
            diagnostics.append(
                Diagnostic(
                    code: "empty-file", at: source.location(line: 1, column: 1),
                    "the file is empty, expected a topology", hint: "begin with: topology: NAME"))
            return nil
        }
        return convert(root, depth: 0)
    }

    private func isBlank(_ node: Node) -> Bool {
        node.scalar.map { $0.string.isEmpty && $0.style == .plain } ?? false
    }

    private mutating func convert(_ node: Node, depth: Int) -> DocumentNode? {
        let place = node.mark.map { yaml.contentStart(of: $0) } ?? YAMLReader.Place(line: 1, column: 1)
        let location = source.location(line: place.line, column: place.column)
        nodesLeft -= 1
        guard nodesLeft > 0, depth < DocumentLimits.depthMax else {
            if nodesLeft >= 0 { reportTooLarge(at: location) }
            nodesLeft = -1
            return nil
        }
        switch node {
        case .scalar(let scalar): return convert(scalar, at: place)
        case .sequence(let sequence):
            let elements = sequence.compactMap { convert($0, depth: depth + 1) }
            return DocumentNode(content: .list(elements), location: location)
        case .mapping(let mapping):
            return DocumentNode(content: .map(convert(mapping, depth: depth)), location: location)
        case .alias: return nil  // Yams' parser has replaced aliases by what they stand for
        }
    }

    private mutating func reportTooLarge(at location: SourceLocation) {
        diagnostics.append(
            Diagnostic(
                code: "too-large", at: location,
                "the document is too large, expected at most \(DocumentLimits.nodesMax) values in at most "
                    + "\(DocumentLimits.depthMax) levels"))
    }

    private mutating func convert(_ mapping: Node.Mapping, depth: Int) -> [DocumentEntry] {
        var entries: [DocumentEntry] = []
        var lineOfKey: [String: Int] = [:]
        var merged: [DocumentNode] = []
        for (key, value) in mapping {
            guard let (name, place) = keyName(key), let value = convert(value, depth: depth + 1) else { continue }
            if name == "<<", key.scalar?.style == .plain {
                merged.append(value)
                continue
            }
            if let line = lineOfKey[name] {
                diagnostics.append(
                    Diagnostic(
                        code: "duplicate-key", at: place,
                        "the key \(name.quotedForDiagnostic) stands twice in one map, first in line \(line)",
                        hint: "remove one"))
                continue
            }
            lineOfKey[name] = place.line
            entries.append(DocumentEntry(key: name, keyLocation: place, value: value))
        }
        for node in merged { merge(node, into: &entries) }
        return entries
    }

    /// Adds the entries of a merge key's map, or list of maps, that `entries` does not have yet.
    private mutating func merge(_ node: DocumentNode, into entries: inout [DocumentEntry]) {
        switch node.content {
        case .map(let added):
            let present = Set(entries.map(\.key))
            entries += added.filter { !present.contains($0.key) }
        case .list(let nodes):
            for node in nodes { merge(node, into: &entries) }
        case .scalar:
            diagnostics.append(
                Diagnostic(
                    code: "wrong-type", at: node.location,
                    "the merge key '<<' has the wrong type, found text, expected a map or an alias of one"))
        }
    }

    private mutating func keyName(_ key: Node) -> (name: String, location: SourceLocation)? {
        let place = key.mark.map { yaml.contentStart(of: $0) } ?? YAMLReader.Place(line: 1, column: 1)
        let location = source.location(line: place.line, column: place.column)
        guard case .scalar(let scalar) = key else {
            let found = key.mapping == nil ? "a list" : "a map"
            diagnostics.append(
                Diagnostic(code: "bad-key", at: location, "a key is not a name, found \(found), expected text"))
            return nil
        }
        let name = yaml.hiddenKeys[place] ?? scalar.string
        if name.isEmpty || name.unicodeScalars.starts(with: "${".unicodeScalars) {
            let found = name.isEmpty ? "nothing" : "a variable"
            diagnostics.append(
                Diagnostic(
                    code: "bad-key", at: location, "a key is not a name, found \(found), expected text",
                    hint: "variables are replaced in values only"))
            return nil
        }
        return (name, location)
    }

    private mutating func convert(_ scalar: Node.Scalar, at place: YAMLReader.Place) -> DocumentNode {
        let location = contentLocation(of: scalar, at: place)
        let outcome = substitution.apply(to: scalar.string)
        for problem in outcome.problems {
            diagnostics.append(
                Diagnostic(
                    code: problem.code,
                    at: location.advanced(over: scalar.string.unicodeScalars.prefix(problem.offset)),
                    problem.message, hint: problem.hint))
        }
        let content = DocumentScalar(
            text: outcome.text, isPlain: scalar.style == .plain || scalar.style == .any,
            isFromEnvironment: outcome.usesEnvironment, isBroken: !outcome.problems.isEmpty,
            substituted: outcome.values)
        return DocumentNode(content: .scalar(content), location: location)
    }

    /// The place of the content's first character; for a block scalar where its first line begins.
    private func contentLocation(of scalar: Node.Scalar, at place: YAMLReader.Place) -> SourceLocation {
        let start = source.location(line: place.line, column: place.column)
        guard scalar.style == .literal || scalar.style == .folded, let indent = yaml.blockIndent(after: place.line)
        else { return start }
        let firstLine = scalar.string.unicodeScalars.drop { $0 == "\n" }
        let column = indent - firstLine.prefix { $0 == " " }.count
        return source.location(line: place.line + 1, column: max(1, column))
    }
}
