import Dataflow
import Nodes

/// A checked topology: everything a pipeline needs but the connections.
struct CompiledTopology {
    /// A source, not opened yet.
    enum SourcePlan {
        case kafka(KafkaPlan)
        case file([String])
    }

    /// An operator, resolved against its input.
    enum OperatorPlan {
        case parse(ParsePlan)
        case filter(TypedExpression)
        case summarize(SummaryPlan)
    }

    /// A source and the parser behind it.
    struct Source {
        var name: String
        var plan: SourcePlan
        var child: Int?
        var columnTypes: [ColumnType] = []

        /// Whether it has an end: files do, Kafka and standard input need not.
        var endsByItself: Bool {
            switch plan {
            case .kafka: false
            case .file(let patterns): !patterns.contains("-")
            }
        }
    }

    /// An operator in the graph.
    struct Operator {
        var name: String
        var plan: OperatorPlan
        var children: [Int] = []
        var concurrency: Int?
    }

    /// Where a summary goes.
    enum Sink {
        case postgres(TableSink)
        case console(node: Int, rowsMax: Int)
    }

    var name: String
    var memoryBytes: Int
    /// The least time between commits, nil when the topology leaves it to us.
    var commitInterval: Duration?
    var workers: Int?
    /// Payload of a batch, nil when the topology leaves it to us.
    var batchBytes: Int?
    var batchMessages: Int
    var sources: [Source] = []
    var operators: [Operator] = []
    var sinks: [Sink] = []
    /// The database of all `postgres` sinks, nil when there is none.
    var databaseURL: String?

    /// Whether nobody looks before the end: files that end, and no table. Then epochs end when memory asks for it.
    var isReadAtEndOnly: Bool {
        databaseURL == nil && sources.allSatisfy(\.endsByItself)
    }
}

/// Turns a declaration into a compiled topology, or says everything that is wrong with it.
struct TopologyCompiler {
    /// What a node hands on.
    private enum Output {
        case messages(source: Int)
        case records(node: Int, schema: RecordSchema, source: Int)
        case groups(node: Int, plan: SummaryPlan)
        case nothing
    }

    private let declaration: TopologyDeclaration
    private var topology: CompiledTopology
    private var problems = Diagnostics()
    private var outputs: [Output] = []

    private init(_ declaration: TopologyDeclaration) {
        self.declaration = declaration
        let settings = declaration.settings
        topology = CompiledTopology(
            name: declaration.name, memoryBytes: Int(settings["memory"]?.integer ?? Int64(Limits.memoryDefault)),
            commitInterval: Self.commitInterval(settings),
            workers: settings["workers"]?.integer.map(Int.init),
            batchBytes: Self.batchBytes(settings),
            batchMessages: Int(settings["batch_messages"]?.integer ?? Int64(Limits.batchMessagesMax)))
    }

    /// Not an optional chain in the initialiser: that crashes the optimiser of Swift 6.3.1.
    private static func commitInterval(_ settings: ConfigValue) -> Duration? {
        guard let value = settings["commit_interval"] else { return nil }
        return value.duration
    }

    private static func batchBytes(_ settings: ConfigValue) -> Int? {
        guard let value = settings["batch_bytes"] else { return nil }
        return value.integer.map(Int.init)
    }

    /// Compiles a declaration.
    /// - Throws: `Diagnostics` with everything that is wrong.
    static func compile(_ declaration: TopologyDeclaration) throws(Diagnostics) -> CompiledTopology {
        var compiler = TopologyCompiler(declaration)
        for node in declaration.nodes {
            do {
                compiler.outputs.append(try compiler.add(node))
            } catch {
                compiler.problems.append(contentsOf: error)
                compiler.outputs.append(.nothing)
            }
        }
        compiler.checkSources()
        if compiler.problems.hasErrors { throw compiler.problems }
        compiler.shareHashes()
        return compiler.topology
    }

    private mutating func add(_ node: NodeDeclaration) throws(Diagnostics) -> Output {
        switch node.spec.name {
        case KafkaSource.spec.name: return add(source: .kafka(try KafkaPlan.make(node, topology: topology.name)), node)
        case FileSource.spec.name:
            return add(source: .file((node.config["paths"]?.list ?? []).compactMap(\.string)), node)
        case ParseJSON.spec.name: return try addParser(node)
        case Filter.spec.name: return try addFilter(node)
        case Summarize.spec.name: return try addSummary(node)
        case PostgresTarget.spec.name: return try addTable(node)
        case ConsoleSink.spec.name:
            if case .groups(let input, _) = try groups(for: node) {
                topology.sinks.append(.console(node: input, rowsMax: Int(node.config["max_rows"]?.integer ?? 100)))
            }
            return .nothing
        default: preconditionFailure("node type \(node.spec.name) is in the catalog and not in the compiler")
        }
    }

    private mutating func add(source: CompiledTopology.SourcePlan, _ node: NodeDeclaration) -> Output {
        topology.sources.append(CompiledTopology.Source(name: node.name, plan: source))
        return .messages(source: topology.sources.count - 1)
    }

    private mutating func addParser(_ node: NodeDeclaration) throws(Diagnostics) -> Output {
        let (plan, schema) = try ParsePlan.make(node)
        switch input(of: node) {
        case .messages(let source):
            guard topology.sources[source].child == nil else {
                throw Diagnostics(
                    Diagnostic(
                        code: "second-parser", at: node.location,
                        "source \(topology.sources[source].name) feeds two parse_json nodes, expected one",
                        hint: "declare all fields in one parse_json and let several nodes read from it"))
            }
            let index = append(.parse(plan), node, parent: nil)
            topology.sources[source].child = index
            topology.sources[source].columnTypes = schema.fields.map(\.type)
            return .records(node: index, schema: schema, source: source)
        case .records, .groups:
            throw misplaced(node, "reads the messages of a source")
        case .nothing: return .nothing
        }
    }

    private mutating func addFilter(_ node: NodeDeclaration) throws(Diagnostics) -> Output {
        guard let (parent, schema, source) = try records(for: node) else { return .nothing }
        let condition = node.config["where"]
        do {
            let expression = try Expression.parse(condition?.string ?? "", at: condition?.location ?? node.location)
            let index = append(.filter(try expression.checkCondition(against: schema)), node, parent: parent)
            return .records(node: index, schema: schema, source: source)
        } catch {
            // What comes out is known all the same, so the nodes behind can be checked too.
            problems.append(contentsOf: error)
            return .records(node: parent, schema: schema, source: source)
        }
    }

    private mutating func addSummary(_ node: NodeDeclaration) throws(Diagnostics) -> Output {
        guard let (parent, schema, _) = try records(for: node) else { return .nothing }
        let plan = try SummaryPlan.make(node, input: schema)
        return .groups(node: append(.summarize(plan), node, parent: parent), plan: plan)
    }

    private mutating func addTable(_ node: NodeDeclaration) throws(Diagnostics) -> Output {
        guard case .groups(let input, let plan) = try groups(for: node) else { return .nothing }
        let url = node.config["url"]?.string ?? ""
        if let known = topology.databaseURL, known != url {
            throw Diagnostics(
                Diagnostic(
                    code: "second-database", at: node.config["url"]?.location ?? node.location,
                    "the postgres sinks of a topology share one database: offsets and tables move in one transaction",
                    hint: "use the same url, or a topology of its own for the other database"))
        }
        topology.databaseURL = url
        let table = node.config["table"]?.string ?? ""
        for case .postgres(let other) in topology.sinks where other.table == table {
            throw Diagnostics(
                Diagnostic(
                    code: "table-twice", at: node.config["table"]?.location ?? node.location,
                    "table \(table) is written by two sinks, expected a table of its own for each"))
        }
        topology.sinks.append(.postgres(tableSink(node, input, plan, table)))
        return .nothing
    }

    private func tableSink(_ node: NodeDeclaration, _ input: Int, _ plan: SummaryPlan, _ table: String) -> TableSink {
        let chain = declaration.ancestors(of: node)
        let source = chain.last.flatMap { $0.spec.kind == .source ? $0 : nil }
        var lines: [DefinitionLine] = []
        if let parser = chain.last(where: { $0.spec.name == ParseJSON.spec.name }), let source,
            let index = topology.sources.first(where: { $0.name == source.name })?.child,
            case .parse(let parsing) = topology.operators[index].plan
        {
            let conditions = chain.filter { $0.spec.name == Filter.spec.name }.compactMap { $0.config["where"]?.string }
            lines =
                EventDefinition(
                    parser: (parser, parsing), conditions: conditions, summary: plan, source: source
                ).lines
        }
        return TableSink(
            name: node.name, node: input, plan: plan, table: table,
            isShared: node.config["shared"]?.boolean ?? false, events: lines, feed: declaration.feed(of: source))
    }

    // MARK: - Edges

    private func input(of node: NodeDeclaration) -> Output {
        node.input.map { outputs[$0] } ?? .nothing
    }

    private mutating func append(
        _ plan: CompiledTopology.OperatorPlan, _ node: NodeDeclaration, parent: Int?
    ) -> Int {
        let index = topology.operators.count
        topology.operators.append(
            CompiledTopology.Operator(name: node.name, plan: plan, concurrency: node.concurrency))
        if let parent { topology.operators[parent].children.append(index) }
        return index
    }

    /// The records that feed a node; nil when its input is broken already.
    private func records(
        for node: NodeDeclaration
    ) throws(Diagnostics) -> (node: Int, schema: RecordSchema, source: Int)? {
        switch input(of: node) {
        case .records(let parent, let schema, let source): return (parent, schema, source)
        case .messages: throw misplaced(node, "reads records; put a parse_json between it and the source")
        case .groups: throw misplaced(node, "reads records, not the groups of a summarize")
        case .nothing: return nil
        }
    }

    private func groups(for node: NodeDeclaration) throws(Diagnostics) -> Output {
        switch input(of: node) {
        case .groups, .nothing: return input(of: node)
        case .messages, .records: throw misplaced(node, "takes the groups of a summarize node")
        }
    }

    private func misplaced(_ node: NodeDeclaration, _ what: String) -> Diagnostics {
        Diagnostics(
            Diagnostic(
                code: "misplaced-node", at: node.inputLocation ?? node.location,
                "node \(node.name) is a \(node.spec.name), which \(what)"))
    }

    /// Positions are kept by topic and path, so no two sources may read the same one.
    private mutating func checkSources() {
        var owners: [String: String] = [:]
        for node in declaration.nodes where node.spec.kind == .source {
            for key in ["topics", "paths"] {
                for value in node.config[key]?.list ?? [] {
                    guard let name = value.string else { continue }
                    if let owner = owners.updateValue(node.name, forKey: "\(key) \(name)") {
                        problems.append(
                            Diagnostic(
                                code: "read-twice", at: value.location,
                                "\(name) is read by \(owner) and by \(node.name), expected one source for it",
                                hint: "let several nodes read from one source"))
                    }
                }
            }
        }
    }

    /// Tells each parser which columns are hashed by the summaries behind it.
    private mutating func shareHashes() {
        for source in topology.sources {
            guard let parser = source.child, case .parse(var plan) = topology.operators[parser].plan else { continue }
            var columns: Set<Int> = []
            collectHashes(below: parser, into: &columns)
            plan.hashedColumns = columns.sorted()
            topology.operators[parser].plan = .parse(plan)
        }
    }

    private func collectHashes(below node: Int, into columns: inout Set<Int>) {
        if case .summarize(let plan) = topology.operators[node].plan {
            for metric in plan.metrics {
                if case .uniques = metric.function, let column = metric.column { columns.insert(column) }
            }
        }
        for child in topology.operators[node].children { collectHashes(below: child, into: &columns) }
    }
}
