import Dataflow
import Declaration
import Expressions
import JSON
import Nodes
import Summaries

/// What decides what the rows of a table mean: everything between the source and the sink that drops, changes or
/// interprets records. Names of nodes, the order of fields and how things are written make no difference.
struct EventDefinition {
    /// The `parse_json` node, with its plan.
    var parser: (node: NodeDeclaration, plan: ParsePlan)
    /// The `where` of every filter.
    var conditions: [String]
    /// What is summarized.
    var summary: SummaryPlan
    /// The source in front of the parser.
    var source: NodeDeclaration?

    /// A line for every condition, every field that matters and every bound.
    var lines: [DefinitionLine] {
        let filters = conditions.compactMap { text in
            // They were parsed before.
            try? Expression.parse(text, at: parser.node.location)
        }
        let conditions = Set(filters.flatMap(\.conditions)).sorted()
        var used = filters.reduce(into: Set(summary.keys.map(\.name))) { $0.formUnion($1.fieldNames) }
        for metric in summary.metrics { used.formUnion(metric.fieldNames) }
        let eventTime = parser.node.config["event_time"]?.string
        if summary.windowMicroseconds != nil, let eventTime { used.insert(eventTime) }

        var lines = conditions.map { DefinitionLine("only if", $0) }
        if summary.windowMicroseconds != nil, let eventTime { lines.append(DefinitionLine("event time", eventTime)) }
        let names = (parser.node.config["fields"]?.entries ?? []).map(\.key)
        for (name, field) in zip(names, parser.plan.fields) {
            // A field that nothing reads still decides, if it makes dead letters.
            guard used.contains(name) || field.isRequired || field.onTypeError == .reject else { continue }
            lines.append(DefinitionLine("field \(name)", Self.text(of: field)))
        }
        let limits = parser.plan.limits
        lines.append(
            DefinitionLine("record", "at most \(limits.documentLengthMax) bytes, \(limits.depthMax) levels deep"))
        if source?.config["format"]?.string == "lines" {
            lines.append(DefinitionLine("message", "one record per line"))
        }
        return lines
    }

    private static func text(of field: FieldDeclaration) -> String {
        let path = field.path.map { Self.isPlain($0) ? $0 : "`" + $0.replacing("`", with: "``") + "`" }.joined(
            separator: ".")
        var words = ["\(name(of: field.type)) at \(OneLine.of(path))"]
        if field.type == .text { words.append("at most \(field.textLengthMax) bytes") }
        if field.isRequired { words.append("required") }
        words.append(field.onTypeError == .null ? "anything else is null" : "anything else is a dead letter")
        return words.joined(separator: ", ")
    }

    private static func isPlain(_ key: String) -> Bool { !key.contains { ".`/[]$*".contains($0) } }

    private static func name(of type: FieldType) -> String {
        switch type {
        case .text: "text"
        case .integer: "integer"
        case .double: "double"
        case .boolean: "boolean"
        case .decimal(let scale): "decimal(\(scale))"
        case .timestamp(.rfc3339): "timestamp"
        case .timestamp(.epochSeconds): "timestamp(s)"
        case .timestamp(.epochMilliseconds): "timestamp(ms)"
        case .timestamp(.epochMicroseconds): "timestamp(us)"
        }
    }
}

extension TopologyDeclaration {
    /// A sink with everything that says what its table is.
    /// - Parameters:
    ///   - table: the table's name as the sink gives it.
    ///   - input: the summarizing node in front of it, by index in `topology`, with its plan.
    func tableSink(
        _ node: NodeDeclaration, _ table: String, behind input: Int, _ plan: SummaryPlan, in topology: CompiledTopology
    ) -> TableSink {
        let chain = ancestors(of: node)
        let source = chain.last.flatMap { $0.spec.kind == .source ? $0 : nil }
        var lines: [DefinitionLine] = []
        if let parser = chain.last(where: { $0.spec.name == ParseJSON.spec.name }), let source,
            let index = topology.sources.first(where: { $0.name == source.name })?.child,
            case .parse(let parsing) = topology.operators[index].plan
        {
            let conditions = chain.filter { $0.spec.name == Filter.spec.name }.compactMap { $0.config["where"]?.string }
            lines =
                EventDefinition(parser: (parser, parsing), conditions: conditions, summary: plan, source: source).lines
        }
        return TableSink(
            name: node.name, node: input, plan: plan, table: table,
            isShared: node.config["shared"]?.boolean ?? false, events: lines, feed: feed(of: source))
    }

    /// The nodes in front of one, nearest first.
    private func ancestors(of node: NodeDeclaration) -> [NodeDeclaration] {
        var found: [NodeDeclaration] = []
        var next = node.input
        while let index = next {
            found.append(nodes[index])
            next = nodes[index].input
        }
        return found
    }

    /// Which positions tell what a table behind `source` holds.
    private func feed(of source: NodeDeclaration?) -> TableFeed {
        let elsewhere = nodes.filter { $0.spec.kind == .source && $0.name != source?.name }
            .reduce(into: Set<String>()) { $0.formUnion(Self.topics(of: $1) ?? []) }
        return TableFeed(topics: source.flatMap(Self.topics), elsewhere: elsewhere)
    }

    /// A Kafka source's topics; nil for files.
    private static func topics(of node: NodeDeclaration) -> Set<String>? {
        let names = (node.config["topics"]?.list ?? []).compactMap(\.string)
        return names.isEmpty ? nil : Set(names)
    }
}
