import Dataflow

/// Turns a declaration into a compiled topology, and says everything that is wrong with it. It knows no node type by name.
public struct TopologyCompiler {
    let declaration: TopologyDeclaration
    var topology: CompiledTopology
    private var problems = Diagnostics()
    var outputs: [Edge] = []
    private var placements: [Placement?] = []
    /// Sources, by their place in the declaration, whose messages a node reads.
    private var readSources: Set<Int> = []

    /// Where a node went.
    private enum Placement {
        case source(Int)
        case stage(Int)
    }

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

    /// The declaration of the same topology under another name, made anew beside the one that runs.
    /// - Parameter beside: gives what stands beside a table, or whatever else has a name.
    public static func beside(
        _ declaration: TopologyDeclaration, as name: String, types: [any NodeType.Type],
        naming beside: (String) -> String
    ) -> TopologyDeclaration {
        var declaration = declaration
        declaration.name = name
        for index in declaration.nodes.indices {
            let type = types.first { $0.spec.name == declaration.nodes[index].spec.name }
            type?.setBeside(&declaration.nodes[index].config, naming: beside)
        }
        return declaration
    }

    /// Compiles a declaration for this machine.
    /// - Parameter types: the node types that there are; the declaration was read with their specs.
    /// - Returns: the topology, which must not run when the declaration or the diagnostics have errors.
    public static func compile(
        _ declaration: TopologyDeclaration, types: [any NodeType.Type], overrides: RunOverrides = RunOverrides()
    ) -> (topology: CompiledTopology, diagnostics: Diagnostics) {
        let byName = Dictionary(uniqueKeysWithValues: types.map { ($0.spec.name, $0) })
        var compiler = TopologyCompiler(declaration)
        for node in declaration.nodes {
            guard let type = byName[node.spec.name] else {
                preconditionFailure(
                    "the declaration was read with the spec of \(node.spec.name), which is no type here")
            }
            compiler.add(node, type)
        }
        for lack in compiler.topology.resources.compactMap({ $0.lack(among: compiler.topology.resources) }) {
            compiler.problems.append(lack)
        }
        compiler.checkConcurrency()
        compiler.checkClusterConcurrency()
        compiler.checkMemory(overrides)
        return (compiler.topology, compiler.problems)
    }

    private mutating func add(_ node: NodeDeclaration, _ type: any NodeType.Type) {
        var found = Diagnostics()
        var input = input(of: node, &found)
        let inputSources = sources(of: node)
        if case .records(var schema) = input {
            schema.nextColumn = inputSources.map { topology.sources[$0].layout.count }.max() ?? 0
            input = .records(schema)
        }
        let compiled = type.compile(node, reading: input, of: declaration.name, &found)
        for resource in compiled.resources {
            for clash in topology.resources.compactMap({ resource.clash(with: $0) }) { found.append(clash) }
            topology.resources.append(resource)
        }
        outputs.append(compiled.output)
        placements.append(place(compiled.part, node, &found))
        if case .stage(let stage)? = placements.last ?? nil {
            topology.stages[stage].fields = (compiled.output.schema ?? input.schema)?.fields ?? []
        }
        // Nodes that show the same say the same about it.
        for problem in found.all where !problems.all.contains(problem) { problems.append(problem) }
    }

    /// The stage that a node became, nil when it is none.
    func stage(of node: Int) -> Int? {
        if case .stage(let index)? = placements[node] { index } else { nil }
    }

    /// The sources that the records come from which feed a node.
    private func sources(of node: NodeDeclaration) -> Set<Int> {
        node.inputs.reduce(into: []) { sources, input in
            switch placements[input] {
            case .source(let source): sources.insert(source)
            case .stage(let stage): sources.formUnion(topology.stages[stage].sources)
            case nil: break
            }
        }
    }

    private mutating func place(
        _ part: CompiledNode.Part, _ node: NodeDeclaration, _ problems: inout Diagnostics
    ) -> Placement? {
        switch part {
        case .source(let plan):
            topology.sources.append(CompiledTopology.Source(name: node.name, plan: plan))
            return .source(topology.sources.count - 1)
        case .stage(let plan): return .stage(placeStage(plan, node, &problems))
        case .sink(let plan):
            if let stage = node.inputs.first.flatMap({ stage(of: $0) }) {
                topology.sinks.append(CompiledTopology.Sink(name: node.name, plan: plan, stage: stage))
            }
            return nil
        case .broken: return nil
        }
    }

    private mutating func placeStage(
        _ plan: any StagePlan, _ node: NodeDeclaration, _ problems: inout Diagnostics
    ) -> Int {
        let index = topology.stages.count
        var stage = CompiledTopology.Stage(
            name: node.name, plan: plan, concurrency: node.concurrency,
            clusterConcurrency: node.clusterConcurrency?.permits)
        // Who says how many there may be over all processes means that one process may have as many.
        if stage.concurrency == nil, stage.clusterConcurrency == nil { stage.concurrency = plan.usualConcurrency }
        let readsMessages = plan.messageBytesMax != nil
        if readsMessages { checkReader(plan, node, &problems) }
        for input in node.inputs {
            switch placements[input] {
            case .source(let source) where readsMessages:
                stage.sources.insert(source)
                guard topology.sources[source].child == nil else { continue }
                topology.sources[source].child = index
                topology.sources[source].layout = BatchLayout(plan.columnTypes)
            case .stage(let parent):
                stage.sources.formUnion(topology.stages[parent].sources)
                stage.parents.append(parent)
                topology.stages[parent].children.append(index)
            case .source, nil: break
            }
        }
        stage.firstAdded = stage.sources.map { topology.sources[$0].layout.count }.max() ?? 0
        for (offset, type) in plan.addedColumns.enumerated() {
            for source in stage.sources { topology.sources[source].layout.add(type, as: stage.firstAdded + offset) }
        }
        topology.stages.append(stage)
        return index
    }

    /// A batch has the columns of one node, so one node reads the messages of a source, whatever else is wrong with it.
    private mutating func checkReader(
        _ plan: any StagePlan, _ node: NodeDeclaration, _ problems: inout Diagnostics
    ) {
        for source in node.inputs where outputs[source].isMessages {
            guard !readSources.insert(source).inserted else { continue }
            var hint = "declare all fields in one \(node.spec.name) and let several nodes read from it"
            if case .source(let index)? = placements[source], let first = topology.sources[index].child,
                let others = topology.stages[first].plan.recordSource, let own = plan.recordSource, own != others
            {
                hint =
                    "records of \(own) are for a topology of its own, beside that of \(others): it may read the same messages"
            }
            problems.append(
                Diagnostic(
                    code: "second-parser", at: node.location,
                    "source \(declaration.nodes[source].name) feeds two \(node.spec.name) nodes, expected one",
                    hint: hint))
        }
    }

    /// Who keeps the clocks of partitions sees one batch at a time, whatever the file says.
    private mutating func checkConcurrency() {
        for (index, stage) in topology.stages.enumerated() where topology.clockReach(of: index) != nil {
            guard let permits = stage.concurrency, permits > 1,
                let node = declaration.nodes.first(where: { $0.name == stage.name })
            else { continue }
            problems.append(
                Diagnostic(
                    .warning, code: "ordered-concurrency", at: node.location,
                    "node \(stage.name): `concurrency: \(permits)` has no effect, expected none: with `too_early` behind "
                        + "it, batches are read one at a time, in the order of the log",
                    hint: "leave it out; the nodes behind it run on all threads"))
        }
    }

    /// Permits that processes share are taken for records, and kept in the database that their tables are in.
    private mutating func checkClusterConcurrency() {
        for node in declaration.nodes {
            guard let location = node.clusterConcurrency?.location else { continue }
            if node.spec.kind != .operator {
                problems.append(
                    Diagnostic(
                        code: "cluster-concurrency-place", at: location,
                        "node \(node.name): `cluster_concurrency` bounds work on records, found it at a \(node.spec.kind.rawValue) "
                            + "(\(node.spec.word)), expected it at a node between source and sink",
                        hint: "remove it here"))
            } else if !problems.hasErrors, !topology.sinks.contains(where: \.plan.isStored) {
                problems.append(
                    Diagnostic(
                        code: "cluster-concurrency-database", at: location,
                        "node \(node.name): `cluster_concurrency` needs a database from which all processes borrow, found no "
                            + "sink that has one, expected a postgres sink",
                        hint: "write its records to a postgres sink, or bound each process by `concurrency:`"))
            }
        }
    }

    /// What never shrinks must fit into the memory: the same sum as when the topology starts.
    private mutating func checkMemory(_ overrides: RunOverrides) {
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
}
