import Dataflow
import Declaration
import Expressions
import Nodes
import Postgres
import Summaries

/// Turns a declaration into a compiled topology, and says everything that is wrong with it.
///
/// It is given declarations with errors too, and then checks what can be checked: where a diagnostic has said already
/// that something is no good (`invalid` values, nodes that are missing), it goes on with what is known and is silent.
struct TopologyCompiler {
    /// What a node hands on.
    private enum Output {
        case messages(source: Int)
        /// `node` and `source` are nil where the way there is broken.
        case records(node: Int?, schema: RecordSchema, source: Int?)
        case groups(node: Int, plan: SummaryPlan)
        /// Nothing is known, and a diagnostic says why.
        case unknown
    }

    private let declaration: TopologyDeclaration
    private var topology: CompiledTopology
    private var problems = Diagnostics()
    private var outputs: [Output] = []
    private var tables: [TableName] = []

    private init(_ declaration: TopologyDeclaration) {
        self.declaration = declaration
        let settings = declaration.settings
        topology = CompiledTopology(
            name: declaration.name, memoryBytes: Self.integer("memory", of: settings),
            commitInterval: Self.commitInterval(settings), workers: Self.workers(settings),
            batchBytes: CompiledTopology.Setting(
                value: Self.integer("batch_bytes", of: settings),
                isDefault: settings.defaulted("batch_bytes").isDefault),
            batchMessages: Self.integer("batch_messages", of: settings))
    }

    // Never inlined: what the optimiser of Swift 6.3.1 makes of these in `init` fails its own verification.
    @inline(never)
    private static func commitInterval(_ settings: ConfigValue) -> CompiledTopology.Setting<Duration> {
        let value = settings.defaulted("commit_interval")
        guard let duration = value.duration else { preconditionFailure("commit_interval is no duration") }
        return CompiledTopology.Setting(value: duration, isDefault: value.isDefault)
    }

    @inline(never)
    private static func integer(_ key: String, of settings: ConfigValue) -> Int {
        let value = settings.defaulted(key)
        guard let number = value.integer else { preconditionFailure("\(key) is no number") }
        return Int(number)
    }

    @inline(never)
    private static func workers(_ settings: ConfigValue) -> Int? {
        settings["workers"]?.integer.map(Int.init)
    }

    /// Compiles a declaration for this machine.
    /// - Returns: the topology, which must not run when the declaration or the diagnostics have errors.
    static func compile(
        _ declaration: TopologyDeclaration, overrides: PipelineBuilder.RunOverrides = PipelineBuilder.RunOverrides()
    ) -> (topology: CompiledTopology, diagnostics: Diagnostics) {
        var compiler = TopologyCompiler(declaration)
        for node in declaration.nodes {
            let output = compiler.add(node)
            compiler.outputs.append(output)
        }
        compiler.checkSources()
        compiler.checkMemory(overrides)
        compiler.shareHashes()
        return (compiler.topology, compiler.problems)
    }

    private mutating func add(_ node: NodeDeclaration) -> Output {
        switch node.spec.name {
        case KafkaSource.spec.name: return addKafka(node)
        case FileSource.spec.name: return addFiles(node)
        case ParseJSON.spec.name: return addParser(node)
        case Filter.spec.name: return addFilter(node)
        case Summarize.spec.name: return addSummary(node)
        case PostgresTarget.spec.name: addTable(node)
        case ConsoleSink.spec.name:
            if let (input, _) = groups(for: node) {
                topology.sinks.append(
                    .console(node: input, rowsMax: Self.integer("max_rows", of: node.config)))
            }
        default: preconditionFailure("node type \(node.spec.name) is in the catalog and not in the compiler")
        }
        return .unknown
    }

    private mutating func addKafka(_ node: NodeDeclaration) -> Output {
        problems.append(contentsOf: KafkaPlan.topicProblems(node))
        do throws(Diagnostics) {
            return add(source: .kafka(try KafkaPlan.make(node, topology: topology.name)), node)
        } catch {
            problems.append(contentsOf: error)
            // Empty, so that the rest can be checked.
            return add(source: .file(FilePlan(node: node.name, patterns: [])), node)
        }
    }

    private mutating func addFiles(_ node: NodeDeclaration) -> Output {
        if let paths = node.config["paths"], paths.list?.isEmpty ?? false {
            problems.append(
                Diagnostic(
                    code: "no-files", at: paths.location, "node \(node.name) reads no file, found an empty list",
                    hint: "for example paths: [events.ndjson]"))
        }
        return add(source: .file(FilePlan.make(node)), node)
    }

    private mutating func add(source: CompiledTopology.SourcePlan, _ node: NodeDeclaration) -> Output {
        topology.sources.append(CompiledTopology.Source(name: node.name, plan: source))
        return .messages(source: topology.sources.count - 1)
    }

    private mutating func addParser(_ node: NodeDeclaration) -> Output {
        let (plan, schema) = ParsePlan.make(node, &problems)
        switch input(of: node) {
        case .messages(let source):
            let index = append(.parse(plan), node, parent: nil)
            if topology.sources[source].child == nil {
                topology.sources[source].child = index
                topology.sources[source].columnTypes = schema.fields.map(\.type)
            } else {
                problems.append(
                    Diagnostic(
                        code: "second-parser", at: node.location,
                        "source \(topology.sources[source].name) feeds two parse_json nodes, expected one",
                        hint: "declare all fields in one parse_json and let several nodes read from it"))
            }
            return .records(node: index, schema: schema, source: source)
        case .records, .groups:
            misplaced(node, "reads the messages of a source")
        case .unknown: break
        }
        return .records(node: nil, schema: schema, source: nil)
    }

    private mutating func addFilter(_ node: NodeDeclaration) -> Output {
        let (parent, schema, source) = records(for: node)
        guard let condition = node.config["where"], let text = condition.string else {
            return .records(node: parent, schema: schema, source: source)
        }
        do throws(Diagnostics) {
            let expression = try Expression.parse(text, at: condition.location).checkCondition(against: schema)
            let index = append(.filter(expression), node, parent: parent)
            return .records(node: index, schema: schema, source: source)
        } catch {
            // What comes out is known all the same, so the nodes behind can be checked too.
            problems.append(contentsOf: error)
            return .records(node: parent, schema: schema, source: source)
        }
    }

    private mutating func addSummary(_ node: NodeDeclaration) -> Output {
        let (parent, schema, _) = records(for: node)
        let plan = SummaryPlan.make(node, input: schema, &problems)
        return .groups(node: append(.summarize(plan), node, parent: parent), plan: plan)
    }

    // MARK: - Edges

    private func input(of node: NodeDeclaration) -> Output {
        node.input.map { outputs[$0] } ?? .unknown
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

    /// The records that feed a node; of an open schema when nothing is known of them.
    private mutating func records(
        for node: NodeDeclaration
    ) -> (node: Int?, schema: RecordSchema, source: Int?) {
        switch input(of: node) {
        case .records(let parent, let schema, let source): return (parent, schema, source)
        case .messages: misplaced(node, "reads records; put a parse_json between it and the source")
        case .groups: misplaced(node, "reads records, not the groups of a summarize")
        case .unknown: break
        }
        return (nil, .open, nil)
    }

    private mutating func groups(for node: NodeDeclaration) -> (node: Int, plan: SummaryPlan)? {
        switch input(of: node) {
        case .groups(let input, let plan): return (input, plan)
        case .messages, .records: misplaced(node, "takes the groups of a summarize node")
        case .unknown: break
        }
        return nil
    }

    private mutating func misplaced(_ node: NodeDeclaration, _ what: String) {
        problems.append(
            Diagnostic(
                code: "misplaced-node", at: node.inputLocation ?? node.location,
                "node \(node.name) is a \(node.spec.name), which \(what)"))
    }
}

// MARK: - What concerns several nodes

extension TopologyCompiler {
    private mutating func addTable(_ node: NodeDeclaration) {
        let input = groups(for: node)
        if let url = node.config["url"], let text = url.string {
            checkDatabase(text, at: url.location)
            if let known = topology.databaseURL, known != text {
                problems.append(
                    Diagnostic(
                        code: "second-database", at: url.location,
                        "the postgres sinks of a topology share one database: offsets and tables move in one transaction",
                        hint: "use the same url, or a topology of its own for the other database"))
            } else {
                topology.databaseURL = text
            }
        }
        if let (_, plan) = input { warnOfLongKeys(plan) }
        guard let value = node.config["table"], let text = value.string else { return }
        do throws(TableName.Problem) {
            let table = try TableName(text)
            checkTwins(of: table, at: value.location)
            tables.append(table)
            if let (index, plan) = input {
                topology.sinks.append(.postgres(declaration.tableSink(node, text, behind: index, plan, in: topology)))
            }
        } catch {
            problems.append(
                Diagnostic(code: "table-name", at: value.location, error.message, hint: error.hint))
        }
    }

    /// What is wrong with a URL's text; nothing of it is shown.
    private mutating func checkDatabase(_ url: String, at location: SourceLocation) {
        do throws(PostgresError) {
            try ConnectionSettings.check(url: url)
        } catch {
            // In one text: advice is left out of problems with values from the environment, since it is often made of them.
            let hint = error.hint.map { "; \($0)" } ?? ""
            problems.append(Diagnostic(code: "database-url", at: location, error.message + hint))
        }
    }

    private mutating func checkTwins(of table: TableName, at location: SourceLocation) {
        if tables.contains(table) {
            problems.append(
                Diagnostic(
                    code: "table-twice", at: location,
                    "table \(table) is written by two sinks, expected a table of its own for each"))
        } else if let twin = tables.first(where: {
            $0.table == table.table && ($0.schema == nil) != (table.schema == nil)
        }) {
            problems.append(
                Diagnostic(
                    .warning, code: "table-alias", at: location,
                    "table \(table) may be table \(twin), which another sink writes: the search path decides",
                    hint: "name the schema of both"))
        }
    }

    /// Rows are found by their keys, through an index of Postgres that takes so many bytes and no more.
    private mutating func warnOfLongKeys(_ plan: SummaryPlan) {
        let longest = plan.longestKeys
        guard longest.bytes > SummaryPlan.keyBytesMax else { return }
        let config = declaration.nodes.first { $0.name == plan.node }?.config
        let place = config?["by"] ?? config?["grouping_sets"]
        let warning = Diagnostic(
            .warning, code: "long-keys", at: place?.location ?? declaration.nameLocation,
            "the fields to group by may take \(longest.bytes) bytes (\(longest.texts.joined(separator: ", "))), "
                + "expected at most \(SummaryPlan.keyBytesMax), which is what an index of Postgres holds: events with "
                + "longer values become dead letters",
            hint: "lower max_bytes of these fields in parse_json")
        // Several tables may show the same summary.
        if !problems.all.contains(warning) { problems.append(warning) }
    }

    /// Positions are kept by topic and path, so no two sources may read the same one.
    private mutating func checkSources() {
        var owners: [String: String] = [:]
        for node in declaration.nodes where node.spec.kind == .source {
            for key in ["topics", "paths"] {
                for value in node.config[key]?.list ?? [] {
                    guard let name = value.string else { continue }
                    if let owner = owners.updateValue(node.name, forKey: "\(key) \(name)"),
                        owner != node.name || key == "paths"
                    {
                        let isOwn = owner == node.name
                        problems.append(
                            Diagnostic(
                                code: "read-twice", at: value.location,
                                isOwn
                                    ? "\(name) stands in the list twice"
                                    : "\(name) is read by \(owner) and by \(node.name), expected one source for it",
                                hint: isOwn ? "remove one" : "let several nodes read from one source"))
                    }
                }
            }
        }
    }

    /// What never shrinks must fit into the memory: the same sum as when the topology starts.
    private mutating func checkMemory(_ overrides: PipelineBuilder.RunOverrides) {
        // What the command line says has no place in the file: `run` says it.
        guard !problems.hasErrors, overrides.memoryBytes == nil,
            let shortage = topology.sizes(overrides).shortage
        else { return }
        let memory = declaration.settings.defaulted("memory")
        problems.append(
            Diagnostic(
                code: "memory", at: memory.isDefault ? declaration.nameLocation : memory.location, shortage.what,
                hint: shortage.hint))
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
