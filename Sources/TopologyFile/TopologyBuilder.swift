import Dataflow
import Declaration
import Platform

/// Builds a declaration from a document: top-level keys, settings and nodes; the graph is `TopologyGraph`'s.
struct TopologyBuilder {
    private let specs: [NodeSpec]
    private let settings: [FieldSpec]
    private var checker = SpecChecker()
    private var problems = Diagnostics()

    init(specs: [NodeSpec], settings: [FieldSpec]) {
        self.specs = specs
        self.settings = settings
    }

    /// What is wrong with the topology.
    var diagnostics: Diagnostics {
        var all = problems
        all.append(contentsOf: checker.diagnostics)
        return all
    }

    /// The declaration as far as it can be made out, for further checks; it must not run when `diagnostics` has errors.
    mutating func build(_ root: DocumentNode) -> TopologyDeclaration? {
        guard case .map(let entries) = root.content else {
            report(
                "wrong-type", root.location,
                "the file has the wrong shape, found \(root.found(concealed: true)), expected a map with topology and nodes"
            )
            return nil
        }
        let name = readName(entries, at: root.location)
        let settings = readSettings(entries, at: root.location)
        let nodes = readNodes(entries, at: root.location)
        return TopologyDeclaration(
            name: name?.text ?? "topology", nameLocation: name?.location ?? root.location, settings: settings,
            nodes: nodes)
    }

    private mutating func readName(
        _ entries: [DocumentEntry], at location: SourceLocation
    ) -> (text: String, location: SourceLocation)? {
        guard let entry = entries.first(where: { $0.key == "topology" }) else {
            report(
                "missing-field", location, "the file lacks 'topology', expected the topology's name",
                hint: "for example topology: game_kpis")
            return nil
        }
        guard let scalar = entry.value.scalar else {
            let found = entry.value.found(concealed: false)
            report("wrong-type", entry.value.location, "'topology' has the wrong type, found \(found), expected a name")
            return nil
        }
        guard !scalar.isBroken else { return nil }
        if let fault = scalar.fault {
            checker.report(
                fault, at: entry.value.location, expected: "a name", concealed: false, named: "'topology'")
            return nil
        }
        guard scalar.text.isName else {
            let found = entry.value.found(concealed: false)
            report(
                "bad-name", entry.value.location,
                "the topology's name is not allowed, found \(found), \(String.nameRule)",
                hint: scalar.isFromEnvironment ? nil : scalar.text.nameAdvice)
            return nil
        }
        return (scalar.text, entry.value.location)
    }

    private mutating func readSettings(_ entries: [DocumentEntry], at location: SourceLocation) -> ConfigValue {
        var others: [DocumentEntry] = []
        for entry in entries where !["topology", "nodes"].contains(entry.key) {
            guard !settings.contains(where: { $0.name == entry.key }) else {
                others.append(entry)
                continue
            }
            let known = ["topology", "nodes"] + settings.map(\.name)
            let isNodeType = specs.contains { $0.word == entry.key }
            report(
                "unknown-key", entry.keyLocation,
                "the file has the unknown key \(entry.key.quotedForDiagnostic), expected \(known.joined(separator: ", "))",
                hint: isNodeType ? "nodes stand under 'nodes:'" : Suggestion.hint(for: entry.key, in: known))
        }
        return checker.checkFields(others, at: location, fields: settings, named: "the file")
    }

    private mutating func readNodes(_ entries: [DocumentEntry], at location: SourceLocation) -> [NodeDeclaration] {
        guard let entry = entries.first(where: { $0.key == "nodes" }) else {
            report("missing-field", location, "the file lacks 'nodes', expected a map from names to nodes")
            return []
        }
        if let fault = entry.value.scalar?.fault {
            checker.report(
                fault, at: entry.value.location, expected: "a map from names to nodes", concealed: true,
                named: "'nodes'")
            return []
        }
        guard case .map(let nodes) = entry.value.content, !nodes.isEmpty else {
            let found =
                if case .map = entry.value.content { "an empty map" } else { entry.value.found(concealed: true) }
            report(
                "wrong-type", entry.value.location,
                "'nodes' has the wrong type, found \(found), expected a map from names to nodes")
            return []
        }
        var graph = TopologyGraph(nodes: nodes.map { readNode($0) })
        let sorted = graph.sort()
        problems.append(contentsOf: graph.diagnostics)
        return sorted
    }

    mutating func report(_ code: String, _ location: SourceLocation, _ message: String, hint: String? = nil) {
        problems.append(Diagnostic(code: code, at: location, message, hint: hint))
    }
}

extension TopologyBuilder {
    /// Reads one node as far as it can be read.
    mutating func readNode(_ entry: DocumentEntry) -> DraftNode {
        var draft = DraftNode(name: entry.key, location: entry.keyLocation)
        let named = "node \(entry.key.quotedForDiagnostic)"
        if !entry.key.isName {
            report(
                "bad-name", entry.keyLocation,
                "a node's name is not allowed, found \(entry.key.quotedForDiagnostic), \(String.nameRule)",
                hint: entry.key.nameAdvice)
        }
        if let fault = entry.value.scalar?.fault {
            let expected = "a map with a node type and, unless a source, from"
            checker.report(fault, at: entry.value.location, expected: expected, concealed: true, named: named)
            draft.isBroken = true
            return draft
        }
        guard case .map(let entries) = entry.value.content else {
            let found = entry.value.found(concealed: true)
            report(
                "wrong-type", entry.value.location,
                "\(named) has the wrong type, found \(found), expected a map with a node type and, unless a source, from"
            )
            draft.isBroken = true
            return draft
        }
        let types = entries.filter { entry in specs.contains { $0.word == entry.key } }
        var unknown: [DocumentEntry] = []
        for entry in entries {
            switch entry.key {
            case "from": readInput(entry, named: named, into: &draft)
            case "concurrency": draft.concurrency = readConcurrency(entry)
            case "cluster_concurrency":
                draft.clusterConcurrency = readConcurrency(entry).map { ($0, entry.keyLocation) }
            case let key where !types.contains { $0.key == key }: unknown.append(entry)
            default: break
            }
        }
        if let type = types.first, let spec = spec(type, hasInput: entries.contains { $0.key == "from" }) {
            draft.spec = spec
            draft.config = readConfig(type, spec: spec)
            for extra in types.dropFirst() {
                report(
                    "several-node-types", extra.keyLocation,
                    "\(named) has several node types, found \(extra.key.quotedForDiagnostic) beside \(type.key.quotedForDiagnostic), expected one",
                    hint: "make it a node of its own that reads from this one")
            }
        }
        reportUnknown(unknown, named: named, &draft)
        return draft
    }

    /// The node type that a key stands for. Where a source and another type share it, what reads from nowhere is the source,
    /// unless its fields are those of the other.
    private func spec(_ entry: DocumentEntry, hasInput: Bool) -> NodeSpec? {
        let candidates = specs.filter { $0.word == entry.key }
        guard candidates.count > 1, let source = candidates.first(where: { $0.kind == .source }),
            let other = candidates.first(where: { $0.kind != .source })
        else { return candidates.first }
        if hasInput { return other }
        guard case .map(let fields) = entry.value.content else { return source }
        func strangers(_ spec: NodeSpec) -> Int {
            fields.count { field in !spec.fields.contains { $0.name == field.key } }
        }
        return strangers(source) > strangers(other) ? other : source
    }

    private mutating func reportUnknown(_ unknown: [DocumentEntry], named: String, _ draft: inout DraftNode) {
        let words = specs.words
        if draft.spec == nil, unknown.isEmpty {
            draft.isBroken = true
            report(
                "missing-node-type", draft.location,
                "\(named) has no node type, expected one of \(words.joined(separator: ", "))")
        }
        // Without a known type, the unknown key is a mistyped type; of several, the one nearest to a type is.
        let mistyped =
            draft.spec != nil
            ? nil : unknown.first { Suggestion.nearest(to: $0.key, in: words) != nil } ?? unknown.first
        for entry in unknown {
            let key = entry.key.quotedForDiagnostic
            if draft.spec == nil, let word = typeAsValue(of: entry) {
                draft.isBroken = true
                report(
                    "node-type-as-value", entry.keyLocation,
                    "\(named) has its type as the value of \(key), expected it as a key that has the node's fields below it",
                    hint: typeAsKey(word, of: unknown))
                return
            }
            if entry.keyLocation == mistyped?.keyLocation {
                draft.isBroken = true
                report(
                    "unknown-node-type", entry.keyLocation,
                    "\(named) has an unknown node type, found \(key), expected one of \(words.joined(separator: ", "))",
                    hint: Suggestion.hint(for: entry.key, in: words + Self.keys))
                continue
            }
            let known = Self.keys + (draft.spec.map { [$0.word] } ?? [])
            let belongsInside = draft.spec?.fields.contains { $0.name == entry.key } ?? false
            report(
                "unknown-field", entry.keyLocation,
                "\(named) has no field \(key), expected \(known.joined(separator: ", "))",
                hint: belongsInside
                    ? "\(key) is a field of \(draft.spec?.word ?? ""): indent it below"
                    : Suggestion.hint(for: entry.key, in: known))
        }
    }

    /// The node type that stands behind a key as its value, as in `type: filter`.
    private func typeAsValue(of entry: DocumentEntry) -> String? {
        guard let text = entry.value.scalar?.text else { return nil }
        let words = specs.words
        let isMeant = ["kind", "type"].contains(entry.key)
        // The key itself may be the mistyped type: `filtr: keep`.
        guard isMeant || Suggestion.nearest(to: entry.key, in: words) == nil else { return nil }
        return words.contains(text) ? text : isMeant ? Suggestion.nearest(to: text, in: words) : nil
    }

    /// What a node would be with its type as a key.
    private func typeAsKey(_ word: String, of unknown: [DocumentEntry]) -> String {
        let fields = unknown.map(\.key).filter { key in
            specs.contains { $0.word == word && $0.fields.contains { $0.name == key } }
        }
        guard !fields.isEmpty else { return "write \(word): … instead" }
        return "write \(word): { \(fields.map { "\($0): …" }.joined(separator: ", ")) } instead"
    }

    private mutating func readInput(_ entry: DocumentEntry, named: String, into draft: inout DraftNode) {
        draft.inputKeyLocation = entry.keyLocation
        var values = [entry.value]
        if case .list(let list) = entry.value.content {
            values = list
            if list.isEmpty {
                report(
                    "wrong-type", entry.value.location,
                    "'from' of \(named) is an empty list, expected the nodes it reads from")
                draft.isBroken = true
            }
        }
        for value in values {
            if let fault = value.scalar?.fault {
                checker.report(
                    fault, at: value.location, expected: "the name of a node", concealed: false,
                    named: "'from' of \(named)", instead: "name the node it reads from")
                draft.isBroken = true
                continue
            }
            guard let scalar = value.scalar else {
                report(
                    "wrong-type", value.location,
                    "'from' of \(named) has the wrong type, found \(value.found(concealed: false)), expected the name of a "
                        + "node, or a list of names")
                draft.isBroken = true
                continue
            }
            draft.isBroken = draft.isBroken || scalar.isBroken
            draft.inputs.append(DraftInput(name: scalar, location: value.location))
        }
    }

    /// What a node may have beside its type.
    static let keys = ["from", "concurrency", "cluster_concurrency"]

    private mutating func readConcurrency(_ entry: DocumentEntry) -> Int? {
        let type = SpecType.integer(1...DocumentLimits.concurrencyMax)
        let value = checker.check(entry.value, as: type, named: "'\(entry.key)'")
        // Not `value?.integer`: Swift 6.3.1 crashes when it optimises that here.
        guard let value, case .integer(let count) = value.content else { return nil }
        return Int(count)
    }

    private mutating func readConfig(_ entry: DocumentEntry, spec: NodeSpec) -> ConfigValue? {
        let named = "'\(spec.word)'"
        let location = entry.value.location
        switch entry.value.content {
        case .map(let entries) where spec.mapField == nil:
            return checker.checkFields(entries, at: location, fields: spec.fields, named: named)
        case .scalar(let scalar) where scalar.isBroken && spec.shorthand == nil: return nil
        case .scalar(let scalar) where !scalar.isBroken && scalar.fault != nil:
            guard let fault = scalar.fault else { return nil }
            let isOptional = !spec.fields.contains { $0.isRequired }
            let type: SpecType =
                spec.fields.first { $0.name == spec.shorthand }.map(\.type) ?? .object(spec.fields)
            checker.report(
                fault, at: location, expected: type.expectation, concealed: type.holdsSecret, named: named,
                instead: isOptional ? "write \(spec.word): {}" : nil)
            return nil
        default:
            guard let shorthand = spec.shorthand else {
                return checker.check(entry.value, as: .object(spec.fields), named: named)
            }
            if let field = spec.mapField {
                // The map stands under the node type itself, and is called so.
                let value = checker.check(entry.value, as: field.type, named: named)
                let whole = ConfigEntry(
                    key: shorthand, keyLocation: location, value: value ?? ConfigValue(.invalid, at: location))
                return ConfigValue(.map([whole]), at: location)
            }
            let wrapped = DocumentEntry(key: shorthand, keyLocation: location, value: entry.value)
            return checker.checkFields([wrapped], at: location, fields: spec.fields, named: named)
        }
    }
}

extension String {
    /// Whether the text may name a topology or a node.
    var isName: Bool {
        let bytes = Array(utf8)
        guard let first = bytes.first, bytes.count <= DocumentLimits.nameMax else { return false }
        let isLetter = { (byte: UInt8) in UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte }
        let isDigit = { (byte: UInt8) in UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
        return isLetter(first) && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }

    /// The nearest name that is allowed, as a hint; nil when only the length is wrong, or there is none.
    fileprivate var nameAdvice: String? {
        guard utf8.count <= DocumentLimits.nameMax else { return "found \(utf8.count) bytes" }
        let name = String(lowercased().map { ["-", " ", "."].contains($0) ? "_" : $0 })
        return name.isName ? "for example \(name)" : nil
    }

    /// What `isName` asks for, in the words of a diagnostic.
    static let nameRule =
        "expected a small letter, then small letters, digits and _, at most \(DocumentLimits.nameMax) in all"
}

extension [NodeSpec] {
    /// The keys that select them, each once.
    fileprivate var words: [String] {
        map(\.word).reduce(into: []) { words, word in if !words.contains(word) { words.append(word) } }
    }
}
