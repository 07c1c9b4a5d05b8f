import Dataflow
import Postgres
import Summaries

/// Writes a part of an epoch, inside the transaction of its commit, which somebody else opens and commits.
///
/// The tables of `postgres` nodes, dead letters and the generations of lookups are such parts; another one is a type of its
/// own and one line in `PostgresTarget`. A transaction that fails is written again, so nothing of the epoch may be changed,
/// and what is remembered from one epoch to the next is learned in `committed`.
protocol EpochSink: AnyObject {
    /// Does what can be done before the transaction begins.
    func prepare(_ epoch: ClosedEpoch)
    /// Gives back what was prepared; the epoch is written, or another one is to be.
    func forgetPrepared()
    /// Writes what the epoch holds for it, if anything.
    func write(_ epoch: ClosedEpoch, _ connection: inout Connection) throws
    /// The epoch that was written last is in the database.
    func committed(_ epoch: ClosedEpoch)
}

extension EpochSink {
    func prepare(_ epoch: ClosedEpoch) {}
    func forgetPrepared() {}
    func committed(_ epoch: ClosedEpoch) {}
}

/// The table of one summarizing node.
final class TableRows: EpochSink {
    /// The node's number.
    let node: Int
    /// The name of the node whose table it is.
    let sink: String
    let writer: SummaryWriter
    /// Where its rows stand when they are not kept for good.
    let partitions: TablePartitions?
    /// Before what moment rows were dropped when the table was looked at, in microseconds since 1970; nil for none.
    let droppedBefore: Int64?

    init(node: Int, sink: String, writer: SummaryWriter, partitions: TablePartitions?, droppedBefore: Int64? = nil) {
        self.node = node
        self.sink = sink
        self.writer = writer
        self.partitions = partitions
        self.droppedBefore = droppedBefore
    }

    /// Whether the rows of a window were dropped, or may have been.
    func isForgotten(_ windowStart: Int64, at now: Int64) -> Bool {
        droppedBefore.map { windowStart < $0 } ?? false || partitions?.isForgotten(windowStart, at: now) ?? false
    }

    /// The node's groups, nil when the epoch has none.
    func delta(in epoch: ClosedEpoch) -> SummaryDelta? { epoch.summary(of: node) }

    func prepare(_ epoch: ClosedEpoch) {
        if let delta = delta(in: epoch) { writer.prepare(delta) }
    }

    func forgetPrepared() { writer.forgetPrepared() }

    /// Makes the partitions that the epoch's rows need, in the transaction that writes them.
    func ensurePartitions(for epoch: ClosedEpoch, _ connection: inout Connection) throws {
        guard let partitions, let delta = delta(in: epoch) else { return }
        try partitions.ensure(delta, window: writer.window, &connection)
    }

    func committed(_ epoch: ClosedEpoch) {
        // What an epoch of others has made is not known to be there.
        if delta(in: epoch) != nil { partitions?.committed() }
    }

    func write(_ epoch: ClosedEpoch, _ connection: inout Connection) throws {
        if let delta = delta(in: epoch) { try writer.write(delta, &connection) }
    }
}
