import Dataflow

/// A node that can say what it does for each record.
public protocol Explainable: Sendable {
    /// What it does, a line for each thing.
    var explanation: [String] { get }
    /// What it shares with others that get the same records on the same workers, a line for each thing.
    func sharing(with siblings: [(node: String, plan: any StagePlan)]) -> [String]
    /// The fields whose columns it fills, in the order of the columns.
    var filledFields: [String] { get }
}

extension Explainable {
    /// Nothing.
    public func sharing(with siblings: [(node: String, plan: any StagePlan)]) -> [String] { [] }
    /// None.
    public var filledFields: [String] { [] }
}

/// How a topology runs: what is done for each record, node by node.
public struct PhysicalPlan: Sendable {
    /// A node.
    public struct Node: Sendable {
        /// The node's name.
        public var name: String
        /// The nodes that it reads from.
        public var inputs: [String]
        /// What it does, a line for each thing.
        public var lines: [String]
    }

    /// The nodes in the order in which a record meets them.
    public var nodes: [Node] = []
}

extension CompiledTopology {
    /// How the topology runs.
    public func physicalPlan() -> PhysicalPlan {
        var plan = PhysicalPlan()
        for source in sources {
            let columns = "\(source.layout.count) columns, \(source.layout.rowBytes) bytes a record beside its payload"
            plan.nodes.append(
                PhysicalPlan.Node(
                    name: source.name, inputs: [],
                    lines: lines(of: source.plan) + ["its batches have \(columns), filled by the nodes behind it"]))
        }
        for index in stages.indices { plan.nodes.append(node(index)) }
        for sink in sinks {
            plan.nodes.append(
                PhysicalPlan.Node(name: sink.name, inputs: [stages[sink.stage].name], lines: lines(of: sink.plan)))
        }
        return plan
    }

    private func lines(of plan: any Sendable) -> [String] { (plan as? any Explainable)?.explanation ?? [] }

    private func node(_ index: Int) -> PhysicalPlan.Node {
        let stage = stages[index]
        let inputs =
            stage.parents.isEmpty
            ? stage.sources.sorted().map { sources[$0].name } : stage.parents.map { stages[$0].name }
        var lines = lines(of: stage.plan)
        lines += (stage.plan as? any Explainable)?.sharing(with: siblings(of: index)) ?? []
        let hashed = hashedFields(of: index)
        if !hashed.isEmpty {
            lines.append("hashes \(hashed.joined(separator: ", ")) once, for all behind it that need it")
        }
        let isShared = stage.children.count > 1
        if isShared {
            lines.append(
                "its records are computed once for \(stage.children.map { stages[$0].name }.joined(separator: ", "))")
        }
        lines.append(standing(of: index))
        if let permits = stage.clusterConcurrency {
            let what = stage.plan.takesPermits ? "programs" : "batches"
            lines.append(
                "at most \(permits) \(what) at once in all processes together, by permits that the database lends")
        }
        return PhysicalPlan.Node(name: stage.name, inputs: inputs, lines: lines)
    }

    /// Where a stage runs, as `StageGraph` has it.
    private func standing(of index: Int) -> String {
        if clockReach(of: index) != nil {
            return "one batch at a time, in the order in which they were read, to keep the clocks of partitions"
        }
        let behind = "behind a mailbox of batches"
        if let permits = stages[index].concurrency ?? stages[index].clusterConcurrency {
            return "a stage of its own, on up to \(permits) threads, \(behind)"
        }
        if stages[index].parents.contains(where: { clockReach(of: $0) != nil }) {
            return "a stage of its own, on all threads, \(behind)"
        }
        return "on the thread of its input, one call after the other"
    }

    /// The fields that a stage fills whose hashes are needed behind it.
    private func hashedFields(of index: Int) -> [String] {
        let stage = stages[index]
        guard let fields = (stage.plan as? any Explainable)?.filledFields else { return [] }
        let first = stage.parents.isEmpty ? 0 : stage.firstAdded
        return hashedColumns(of: index).compactMap { column in
            fields.indices.contains(column - first) ? fields[column - first] : nil
        }
    }
}
