/// A node between source and sink, as the pipeline runs it: a factory of workers.
public protocol Operator: Sendable {
    /// Makes the node's state for one permit. Workers of the same permit share what they put into `slot`.
    func makeWorker(in slot: StageSlot) -> any OperatorWorker
    /// What lives beside the batches for the node's sake, nil when nothing does.
    var companion: (any Companion)? { get }
    /// Whether it may take long over a record, as a program does: batches are then only as large as lets commits go on.
    var takesLong: Bool { get }

    /// Begins, before any source does. Called once.
    /// - Parameter pipeline: what the node may say to the pipeline, as long as it lives.
    /// - Throws: what stops the pipeline before it reads anything.
    func begin(in pipeline: NodeContext) throws
    /// Ends what the node has beside its workers, such as programs: nothing that is still in a stage will be committed. Called
    /// once, while a worker may still be in `process`, which is to return soon then.
    func close()
}

extension Operator {
    /// Nothing.
    public var companion: (any Companion)? { nil }
    /// It does not.
    public var takesLong: Bool { false }
    /// There is nothing to begin.
    public func begin(in pipeline: NodeContext) throws {}
    /// There is nothing to end.
    public func close() {}
}

/// What a node may say to the pipeline that it is part of, from any thread.
public struct NodeContext: Sendable {
    /// Says what the node waits for, as a short phrase; nil when it waits for nothing any more.
    public let report: @Sendable (_ trouble: String?) -> Void
    /// Stops the pipeline with an error that a person must mend: nothing that is not committed will be.
    public let fail: @Sendable (any Error) -> Void

    /// Creates a context.
    public init(
        report: @escaping @Sendable (_ trouble: String?) -> Void, fail: @escaping @Sendable (any Error) -> Void
    ) {
        self.report = report
        self.fail = fail
    }
}

/// A life beside the batches of a node: loads a table before the first record and keeps it fresh, say. It has a thread of
/// its own; its node's workers ask it what they need without waiting for it.
public protocol Companion: Sendable {
    /// Gets what the node needs before it sees a record: no source begins before all companions are prepared. Blocks.
    /// - Parameter context: says when to give up; what is reported through it is shown under the node's name.
    /// - Throws: what stops the pipeline; what may pass is waited for inside.
    func prepare(_ context: CommitContext) throws

    /// Goes on until `context.isCancelled`, which comes when the sources have ended. Blocks.
    /// - Throws: what stops the pipeline.
    func run(_ context: CommitContext) throws
}

/// One permit's worth of a node: used by one thread at a time, never by two.
public protocol OperatorWorker: AnyObject {
    /// Works on the selected rows of `batch` and hands the rows that go on to `output` (at most once per call).
    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void)
}

/// A worker that keeps groups: its output is not rows but one delta per epoch.
public protocol AggregateWorker: OperatorWorker {
    /// Gives away what the epoch gathered, nil when it saw no row. Called when no batch of the epoch is in a stage.
    func takeDelta(epoch: UInt64) -> (any Delta)?
    /// Forgets everything gathered. Called when no batch is in a stage.
    func discard()
}

/// What one epoch adds to a table: groups and their mergeable states.
public protocol Delta: AnyObject, Sendable {
    /// How many groups it holds.
    var groupCount: Int { get }
    /// Takes in another worker's delta of the same node and epoch, which must not be used afterwards.
    func absorb(_ other: any Delta)
    /// Makes what is derived from other groups: the deltas of all workers are in. Called once, on the commit thread.
    func complete()
    /// Ends the delta's life: gives its memory back to the accountant.
    func release()
}

/// What the workers of one permit of a stage share.
public final class StageSlot {
    private var shared: [String: AnyObject] = [:]

    /// An empty slot.
    public init() {}

    /// The object called `name`, made by the first who asks.
    public func shared<Shared: AnyObject>(_ name: String, make: () -> Shared) -> Shared {
        if let found = shared[name] as? Shared { return found }
        let made = make()
        shared[name] = made
        return made
    }
}
