public import Dataflow
public import Logging

/// What the command line may override.
public struct RunOverrides: Sendable {
    /// The memory budget in bytes.
    public var memoryBytes: Int?
    /// The least time between commits.
    public var commitInterval: Duration?
    /// Threads that run operators.
    public var workers: Int?
    /// Permits of nodes, by name.
    public var concurrency: [String: Int]
    /// Permits over all processes, of nodes that share some, by name.
    public var clusterConcurrency: [String: Int] = [:]
    /// Whether nodes share no work: when each may be shown other records than its neighbours.
    public var keepsNodesApart = false

    /// Overrides.
    public init(
        memoryBytes: Int? = nil, commitInterval: Duration? = nil, workers: Int? = nil, concurrency: [String: Int] = [:]
    ) {
        self.concurrency = concurrency
        self.memoryBytes = memoryBytes
        self.commitInterval = commitInterval
        self.workers = workers
    }
}

extension CompiledTopology {
    /// Builds the nodes and joins them to the engine; connects to nothing.
    /// - Parameters:
    ///   - services: what the program offers to nodes.
    ///   - observers: are told of every committed epoch.
    ///   - giveBackFreeMemory: has the allocator give what is free back to the system.
    /// - Throws: `MemoryShortage` when the budget is too small, and what nodes throw.
    public func build(
        _ overrides: RunOverrides, services: RunServices, observers: [any EpochObserver], logger: Logger,
        giveBackFreeMemory: @escaping @Sendable () -> Void
    ) throws -> PipelinePlan {
        let memory = MemoryAccountant(budget: overrides.memoryBytes ?? memoryBytes)
        let sizes = sizes(overrides)
        try sizes.check()
        func context(_ node: String) -> BuildContext {
            BuildContext(
                topology: name, node: node, memory: memory.scoped(to: node), logger: logger, services: services,
                resources: resources)
        }
        let nodes = try stages.enumerated().map { index, stage in
            var context = context(stage.name)
            context.hashedColumns = hashedColumns(of: index)
            context.clockReach = clockReach(of: index)
            if !overrides.keepsNodesApart { context.siblings = siblings(of: index, overrides.concurrency) }
            context.concurrency = overrides.concurrency[stage.name] ?? stage.concurrency
            context.permits = stage.clusterConcurrency.map { permits in
                PermitGate(
                    node: stage.name, limit: overrides.clusterConcurrency[stage.name] ?? permits,
                    own: context.concurrency, taker: stage.plan.takesPermits ? .node : .engine)
            }
            return PipelinePlan.Node(
                name: stage.name, make: try stage.plan.build(in: context), children: stage.children,
                concurrency: context.concurrency, isOrdered: context.clockReach != nil, gate: context.permits)
        }
        let sources = try sources.compactMap { source -> PipelinePlan.SourceNode? in
            guard let child = source.child else { return nil }
            var context = context(source.name)
            context.queueBytes = sizes.queueShare
            context.messageBytesMax = stages[child].plan.messageBytesMax ?? .max
            context.messageTexts = stages[child].plan.messageTexts
            return PipelinePlan.SourceNode(
                name: source.name, source: try source.plan.build(in: context), child: child,
                layout: source.layout)
        }
        var (stored, observers): ([any StoredSink], [any EpochObserver]) = ([], observers)
        for sink in sinks {
            switch try sink.plan.build(in: self.context(of: sink, fedBy: nodes[sink.stage].make, context(sink.name))) {
            case .observer(let observer): observers.append(observer)
            case .stored(let sink): stored.append(sink)
            }
        }
        let target =
            try stored.first?.target(for: stored, observers: observers, in: context(name))
            ?? EphemeralTarget(observers: observers)
        return PipelinePlan(
            sources: sources, nodes: nodes, target: target,
            settings: PipelineSettings(
                workers: sizes.workers, commitInterval: commitInterval(overrides),
                batchBytes: sizes.fixed.batchBytes, batchMessagesMax: batchMessages),
            memory: memory, giveBackFreeMemory: giveBackFreeMemory)
    }

    private func context(of sink: Sink, fedBy input: any Operator, _ context: BuildContext) -> BuildContext {
        var context = context
        context.input = (input, sink.stage)
        context.nodesInFront = Set(sinks.filter { $0.stage == sink.stage }.map(\.name))
        var open = [sink.stage]
        while let stage = open.popLast() {
            context.nodesInFront.insert(stages[stage].name)
            open += stages[stage].parents
        }
        context.meaning = meaning(behind: sink.stage)
        let own = stages[sink.stage].sources
        let topics = own.map { sources[$0].plan.positionTopics }
        context.positionTopics =
            topics.contains(nil) ? nil : topics.compactMap(\.self).reduce(into: []) { $0.formUnion($1) }
        for (index, source) in sources.enumerated() where !own.contains(index) {
            context.otherTopics.formUnion(source.plan.positionTopics ?? [])
        }
        return context
    }
}
