/// A checked topology, ready to run: concrete nodes in a tree under each source.
public struct PipelinePlan: Sendable {
    /// A node between source and sink.
    public struct Node: Sendable {
        /// The node's name in the topology.
        public var name: String
        /// What makes its workers.
        public var make: any Operator
        /// The nodes that read from it.
        public var children: [Int]
        /// The most batches at once; nil runs it fused with its input.
        public var concurrency: Int?
        /// Whether it must see batches one after the other, in the order in which they were read; it is then behind a source.
        public var isOrdered: Bool
        /// The permits that it shares with other processes; nil when it shares none.
        public var gate: PermitGate?

        /// Creates a node.
        public init(
            name: String, make: any Operator, children: [Int], concurrency: Int?, isOrdered: Bool = false,
            gate: PermitGate? = nil
        ) {
            self.gate = gate
            self.isOrdered = isOrdered
            self.name = name
            self.make = make
            self.children = children
            self.concurrency = concurrency
        }
    }

    /// A source and the parser behind it.
    public struct SourceNode: Sendable {
        /// The node's name in the topology.
        public var name: String
        /// The source.
        public var source: any Source
        /// The node that gets its batches.
        public var child: Int
        /// The columns of its batches.
        public var layout: BatchLayout

        /// Creates a source node.
        public init(name: String, source: any Source, child: Int, layout: BatchLayout) {
            self.name = name
            self.source = source
            self.child = child
            self.layout = layout
        }
    }

    /// The sources.
    public var sources: [SourceNode]
    /// All other nodes but sinks.
    public var nodes: [Node]
    /// Where epochs go.
    public var target: any CommitTarget
    /// The engine's settings.
    public var settings: PipelineSettings
    /// The one memory account.
    public var memory: MemoryAccountant
    /// Has the allocator give what is free back to the system. Slow; called once an epoch at most.
    public var giveBackFreeMemory: @Sendable () -> Void

    /// Creates a plan.
    public init(
        sources: [SourceNode], nodes: [Node], target: any CommitTarget, settings: PipelineSettings,
        memory: MemoryAccountant, giveBackFreeMemory: @escaping @Sendable () -> Void = {}
    ) {
        self.giveBackFreeMemory = giveBackFreeMemory
        self.sources = sources
        self.nodes = nodes
        self.target = target
        self.settings = settings
        self.memory = memory
    }
}

/// Settings of a running pipeline.
public struct PipelineSettings: Sendable {
    /// Threads that run operators.
    public var workers: Int
    /// The least time between two commits.
    public var commitInterval: Duration
    /// Payload bytes of a batch.
    public var batchBytes: Int
    /// Messages of a batch.
    public var batchMessagesMax: Int
    /// How long the position of a partition that another instance has claimed must stand still before it is claimed back.
    public var takeoverPatience: Duration

    /// Batches a source may have at once: one being filled, some waiting, one in each worker.
    public var batchesMax: Int { workers + Limits.mailboxBatchesMax + 1 }

    /// Creates settings.
    public init(
        workers: Int, commitInterval: Duration = Limits.commitInterval, batchBytes: Int = Limits.batchBytes,
        batchMessagesMax: Int = Limits.batchMessagesMax, takeoverPatience: Duration = Limits.takeoverPatience
    ) {
        self.takeoverPatience = takeoverPatience
        self.workers = workers
        self.commitInterval = commitInterval
        self.batchBytes = batchBytes
        self.batchMessagesMax = batchMessagesMax
    }
}
