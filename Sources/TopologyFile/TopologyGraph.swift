import Dataflow
import Declaration
import Platform

/// A node as far as it could be read.
struct DraftNode {
    var name: String
    var location: SourceLocation
    /// nil when the node's type is missing or unknown.
    var spec: NodeSpec?
    /// nil when the declaration does not fit its spec.
    var config: ConfigValue?
    var input: DocumentScalar?
    var inputKeyLocation: SourceLocation?
    var inputLocation: SourceLocation?
    var concurrency: Int?
    /// Whether a diagnostic already says why the node is not whole, so that its edges are not judged.
    var isBroken = false

    init(name: String, location: SourceLocation) {
        self.name = name
        self.location = location
    }
}

/// Checks the edges between nodes and puts the nodes in the order data flows.
struct TopologyGraph {
    private let nodes: [DraftNode]
    private let indexOf: [String: Int]
    /// For each node the one it reads from, nil for sources and where `from` is wrong.
    private var inputs: [Int?]
    /// What is wrong with the edges.
    private(set) var diagnostics = Diagnostics()

    init(nodes: [DraftNode]) {
        self.nodes = nodes
        indexOf = Dictionary(nodes.enumerated().map { ($1.name, $0) }) { first, _ in first }
        inputs = nodes.map { _ in nil }
    }

    /// The nodes, sources first, each after the one it reads from, otherwise in file order; broken ones left out.
    mutating func sort() -> [NodeDeclaration] {
        for index in nodes.indices { resolveInput(of: index) }
        reportCycles()
        reportUnused()
        let order = flowOrder()
        let declared = order.filter { nodes[$0].spec != nil && nodes[$0].config != nil }
        let indexOfDeclared = Dictionary(declared.enumerated().map { ($1, $0) }) { first, _ in first }
        return declared.compactMap { index in
            let node = nodes[index]
            guard let spec = node.spec, let config = node.config else { return nil }
            return NodeDeclaration(
                name: node.name, location: node.location, spec: spec,
                input: inputs[index].flatMap { indexOfDeclared[$0] },
                inputLocation: node.inputLocation, concurrency: node.concurrency, config: config)
        }
    }

    private mutating func resolveInput(of index: Int) {
        let node = nodes[index]
        let named = "node \(node.name.quotedForDiagnostic)"
        if let spec = node.spec, spec.kind == .source {
            if let location = node.inputKeyLocation {
                report(
                    "source-with-from", location,
                    "\(named) is a source (\(spec.name)) and reads from no node, found 'from'", hint: "remove 'from'")
            }
            return
        }
        guard let input = node.input, let location = node.inputLocation else {
            if !node.isBroken, let spec = node.spec {
                let known = nodes.filter { $0.spec?.kind != .sink && $0.name != node.name }.map(\.name)
                report(
                    "missing-from", node.location,
                    "\(named) lacks 'from', expected the node this \(spec.kind.rawValue) (\(spec.name)) reads from",
                    hint: known.isEmpty ? nil : "for example from: \(known[0])")
            }
            return
        }
        guard !input.isBroken else { return }
        guard let found = indexOf[input.text] else {
            let shown = input.isFromEnvironment ? "a value from the environment" : input.text.quotedForDiagnostic
            let known = nodes.map(\.name).filter { $0 != node.name }
            report(
                "unknown-node", location, "\(named) reads from an unknown node, found \(shown), expected a node's name",
                hint: input.isFromEnvironment ? nil : Suggestion.hint(for: input.text, in: known))
            return
        }
        guard found != index, let spec = nodes[found].spec, spec.kind == .sink else {
            inputs[index] = found
            return
        }
        let instead = nodes[found].input.map(\.text).flatMap { indexOf[$0] == index ? nil : indexOf[$0] }
        report(
            "sink-with-output", location,
            "\(named) reads from a sink, found \(nodes[found].name.quotedForDiagnostic) (\(spec.name)), "
                + "expected a source or an operator",
            hint: instead.map { "read from '\(nodes[$0].name)' instead" })
    }

    /// Every node has at most one input, so each cycle is found by walking upwards once.
    private mutating func reportCycles() {
        var visitedBy: [Int?] = nodes.map { _ in nil }
        for start in nodes.indices {
            var path: [Int] = []
            var current: Int? = start
            while let index = current, visitedBy[index] == nil {
                visitedBy[index] = start
                path.append(index)
                current = inputs[index]
            }
            guard let entry = current, visitedBy[entry] == start, let first = path.firstIndex(of: entry) else {
                continue
            }
            let cycle = path[first...]
            let names = (cycle + [entry]).map { "'\(nodes[$0].name)'" }.joined(separator: " reads from ")
            report(
                "cycle", nodes[entry].inputLocation ?? nodes[entry].location,
                "the nodes form a cycle: \(names), expected data to flow one way", hint: "change one 'from'")
            for index in cycle { inputs[index] = nil }
        }
    }

    /// Warns of nodes that nobody reads, unless a mistake elsewhere may be the reason.
    private mutating func reportUnused() {
        var read = Set(nodes.compactMap { $0.input?.text })
        for (index, node) in nodes.enumerated() where inputs[index] == nil && node.spec?.kind != .source {
            guard let input = node.input, !input.isBroken, !input.isFromEnvironment else { return }
            guard indexOf[input.text] == nil else { continue }
            guard let meant = Suggestion.nearest(to: input.text, in: nodes.map(\.name)) else { return }
            read.insert(meant)
        }
        for node in nodes {
            guard let spec = node.spec, spec.kind != .sink, !read.contains(node.name) else { continue }
            diagnostics.append(
                Diagnostic(
                    .warning, code: "unused-node", at: node.location,
                    "nobody reads the output of node \(node.name.quotedForDiagnostic) (\(spec.name))",
                    hint: "add a node with from: \(node.name), or remove this one"))
        }
    }

    private func flowOrder() -> [Int] {
        var order = nodes.indices.filter { nodes[$0].spec?.kind == .source }
        var isPlaced = nodes.map { $0.spec?.kind == .source }
        var left = nodes.indices.filter { !isPlaced[$0] }
        while !left.isEmpty {
            var waiting: [Int] = []
            for index in left {
                if inputs[index].map({ isPlaced[$0] }) ?? true {
                    isPlaced[index] = true
                    order.append(index)
                } else {
                    waiting.append(index)
                }
            }
            left = waiting
        }
        return order
    }

    private mutating func report(_ code: String, _ location: SourceLocation, _ message: String, hint: String? = nil) {
        diagnostics.append(Diagnostic(code: code, at: location, message, hint: hint))
    }
}
