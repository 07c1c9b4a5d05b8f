import Dataflow
import Declaration
import Yams

/// Turns a file's text into a tree of values with places: YAML, anchors, aliases and merge keys (`<<`) followed,
/// variables replaced.
struct DocumentReader {
    private let source: SourceText
    private let substitution: EnvironmentSubstitution
    private var yaml: YAMLReader
    private var nodesLeft = DocumentLimits.nodesMax
    private var expandedBytesLeft = DocumentLimits.expandedBytesMax
    private var isExpansionReported = false
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
            diagnostics.append(
                Diagnostic(
                    code: "forbidden-character", at: location,
                    "a character is not allowed in YAML, found \(scalar.codeForDiagnostic), expected printable text"))
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
            // Not by Yams' style of a node, which it takes from the node's end and so never knows.
            refuse(sequence.tag, of: "list", "tag:yaml.org,2002:seq", at: location)
            var elements: [DocumentNode] = []
            var index = 0
            let nodes = Array(sequence)
            while index < nodes.count {
                if yaml[place] == "[", let cut = FlowCut(nodes, from: index) {
                    elements.append(cutScalar(cut.text, at: nodes[index]))
                    index = cut.end
                    continue
                }
                if let element = convert(nodes[index], depth: depth + 1) { elements.append(element) }
                index += 1
            }
            return DocumentNode(content: .list(elements), location: location)
        case .mapping(let mapping):
            refuse(mapping.tag, of: "map", "tag:yaml.org,2002:map", at: location)
            let entries = convert(mapping, isFlow: yaml[place] == "{", depth: depth)
            return DocumentNode(content: .map(entries), location: location)
        case .alias: return nil  // Yams' parser has replaced aliases by what they stand for
        }
    }

    /// A tag asks for a meaning that nothing here gives; only the one that says what is there anyway is harmless.
    private mutating func refuse(_ tag: Tag, of what: String, _ own: String, at location: SourceLocation) {
        guard !["", "!", own].contains(tag.rawValue) else { return }
        diagnostics.append(
            Diagnostic(
                code: "unknown-tag", at: location, "a YAML tag (!…) stands before a \(what), which means nothing here",
                hint: "remove it"))
    }

    /// A value that a comma ended inside `{ }` or `[ ]`.
    private func cutScalar(_ text: String, at node: Node) -> DocumentNode {
        let place = node.mark.map { yaml.contentStart(of: $0) } ?? YAMLReader.Place(line: 1, column: 1)
        let scalar = DocumentScalar(text: "", isPlain: true, isFromEnvironment: false, fault: .cut(text))
        return DocumentNode(
            content: .scalar(scalar), location: source.location(line: place.line, column: place.column))
    }

    private mutating func reportTooLarge(at location: SourceLocation) {
        diagnostics.append(
            Diagnostic(
                code: "too-large", at: location,
                "the document is too large, expected at most \(DocumentLimits.nodesMax) values in at most "
                    + "\(DocumentLimits.depthMax) levels"))
    }

    /// Inside `{ }`, YAML places a value that is not there where the next thing begins, behind a comment if there is one.
    private func findComment(behind key: SourceLocation, _ name: String, _ value: inout DocumentNode) {
        guard case .scalar(var scalar) = value.content, scalar.fault == .nothing else { return }
        var column = key.column + name.unicodeScalars.count
        while let next = source.scalar(line: key.line, column: column), ["\"", "'", ":"].contains(next) { column += 1 }
        guard let comment = commentStart(from: YAMLReader.Place(line: key.line, column: column)) else { return }
        scalar.fault = .comment(source.text(from: comment))
        value.content = .scalar(scalar)
        value.location = source.location(line: comment.line, column: comment.column)
    }

    private mutating func convert(_ mapping: Node.Mapping, isFlow: Bool, depth: Int) -> [DocumentEntry] {
        var entries: [DocumentEntry] = []
        var lineOfKey: [String: Int] = [:]
        var merged: [DocumentNode] = []
        let pairs = mapping.map { (key: $0.key, value: $0.value) }
        var index = 0
        while index < pairs.count {
            let (key, node) = (pairs[index].key, pairs[index].value)
            let cut = isFlow ? FlowCut(pairs, from: index) : nil
            index = cut?.end ?? index + 1
            guard let (name, place) = keyName(key),
                var value = cut.map({ cutScalar($0.text, at: node) }) ?? convert(node, depth: depth + 1)
            else { continue }
            if isFlow { findComment(behind: place, name, &value) }
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
        // Yams has made up the tags of keys by now; the text tells what was written.
        let hasTag = key.mark.map { yaml[YAMLReader.Place(line: $0.line, column: $0.column)] } == "!"
        guard case .scalar(let scalar) = key, !hasTag else {
            let found = key.scalar != nil ? "a YAML tag" : key.mapping == nil ? "a list" : "a map"
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
        let outcome = substitution.apply(to: scalar.string, bytesMax: expandedBytesLeft)
        for problem in outcome.problems {
            diagnostics.append(
                Diagnostic(
                    code: problem.code,
                    at: location.advanced(over: scalar.string.unicodeScalars.prefix(problem.offset)),
                    problem.message, hint: problem.hint))
        }
        if outcome.isTooLong {
            // Said once: what comes after it is no good either.
            if !isExpansionReported { reportExpansion(at: location) }
            isExpansionReported = true
        } else if outcome.usesEnvironment {
            expandedBytesLeft -= outcome.text.utf8.count
        }
        warnOfShellVariable(scalar, at: location)
        let tag = scalar.tag.rawValue
        let isText = ["!", "tag:yaml.org,2002:str"].contains(tag)
        var content = DocumentScalar(
            text: outcome.text, isPlain: !isText && (scalar.style == .plain || scalar.style == .any),
            isFromEnvironment: outcome.usesEnvironment, isBroken: !outcome.problems.isEmpty || outcome.isTooLong)
        content.fault = fault(of: scalar, outcome, isText: isText, at: place)
        var start = location
        if case .comment? = content.fault { start = commentStart(from: place).map(source.location) ?? location }
        return DocumentNode(content: .scalar(content), location: start)
    }

    private func fault(
        of scalar: Node.Scalar, _ outcome: EnvironmentSubstitution.Outcome, isText: Bool, at place: YAMLReader.Place
    ) -> DocumentScalar.Fault? {
        let tag = scalar.tag.rawValue
        let isPlain = scalar.style == .plain || scalar.style == .any
        if !tag.isEmpty, !isText,
            !["bool", "int", "float", "null"].contains(where: { tag == "tag:yaml.org,2002:" + $0 })
        {
            return .tag(scalar.string.isEmpty ? tag : tag + " " + scalar.string)
        }
        if outcome.text.isEmpty {
            if !scalar.string.isEmpty || !isPlain || isText { return .empty(variables: outcome.empty) }
            if let comment = commentStart(from: place) { return .comment(source.text(from: comment)) }
            return .nothing
        }
        return isPlain && !isText && ["~", "null", "Null", "NULL"].contains(scalar.string) ? .null(scalar.string) : nil
    }

    /// Where a comment begins behind a place, when nothing else stands before it in the line.
    private func commentStart(from place: YAMLReader.Place) -> (line: Int, column: Int)? {
        var column = place.column
        while let scalar = source.scalar(line: place.line, column: column), scalar == " " || scalar == "\t" {
            column += 1
        }
        return source.scalar(line: place.line, column: column) == "#" ? (place.line, column) : nil
    }

    private mutating func reportExpansion(at location: SourceLocation) {
        diagnostics.append(
            Diagnostic(
                code: "too-large", at: location,
                "the values of variables make the file too large, expected at most "
                    + "\(Quantity.describe(size: Int64(DocumentLimits.expandedBytesMax))) in all"))
    }

    /// `$NAME` is no variable here, and hardly ever meant as it stands.
    private mutating func warnOfShellVariable(_ scalar: Node.Scalar, at location: SourceLocation) {
        let scalars = scalar.string.unicodeScalars
        guard scalars.first == "$", scalars.count > 1,
            scalars.dropFirst().allSatisfy({ ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "_" })
        else { return }
        diagnostics.append(
            Diagnostic(
                .warning, code: "shell-variable", at: location,
                "a value of the form $NAME is taken as it stands, expected ${NAME} for a variable",
                hint: "write ${NAME}, or $${ for a literal ${"))
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
