public import Dataflow
import Synchronization

/// A source that does what a test says.
public final class ScriptedSource: Source {
    private let lag: Int64?
    private let body: @Sendable (Intake) throws -> Void

    /// Creates a source whose life is `body` and that says that so many records wait.
    public init(lag: Int64? = nil, _ body: @escaping @Sendable (Intake) throws -> Void) {
        self.lag = lag
        self.body = body
    }

    /// Runs the script.
    public func run(_ intake: Intake) throws { try body(intake) }

    /// Nothing to close.
    public func close(_ intake: Intake) {}

    /// What the script's author said.
    public var status: SourceStatus { SourceStatus(lag: lag) }
}

/// A target some of whose commits go as a test says.
public final class ScriptedTarget: CommitTarget {
    private let inner: ModelTarget
    private let script: @Sendable (Int) throws -> CommitOutcome?
    private let commits = Atomic(0)

    /// Creates a target in front of `inner`.
    /// - Parameter script: gets the number of the commit, from 1; nil has `inner` do it.
    public init(_ inner: ModelTarget, script: @escaping @Sendable (Int) throws -> CommitOutcome?) {
        self.inner = inner
        self.script = script
    }

    /// As the model does it.
    public func claim(
        _ keys: [PartitionKey], origin: String?, _ context: CommitContext
    ) throws -> [ClaimedPartition] { try inner.claim(keys, origin: origin, context) }

    /// As the model does it.
    public func known(topicPrefix: String, _ context: CommitContext) throws -> [ClaimedPartition] {
        try inner.known(topicPrefix: topicPrefix, context)
    }

    /// As the model does it.
    public func begin(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        try inner.begin(partitions, context)
    }

    /// As the model does it.
    public func found(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {
        try inner.found(partitions, context)
    }

    /// As the model does it.
    public func positions(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition] {
        try inner.positions(partitions, context)
    }

    /// As the model does it.
    public var wantsTurn: Bool { inner.wantsTurn }

    /// As the model does it.
    public func takeTurn(_ context: CommitContext) throws { try inner.takeTurn(context) }

    /// As the model does it.
    public func passTurn() { inner.passTurn() }

    /// As the script says, or as the model does it.
    public func commit(_ epoch: ClosedEpoch, _ context: CommitContext) throws -> CommitOutcome {
        let number = commits.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
        defer { inner.passTurn() }
        return try script(number) ?? inner.commit(epoch, context)
    }

    /// As the model does it.
    public func confirm(_ standing: [ClaimedPartition], _ context: CommitContext) throws -> CommitOutcome {
        try inner.confirm(standing, context)
    }

    /// Lets go of a turn.
    public func close() { inner.close() }
}
