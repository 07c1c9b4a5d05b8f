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
    var inputs: [DraftInput] = []
    var inputKeyLocation: SourceLocation?
    var concurrency: Int?
    var clusterConcurrency: (permits: Int, location: SourceLocation)?
    /// Whether a diagnostic already says why the node is not whole, so that its edges are not judged.
    var isBroken = false

    init(name: String, location: SourceLocation) {
        self.name = name
        self.location = location
    }
}

/// A node that a node reads from, as `from` names it.
struct DraftInput {
    var name: DocumentScalar
    var location: SourceLocation
}

/// Checks the edges between nodes and puts the nodes in the order data flows.
struct TopologyGraph {
    private let nodes: [DraftNode]
    private let indexOf: [String: Int]
    /// For each node those it reads from: for each name in `from` one, nil where the name is wrong.
    private var inputs: [[Int?]]
    /// What is wrong with the edges.
    private(set) var diagnostics = Diagnostics()

    init(nodes: [DraftNode]) {
        self.nodes = nodes
        indexOf = Dictionary(nodes.enumerated().map { ($1.name, $0) }) { first, _ in first }
        inputs = nodes.map { _ in [] }
    }

    /// The nodes, sources first, each after those it reads from, otherwise in file order; broken ones left out.
    mutating func sort() -> [NodeDeclaration] {
        for index in nodes.indices { resolveInputs(of: index) }
        reportCycles()
        reportUnused()
        let order = flowOrder()
        reportLongChains(order)
        let declared = order.filter { nodes[$0].spec != nil && nodes[$0].config != nil }
        let indexOfDeclared = Dictionary(declared.enumerated().map { ($1, $0) }) { first, _ in first }
        return declared.compactMap { index in
            let node = nodes[index]
            guard let spec = node.spec, let config = node.config else { return nil }
            let found = zip(inputs[index], node.inputs).compactMap { input, named in
                input.flatMap { indexOfDeclared[$0] }.map { (index: $0, location: named.location) }
            }
            return NodeDeclaration(
                name: node.name, location: node.location, spec: spec,
                // Where one of several is wrong, nothing is known of what they have in common.
                inputs: found.count == node.inputs.count ? found.map(\.index) : [],
                inputLocations: node.inputs.map(\.location), concurrency: node.concurrency,
                clusterConcurrency: node.clusterConcurrency, config: config)
        }
    }

    /// The most nodes in a row: each is a call within the one before, and a thread's stack has an end.
    private static let chainMax = 256

    private mutating func reportLongChains(_ order: [Int]) {
        var depths = nodes.map { _ in 0 }
        for index in order {
            depths[index] = 1 + (inputs[index].compactMap { $0.map { depths[$0] } }.max() ?? 0)
            guard depths[index] > Self.chainMax else { continue }
            report(
                "chain-too-long", nodes[index].location,
                "node \(nodes[index].name.quotedForDiagnostic) has \(Self.chainMax) nodes in a row before it, expected fewer",
                hint:
                    "do several steps in one node: derive, keep, drop and rename take many fields, and filter takes `and`"
            )
            return
        }
    }

    private mutating func resolveInputs(of index: Int) {
        let node = nodes[index]
        let named = "node \(node.name.quotedForDiagnostic)"
        if let spec = node.spec, spec.kind == .source {
            if let location = node.inputKeyLocation {
                report(
                    "source-with-from", location,
                    "\(named) is a source (\(spec.word)) and reads from no node, found 'from'", hint: "remove 'from'")
            }
            return
        }
        if node.inputs.isEmpty {
            if !node.isBroken, let spec = node.spec {
                let known = nodes.filter { $0.spec?.kind != .sink && $0.name != node.name }.map(\.name)
                report(
                    "missing-from", node.location,
                    "\(named) lacks 'from', expected the node this \(spec.kind.rawValue) (\(spec.word)) reads from",
                    hint: known.isEmpty ? nil : "for example from: \(known[0])")
            }
            return
        }
        for input in node.inputs {
            let found = resolve(input, of: index, named: named)
            if let found, inputs[index].contains(found) {
                report(
                    "input-twice", input.location,
                    "\(named) reads from node \(nodes[found].name.quotedForDiagnostic) twice",
                    hint: "name it once")
                inputs[index].append(nil)
            } else {
                inputs[index].append(found)
            }
        }
    }

    private mutating func resolve(_ draft: DraftInput, of index: Int, named: String) -> Int? {
        let (node, input, location) = (nodes[index], draft.name, draft.location)
        guard !input.isBroken else { return nil }
        guard let found = indexOf[input.text] else {
            let shown = input.isFromEnvironment ? "a value from the environment" : input.text.quotedForDiagnostic
            let known = nodes.map(\.name).filter { $0 != node.name }
            report(
                "unknown-node", location, "\(named) reads from an unknown node, found \(shown), expected a node's name",
                hint: input.isFromEnvironment ? nil : Suggestion.hint(for: input.text, in: known))
            return nil
        }
        guard found != index, let spec = nodes[found].spec, spec.kind == .sink else { return found }
        let instead = nodes[found].inputs.first.flatMap { indexOf[$0.name.text] == index ? nil : indexOf[$0.name.text] }
        report(
            "sink-with-output", location,
            "\(named) reads from a sink, found \(nodes[found].name.quotedForDiagnostic) (\(spec.word)), "
                + "expected a source or an operator",
            hint: instead.map { "read from '\(nodes[$0].name)' instead" })
        return nil
    }

    /// Walks upwards from every node once, depth first; what leads back into the way walked is a cycle, and is cut there.
    private mutating func reportCycles() {
        var isDone = nodes.map { _ in false }
        for start in nodes.indices { walk(start, [], &isDone) }
    }

    private mutating func walk(_ index: Int, _ path: [Int], _ isDone: inout [Bool]) {
        if let first = path.firstIndex(of: index) { return reportCycle(Array(path[first...])) }
        guard !isDone[index] else { return }
        for input in inputs[index].compactMap(\.self) { walk(input, path + [index], &isDone) }
        isDone[index] = true
    }

    private mutating func reportCycle(_ cycle: [Int]) {
        let entry = cycle[0]
        let names = (cycle + [entry]).map { "'\(nodes[$0].name)'" }.joined(separator: " reads from ")
        report(
            "cycle", nodes[entry].inputs.first?.location ?? nodes[entry].location,
            "the nodes form a cycle: \(names), expected data to flow one way", hint: "change one 'from'")
        for (index, next) in zip(cycle, cycle.dropFirst() + [entry]) {
            inputs[index] = inputs[index].map { $0 == next ? nil : $0 }
        }
    }

    /// Warns of nodes that nobody reads, unless a mistake elsewhere may be the reason.
    private mutating func reportUnused() {
        var read = Set(nodes.flatMap { $0.inputs.map(\.name.text) })
        for (index, node) in nodes.enumerated() where node.spec?.kind != .source {
            if node.inputs.isEmpty { return }
            for (input, found) in zip(node.inputs.map(\.name), inputs[index]) where found == nil {
                if input.isBroken || input.isFromEnvironment { return }
                guard indexOf[input.text] == nil else { continue }
                guard let meant = Suggestion.nearest(to: input.text, in: nodes.map(\.name)) else { return }
                read.insert(meant)
            }
        }
        for node in nodes {
            guard let spec = node.spec, spec.kind != .sink, !read.contains(node.name) else { continue }
            diagnostics.append(
                Diagnostic(
                    .warning, code: "unused-node", at: node.location,
                    "nobody reads the output of node \(node.name.quotedForDiagnostic) (\(spec.word))",
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
                if inputs[index].allSatisfy({ $0.map { isPlaced[$0] } ?? true }) {
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
