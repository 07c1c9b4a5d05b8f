public import Dataflow

/// A checked topology: everything a pipeline needs but the connections.
public struct CompiledTopology: Sendable {
    /// A source and the node that fills its batches.
    public struct Source: Sendable {
        /// The node's name.
        public var name: String
        /// The node.
        public var plan: any SourcePlan
        /// The stage that its batches go to, nil when there is none.
        public var child: Int?
        /// The columns of its batches: those of the stage that reads its messages, and those that others add.
        public var layout = BatchLayout()
    }

    /// A node between source and sink.
    public struct Stage: Sendable {
        /// The node's name.
        public var name: String
        /// The node.
        public var plan: any StagePlan
        /// The sources that its records come from; none where the way there is broken.
        public var sources: Set<Int> = []
        /// The stages that it reads from; none for one that reads the messages of its sources.
        public var parents: [Int] = []
        /// The number of the first column that it adds, if it adds any.
        public var firstAdded = 0
        /// The fields of the records that it hands on; where it keeps groups, of those that reach it.
        public var fields: [RecordSchema.Field] = []
        /// The stages that read from it.
        public var children: [Int] = []
        /// The most batches at once; nil runs it fused with its input, unless it shares permits.
        public var concurrency: Int?
        /// Permits that it shares with the same node in other processes; nil when it shares none.
        public var clusterConcurrency: Int?
    }

    /// Where groups go.
    public struct Sink: Sendable {
        /// The node's name.
        public var name: String
        /// The node.
        public var plan: any SinkPlan
        /// The stage that feeds it.
        public var stage: Int
    }

    /// A setting's value, and whether it is the spec's, so that circumstances may change it.
    public struct Setting<Value: Sendable>: Sendable {
        /// The value.
        public var value: Value
        /// Whether nobody chose it.
        public var isDefault: Bool

        /// A setting.
        public init(value: Value, isDefault: Bool) {
            self.value = value
            self.isDefault = isDefault
        }
    }

    /// The topology's name.
    public var name: String
    /// The memory budget.
    public var memoryBytes: Int
    /// The least time between commits.
    public var commitInterval: Setting<Duration>
    /// nil: one per core.
    public var workers: Int?
    /// Payload of a batch.
    public var batchBytes: Setting<Int>
    /// Messages of a batch.
    public var batchMessages: Int
    /// The sources.
    public var sources: [Source] = []
    /// The nodes between sources and sinks, each after what feeds it.
    public var stages: [Stage] = []
    /// The sinks.
    public var sinks: [Sink] = []
    /// What its nodes read and write outside of it.
    public var resources: [any Resource] = []

    init(
        name: String, memoryBytes: Int, commitInterval: Setting<Duration>, workers: Int?, batchBytes: Setting<Int>,
        batchMessages: Int
    ) {
        self.name = name
        self.memoryBytes = memoryBytes
        self.commitInterval = commitInterval
        self.workers = workers
        self.batchBytes = batchBytes
        self.batchMessages = batchMessages
    }

    /// Whether nobody looks before the end: sources that end, and nothing is stored. Then epochs end when memory asks for
    /// it.
    public var isReadAtEndOnly: Bool {
        sources.allSatisfy(\.plan.endsByItself) && !sinks.contains { $0.plan.isStored }
    }

    /// Whether it reads standard input.
    public var readsStandardInput: Bool { sources.contains { $0.plan.readsStandardInput } }
}
