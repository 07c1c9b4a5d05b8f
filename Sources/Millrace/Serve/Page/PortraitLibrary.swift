import Catalog
import Declaration
import Nodes
import TopologyFile
import WebPage

/// What is drawn of deployed files. A file is read once for each version.
struct PortraitLibrary {
    /// A file as the page needs it.
    struct Entry {
        var version: Int
        var portrait: TopologyPortrait
        var tables: [TableCharts]
    }

    /// Files at once; beyond that, all are read again.
    private static let entriesMax = 128
    private var entries: [String: Entry] = [:]

    /// What was read of a topology's version.
    func known(_ topology: TopologyFigures) -> Entry? {
        entries[topology.name].flatMap { $0.version == topology.version ? $0 : nil }
    }

    /// The file of the deployed version; nil when this program cannot read it.
    /// - Throws: `CatalogError`, `PostgresError`.
    mutating func find(_ topology: TopologyFigures, _ catalog: inout Catalog) throws -> Entry? {
        if let known = known(topology) { return known }
        let file = try catalog.version(topology.version, of: topology.name).file
        guard let entry = Self.read(file, of: topology) else { return nil }
        if entries.count >= Self.entriesMax { entries = [:] }
        entries[topology.name] = entry
        return entry
    }

    private static func read(_ file: String, of topology: TopologyFigures) -> Entry? {
        let loader = TopologyLoader(rebuild: Rebuild(name: topology.name), needsEnds: false)
        guard let declaration = loader.declaration(of: file, named: topology.name) else { return nil }
        let lines = file.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let starts = declaration.nodes.map(\.location.line).sorted()
        let nodes = declaration.nodes.map { node -> TopologyPortrait.Node in
            let first = node.location.line
            let next = starts.first { $0 > first } ?? lines.count + 1
            return TopologyPortrait.Node(
                name: node.name, type: node.spec.word, role: role(node.spec.kind), inputs: node.inputs,
                firstLine: first, declaration: text(lines, first, next))
        }
        let compiled = loader.load(text: file, from: topology.name).topology
        let tables = compiled?.sinks.compactMap { $0.plan as? any Chartable }.flatMap(\.charts) ?? []
        return Entry(version: topology.version, portrait: TopologyPortrait(nodes: nodes), tables: tables)
    }

    private static func role(_ kind: NodeSpec.Kind) -> TopologyPortrait.Role {
        switch kind {
        case .source: .source
        case .operator: .operator
        case .sink: .sink
        }
    }

    /// Lines of a declaration, without what stands in front of the next one, without secrets.
    private static func text(_ lines: [String], _ first: Int, _ next: Int) -> String {
        var own = Array(lines[min(lines.count, max(0, first - 1))..<min(lines.count, max(first, next - 1))])
        while let last = own.last, last.allSatisfy(\.isWhitespace) || last.drop(while: \.isWhitespace).first == "#" {
            own.removeLast()
        }
        return Secrets.concealed(own.joined(separator: "\n"))
    }
}

/// Keeps passwords that stand in a file out of what is shown of it.
enum Secrets {
    /// The text with `…` in place of passwords: in addresses, and behind keys that say so.
    static func concealed(_ text: String) -> String {
        let known = Redaction.redacted(text)
        let addresses = known.replacing(/(:\/\/[^:@\/\s"']*):([^@\/\s"']+)@/) { "\($0.output.1):…@" }
        return addresses.replacing(/(?i)((?:password|secret|token)[\w.]*["']?\s*[:=]\s*)(["']?)(?!\$\{)[^\s"',}]+/) {
            "\($0.output.1)\($0.output.2)…"
        }
    }
}
