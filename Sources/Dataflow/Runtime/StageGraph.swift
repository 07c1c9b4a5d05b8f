/// The nodes of a plan grouped into stages: a stage is a chain (or tree) of nodes that run fused on one worker, with a
/// mailbox in front and a number of permits. A node that several sources feed is part of the stage of each, unless it has a
/// `concurrency` or shares permits with other processes, and with it one stage of its own.
struct StageGraph {
    struct Stage {
        /// The node that gets the batches.
        var head: Int
        /// All nodes of the stage.
        var nodes: [Int]
        /// Batches at once; where a gate says how many, as many as there may be.
        var permits: Int
        /// The permits that it shares with other processes.
        var gate: PermitGate?
        /// Whether the batch that waits longest is always the next.
        var isOrdered: Bool
        /// Whether one of the nodes may take long over a record.
        var takesLong = false
        /// Stages that this one hands rows to.
        var downstream: [Int]
    }

    private(set) var stages: [Stage] = []
    /// The stage of each node, one of them where it is part of several.
    private(set) var stageOfNode: [Int]

    /// A node starts a stage of its own when a source feeds it, when it has a `concurrency` or a gate, or behind a node
    /// that sees one batch at a time.
    init(_ plan: PipelinePlan) {
        stageOfNode = Array(repeating: -1, count: plan.nodes.count)
        for source in plan.sources { startStage(at: source.child, plan) }
    }

    private mutating func startStage(at head: Int, _ plan: PipelinePlan) {
        guard !stages.contains(where: { $0.head == head }) else { return }
        let stage = stages.count
        let isOrdered = plan.nodes[head].isOrdered
        let gate = plan.nodes[head].gate
        let usual = gate == nil ? plan.settings.workers : .max
        let permits = isOrdered ? 1 : plan.nodes[head].concurrency ?? usual
        stages.append(
            Stage(head: head, nodes: [], permits: permits, gate: gate, isOrdered: isOrdered, downstream: []))
        collect(head, into: stage, plan)
    }

    private mutating func collect(_ node: Int, into stage: Int, _ plan: PipelinePlan) {
        stageOfNode[node] = stage
        stages[stage].nodes.append(node)
        if plan.nodes[node].make.takesLong { stages[stage].takesLong = true }
        for child in plan.nodes[node].children {
            if plan.nodes[child].concurrency == nil, plan.nodes[child].gate == nil, !plan.nodes[node].isOrdered {
                collect(child, into: stage, plan)
            } else {
                startStage(at: child, plan)
                stages[stage].downstream += stages.indices.filter { stages[$0].head == child }
            }
        }
    }
}
