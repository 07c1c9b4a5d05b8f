public import Dataflow
public import Logging

/// What a node gets when it is built.
public struct BuildContext: Sendable {
    /// The topology's name.
    public var topology: String
    /// The node's name.
    public var node: String
    /// The account that memory is drawn from.
    public var memory: MemoryAccountant
    /// Where it logs.
    public var logger: Logger
    /// What the program offers to nodes.
    public var services: RunServices
    /// What the topology's nodes read and write outside of it.
    public var resources: [any Resource] = []
    /// For a source: what its queues may take in bytes.
    public var queueBytes = 0
    /// For a source: the longest message in bytes that the node behind it takes.
    public var messageBytesMax = Int.max
    /// For a source: the texts that the node behind it wants of each message beside its payload.
    public var messageTexts: [MessageAttribute] = []
    /// For a node that reads messages: whether it keeps the clocks of partitions, and how far ahead a record may be and still
    /// move one, in microseconds.
    public var clockReach: Int64?
    /// Of the columns that the node fills, those whose hashes are needed behind it.
    public var hashedColumns: [Int] = []
    /// For a node between source and sink: the plans of those that get the same records on the same workers, by name, itself
    /// among them; empty when it is alone.
    public var siblings: [(node: String, plan: any StagePlan)] = []
    /// For a node between source and sink: the most batches at once in it, nil when it runs fused with its input.
    public var concurrency: Int?
    /// For a node between source and sink: the permits that it shares with other processes.
    public var permits: PermitGate?
    /// For a sink: the node that feeds it, and its number in the pipeline.
    public var input: (operator: any Operator, number: Int)?
    /// For a sink: every node that may keep a record from its rows, by name: those between source and it, and those that write
    /// the same rows.
    public var nodesInFront: Set<String> = []
    /// For a sink: what decides what its rows mean, from the node that feeds it back to the source.
    public var meaning = EventMeaning()
    /// For a sink: the names of its source's positions, nil when they are not known before it runs.
    public var positionTopics: Set<String>?
    /// For a sink: the names of other sources' positions, as far as they are known.
    public var otherTopics: Set<String> = []
}

/// What the program offers to the nodes that it builds, by type.
public struct RunServices: Sendable {
    private var services: [ObjectIdentifier: any Sendable] = [:]

    /// No services.
    public init() {}

    /// The service of a type, nil when there is none.
    public subscript<Service: Sendable>(_ type: Service.Type) -> Service? {
        get { services[ObjectIdentifier(type)] as? Service }
        set { services[ObjectIdentifier(type)] = newValue }
    }
}
