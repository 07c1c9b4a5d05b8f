public import Dataflow

/// A checked source.
public protocol SourcePlan: Sendable {
    /// Whether it has an end: files do, Kafka and standard input need not.
    var endsByItself: Bool { get }
    /// Whether it reads standard input, which only one can.
    var readsStandardInput: Bool { get }
    /// The names under which positions of it are kept; nil when they are not known before it runs.
    var positionTopics: Set<String>? { get }
    /// Memory that it fills by itself whenever something waits; nil when it has none.
    var queues: QueueClaim? { get }

    /// Says what of it decides what records mean; see `StagePlan.trace`.
    func trace(_ meaning: inout EventMeaning)
    /// Builds it; opens and connects to nothing.
    func build(in context: BuildContext) throws -> any Source
}

/// A checked node between source and sink.
public protocol StagePlan: Sendable {
    /// The columns of the batches that it fills, when it reads messages.
    var columnTypes: [ColumnType] { get }
    /// The columns that it adds to batches, whose numbers begin with `RecordSchema.nextColumn` of its input.
    var addedColumns: [ColumnType] { get }
    /// The longest message that it takes in bytes, when it reads messages.
    var messageBytesMax: Int? { get }
    /// The columns whose hashes it needs: computed once, by the node that fills them.
    var neededHashes: Set<Int> { get }
    /// How far ahead of its partition's clock a record may be and still move it, in microseconds; nil when the node judges no
    /// record by it. The clocks are kept by the node that reads the messages.
    var clockReach: Int64? { get }
    /// The most batches at once unless the topology says; nil runs it fused with its input.
    var usualConcurrency: Int? { get }
    /// Whether the node takes permits that processes share by itself, for programs say, and not the engine for each batch.
    var takesPermits: Bool { get }
    /// What becomes a record of it, in words, when it reads messages; nodes for which that differs cannot be one.
    var recordSource: String? { get }
    /// What it wants of each message as text beside the payload, when it reads messages; in the order in which it will
    /// find them in the batch. Each has `isText`.
    var messageTexts: [MessageAttribute] { get }

    /// Says what of it decides what the rows of a table behind it mean: whatever drops, changes or interprets records.
    ///
    /// Called from the table back to the source. What stands there is kept with the table, and a topology whose tables
    /// would mean something else is stopped. Spelling, order and the names of nodes make no difference.
    func trace(_ meaning: inout EventMeaning)
    /// Builds it.
    func build(in context: BuildContext) throws -> any Operator
}

extension StagePlan {
    /// None: it fills no columns.
    public var columnTypes: [ColumnType] { [] }
    /// None.
    public var addedColumns: [ColumnType] { [] }
    /// None: it reads no messages.
    public var messageBytesMax: Int? { nil }
    /// It does not say.
    public var recordSource: String? { nil }
    /// None.
    public var neededHashes: Set<Int> { [] }
    /// It does not ask.
    public var clockReach: Int64? { nil }
    /// It runs fused with its input.
    public var usualConcurrency: Int? { nil }
    /// The engine takes them.
    public var takesPermits: Bool { false }
    /// None.
    public var messageTexts: [MessageAttribute] { [] }
}

/// A checked sink.
public protocol SinkPlan: Sendable {
    /// Whether it is written in the transaction of the commit.
    var isStored: Bool { get }
    /// Builds it; connects to nothing.
    func build(in context: BuildContext) throws -> RunningSink
}

/// A sink as the pipeline runs it.
public enum RunningSink: Sendable {
    /// Told of every epoch after its commit: a kill in between loses what it would have made of it.
    case observer(any EpochObserver)
    /// Written in the transaction of the commit.
    case stored(any StoredSink)
}

/// A sink that is written in the transaction of the commit, together with the positions.
public protocol StoredSink: Sendable {
    /// The target that writes all stored sinks of a topology, this one among them.
    /// - Parameter observers: are told of every committed epoch.
    /// - Throws: what is wrong with the address, say; connects to nothing.
    func target(
        for sinks: [any StoredSink], observers: [any EpochObserver], in context: BuildContext
    ) throws -> any CommitTarget
}

/// Memory that a source fills by itself, such as the queues of a client library.
public struct QueueClaim: Sendable {
    /// What it is, as it stands in `for …`.
    public var name: String
    /// Settings that make it smaller.
    public var settings: String
    /// The most it takes when it may take so many bytes: more than that where it cannot be any smaller.
    public var bytes: @Sendable (_ share: Int) -> Int

    /// Describes a claim.
    public init(_ name: String, settings: String, bytes: @escaping @Sendable (_ share: Int) -> Int) {
        self.name = name
        self.settings = settings
        self.bytes = bytes
    }
}
