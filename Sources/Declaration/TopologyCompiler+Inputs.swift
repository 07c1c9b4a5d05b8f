import Dataflow

/// What reaches a node that reads from several: the messages of all, or the records of all with the fields that they share.
extension TopologyCompiler {
    /// What a node reads.
    mutating func input(of node: NodeDeclaration, _ problems: inout Diagnostics) -> Edge {
        switch node.inputs.count {
        case 0: return node.spec.kind == .source ? .none : .unknown
        case 1: return outputs[node.inputs[0]]
        default: break
        }
        let edges = node.inputs.map { outputs[$0] }
        var schemas: [RecordSchema] = []
        for (index, edge) in edges.enumerated() {
            switch edge {
            case .unknown, .none: return .unknown
            case .records(let schema): schemas.append(schema)
            case .messages where edges.allSatisfy(\.isMessages): break
            case .messages, .groups:
                let what = edge.isMessages ? "messages beside records" : "groups"
                problems.append(
                    Diagnostic(
                        code: "mixed-inputs", at: node.inputLocations[index],
                        "node \(declaration.nodes[node.inputs[index]].name) hands on \(what), expected records as from all "
                            + "others in one 'from'",
                        hint: edge.isMessages
                            ? "put a node that makes records of its messages in between"
                            : "let the records come together in front of what makes groups of them"))
                return .unknown
            }
        }
        if schemas.isEmpty { return .messages(MessageOffer(sharedBy: edges.compactMap(\.offer))) }
        guard comeFromDifferentSources(node, &problems) else { return .unknown }
        return .records(join(schemas, of: node))
    }

    /// A record that comes twice would be counted twice.
    private func comeFromDifferentSources(_ node: NodeDeclaration, _ problems: inout Diagnostics) -> Bool {
        var origins: [Int: Int] = [:]
        for (index, input) in node.inputs.enumerated() {
            for source in stage(of: input).map({ topology.stages[$0].sources }) ?? [] {
                guard let earlier = origins.updateValue(input, forKey: source) else { continue }
                let names = [earlier, input].map { declaration.nodes[$0].name }
                problems.append(
                    Diagnostic(
                        code: "source-twice", at: node.inputLocations[index],
                        "nodes \(names[0]) and \(names[1]) both bring records of source \(topology.sources[source].name), "
                            + "which would be counted twice",
                        hint: "say with `or` in one filter what both let through"))
                return false
            }
        }
        return true
    }

    private mutating func join(
        _ schemas: [RecordSchema], of node: NodeDeclaration
    ) -> RecordSchema {
        let names = node.inputs.map { declaration.nodes[$0].name }
        var joined = RecordSchema(fields: [], eventTimeColumn: nil)
        joined.isOpen = schemas.contains(where: \.isOpen)
        joined.unresolved = schemas.reduce(into: []) { $0.formUnion($1.unresolved) }
        joined.eventTimeIsUnresolved = schemas.contains(where: \.eventTimeIsUnresolved)
        for field in schemas.flatMap(\.fields) where joined[field.name] == nil && joined.lacking[field.name] == nil {
            let twins = schemas.map { $0[field.name] }
            if let lacking = twins.firstIndex(where: { $0 == nil }) {
                joined.lacking[field.name] = "those of node \(names[lacking]) have none"
                continue
            }
            let fields = twins.compactMap(\.self)
            if let other = fields.firstIndex(where: { $0.type != fields[0].type }) {
                joined.lacking[field.name] =
                    "it is \(fields[0].type) in node \(names[0]) and \(fields[other].type) in node \(names[other])"
                continue
            }
            var common = fields[0]
            common.column = number(fields.map(\.column), of: node)
            common.isOfDocument = fields.contains(where: \.isOfDocument)
            let lengths = fields.map(\.textBytesMax)
            common.textBytesMax = lengths.contains(nil) ? nil : lengths.compactMap(\.self).max()
            joined.fields.append(common)
        }
        for (name, reason) in schemas.flatMap(\.lacking) where joined[name] == nil && joined.lacking[name] == nil {
            joined.lacking[name] = reason
        }
        for (name, departure) in schemas.flatMap(\.departed) where joined.lacking[name] == nil {
            joined.departed[name] = departure
        }
        joined.lacking = joined.lacking.filter { !joined.unresolved.contains($0.key) }
        let times = schemas.compactMap(\.eventTimeColumn)
        if times.count == schemas.count { joined.eventTimeColumn = number(times, of: node) }
        return joined
    }

    /// The one number under which a column of each input is known from here on.
    private mutating func number(_ columns: [Int], of node: NodeDeclaration) -> Int {
        if columns.allSatisfy({ $0 == columns[0] }) { return columns[0] }
        let sources = node.inputs.map { stage(of: $0).map { topology.stages[$0].sources } ?? [] }
        let number = sources.joined().map { topology.sources[$0].layout.count }.max() ?? 0
        for (column, sources) in zip(columns, sources) {
            // Behind a node that could not be placed there are no columns.
            for source in sources where column < topology.sources[source].layout.count {
                topology.sources[source].layout.alias(column, as: number)
            }
        }
        return number
    }
}
