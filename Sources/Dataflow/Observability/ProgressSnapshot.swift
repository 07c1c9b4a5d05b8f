/// What a running pipeline can tell a person, at one moment.
public struct ProgressSnapshot: Sendable {
    /// Records committed since the start, as the ledger counts them.
    public var records: Int64 = 0
    /// Of these, records in dead letters.
    public var deadLetters: Int64 = 0
    /// Of the records, those refused as too late or too early.
    public var refused: Int64 = 0
    /// Records read and not committed yet.
    public var uncommitted: Int64 = 0
    /// Payload bytes since the start.
    public var bytes: Int64 = 0
    /// Epochs committed since the start.
    public var epochs: Int64 = 0
    /// How long the last commit took.
    public var lastCommit: Duration?
    /// Records that are not committed yet: those still to be read, as far as the sources know, and those read.
    public var lag: Int64?
    /// The memory account.
    public var memory = MemoryAccount(budget: 0)
    /// What each node holds of it.
    public var holders: [MemoryHolder] = []
    /// What the pipeline waits for, as short phrases.
    public var troubles: [String] = []
    /// The sources, as they say of themselves.
    public var sources: [SourceSnapshot] = []
    /// The nodes behind them, each after what feeds it.
    public var nodes: [NodeSnapshot] = []
    /// The stages that they stand in.
    public var stages: [StageSnapshot] = []
    /// The partitions that this process has read, or reads.
    public var partitions: [PartitionSnapshot] = []
    /// What is run after commits.
    public var steps: [StepSnapshot] = []

    /// Groups written since the start.
    public var rows: Int64 { nodes.reduce(0) { $0 + $1.groups } }
    /// Bytes that wait in the sources' own queues, of those that `memory` reserves for them; nil when there are none.
    public var queued: Int? {
        let queued = sources.compactMap(\.queuedBytes)
        return queued.isEmpty ? nil : queued.reduce(0, +)
    }

    /// A snapshot of nothing.
    public init() {}
}

/// A source at one moment.
public struct SourceSnapshot: Sendable, Equatable {
    /// The node's name.
    public var name: String
    /// Records still to be read, as far as known.
    public var lag: Int64?
    /// Bytes that wait in queues of its own.
    public var queuedBytes: Int?
    /// What it waits for.
    public var trouble: String?
    /// The consumer group that has no partition left for it; nil when it has some, or they are still shared out.
    public var idleGroup: String?

    /// A source's figures.
    public init(
        name: String, lag: Int64? = nil, queuedBytes: Int? = nil, trouble: String? = nil, idleGroup: String? = nil
    ) {
        self.idleGroup = idleGroup
        self.name = name
        self.lag = lag
        self.queuedBytes = queuedBytes
        self.trouble = trouble
    }
}

/// A node between source and sink at one moment.
public struct NodeSnapshot: Sendable, Equatable {
    /// The node's name.
    public var name: String
    /// Records that came in since the start, those that were read again after a rewind counted again.
    public var entered: Int64
    /// Records that it has handed on; 0 for one that makes groups of them.
    public var left: Int64
    /// Groups of it that were written since the start, each epoch's counted anew.
    public var groups: Int64
    /// How long workers were in it since the start, all of them together, without the nodes behind it.
    public var busy: Duration
    /// Batches that wait in front of it; nil for a node that runs fused with the one before.
    public var waiting: Int?
    /// The permits that it shares with other processes; nil when it shares none.
    public var permits: PermitSnapshot?

    /// A node's figures.
    public init(
        name: String, entered: Int64 = 0, left: Int64 = 0, groups: Int64 = 0, busy: Duration = .zero,
        waiting: Int? = nil, permits: PermitSnapshot? = nil
    ) {
        self.permits = permits
        self.name = name
        self.entered = entered
        self.left = left
        self.groups = groups
        self.busy = busy
        self.waiting = waiting
    }
}

/// Nodes that run fused, at one moment.
public struct StageSnapshot: Sendable, Equatable {
    /// The name of the first node.
    public var head: String
    /// How many workers may be in it at once.
    public var permits: Int
    /// How long workers were in it since the start, all of them together.
    public var busy: Duration

    /// A stage's figures.
    public init(head: String, permits: Int, busy: Duration = .zero) {
        self.head = head
        self.permits = permits
        self.busy = busy
    }
}

/// What is run after the commits into one table, at one moment.
public struct StepSnapshot: Sendable, Equatable {
    /// The node's name.
    public var node: String
    /// The table.
    public var table: String
    /// Runs that did what they were to do, since the start.
    public var runs: Int64
    /// Runs that failed.
    public var failures: Int64
    /// Commits after which it is still to be done, as far as known.
    public var waiting: Int64

    /// A step's figures.
    public init(node: String, table: String, runs: Int64 = 0, failures: Int64 = 0, waiting: Int64 = 0) {
        self.node = node
        self.table = table
        self.runs = runs
        self.failures = failures
        self.waiting = waiting
    }
}

/// A partition at one moment.
public struct PartitionSnapshot: Sendable, Equatable {
    /// The partition.
    public var key: PartitionKey
    /// The source that reads it.
    public var source: String
    /// Whether it is this process's.
    public var isOurs: Bool
    /// Where reading goes on.
    public var next: Int64?
    /// Up to where records are in the tables.
    public var committed: Int64?
    /// Messages that were handed over and are not committed.
    public var pending: Int64
}
