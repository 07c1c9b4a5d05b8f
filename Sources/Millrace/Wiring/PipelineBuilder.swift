import Dataflow
import Foundation
import Kafka
import Logging
import Nodes
import Postgres
import Summaries

/// Joins the concrete nodes of a compiled topology to the engine.
struct PipelineBuilder {
    /// The topology.
    let topology: CompiledTopology
    /// Where nodes log.
    let logger: Logger
    /// Overrides of the command line.
    var overrides = RunOverrides()
    /// Told of every committed epoch.
    var observers: [any EpochObserver] = []
    /// What watches the fields of records, if anything does.
    var fields: FieldReport?
    /// Where `console` sinks write.
    let console: @Sendable ([UInt8]) -> Void

    /// What the command line may override.
    struct RunOverrides: Sendable {
        var memoryBytes: Int?
        var commitInterval: Duration?
        var workers: Int?
        /// Whether tables that lack what was read before are accepted as they are.
        var fromNow = false
    }

    /// Builds the plan; connects to nothing.
    /// - Throws: `PostgresError` when the database's URL cannot be read, `MemoryShortage` when the budget is too small.
    func build() throws -> PipelinePlan {
        let memory = MemoryAccountant(budget: overrides.memoryBytes ?? topology.memoryBytes)
        let sizes = topology.sizes(overrides)
        try sizes.check()
        let settings = PipelineSettings(
            workers: sizes.workers, commitInterval: topology.commitInterval(overrides),
            batchBytes: sizes.fixed.batchBytes, batchMessagesMax: topology.batchMessages)
        var sources: [PipelinePlan.SourceNode] = []
        for source in topology.sources {
            guard let child = source.child else { continue }
            sources.append(
                PipelinePlan.SourceNode(
                    name: source.name,
                    source: make(
                        source.plan, recordBytesMax: recordBytesMax(behind: child), memory, sizes.queueShare),
                    child: child,
                    columnTypes: source.columnTypes))
        }
        let refused = topology.operators.map { _ in RefusedGroups() }
        let nodes = topology.operators.enumerated().map { index, node in
            PipelinePlan.Node(
                name: node.name, make: make(node, memory, refused[index]), children: node.children,
                concurrency: node.concurrency)
        }
        return PipelinePlan(
            sources: sources, nodes: nodes, target: try target(memory, refused), settings: settings, memory: memory,
            giveBackFreeMemory: Allocator.giveBackFreeMemory)
    }

    private func make(
        _ plan: CompiledTopology.SourcePlan, recordBytesMax: Int, _ memory: MemoryAccountant, _ queueShare: Int
    ) -> any Source {
        switch plan {
        case .kafka(var plan):
            plan.configuration.fitQueues(into: queueShare)
            return KafkaSource(plan, memory: memory, logger: logger)
        case .file(let plan):
            return FileSource(
                plan, topology: topology.name, recordBytesMax: recordBytesMax, memory: memory, logger: logger)
        }
    }

    /// The longest record that the parser behind a source takes.
    private func recordBytesMax(behind child: Int) -> Int {
        guard case .parse(let plan) = topology.operators[child].plan else {
            preconditionFailure("a source was compiled onto a node that is no parser")
        }
        return plan.recordBytesMax
    }

    private func make(
        _ node: CompiledTopology.Operator, _ memory: MemoryAccountant, _ refused: RefusedGroups
    ) -> any Operator {
        switch node.plan {
        case .parse(let plan): ParseJSON(plan, watch: fields?.watch(node: node.name, plan))
        case .filter(let expression): Filter(expression)
        case .summarize(let plan): Summarize(plan, memory: memory, refused: refused)
        }
    }

    private func target(_ memory: MemoryAccountant, _ refused: [RefusedGroups]) throws -> any CommitTarget {
        var tables: [TableSink] = []
        var observers = observers
        for sink in topology.sinks {
            switch sink {
            case .postgres(let sink): tables.append(sink)
            case .console(let node, let rowsMax):
                observers.append(
                    ConsoleSink(
                        node: node, plan: summary(of: node), rowsMax: rowsMax, memory: memory, write: console))
            }
        }
        guard let url = topology.databaseURL else { return EphemeralTarget(observers: observers) }
        let logger = logger
        let settings = try ConnectionSettings(url: url)
        Redaction.conceal(settings.secrets)
        return PostgresTarget(
            topology: topology.name, owner: "\(ProcessInfo.processInfo.hostName):\(getpid())",
            settings: settings, sinks: tables,
            acceptsGaps: overrides.fromNow,
            refused: Dictionary(uniqueKeysWithValues: refused.enumerated().map { ($0, $1) }), memory: memory,
            observers: observers
        ) { warning in
            logger.warning("A table needs attention", metadata: ["what": "\(warning)"])
        } onNotice: { notice in
            logger.debug("Postgres notice", metadata: ["severity": "\(notice.severity)", "text": "\(notice.message)"])
        }
    }

    private func summary(of node: Int) -> SummaryPlan {
        guard case .summarize(let plan) = topology.operators[node].plan else {
            preconditionFailure("a sink was compiled onto a node that is no summarize")
        }
        return plan
    }
}
