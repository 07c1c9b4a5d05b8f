public import Dataflow
import Synchronization

/// The simplest pipeline in one node: reads a value from each message and adds it to its group.
public struct TallyOperator: Operator {
    /// Creates the node.
    public init() {}

    /// A worker with a tally of its own.
    public func makeWorker(in slot: StageSlot) -> any OperatorWorker { TallyWorker() }

    /// A worker to be wrapped by another one.
    public static func makeTally() -> any AggregateWorker { TallyWorker() }
}

final class TallyWorker: AggregateWorker {
    private let deltas = Mutex<[UInt64: TallyDelta]>([:])

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        batch.beginRows(batch.messages.count)
        for index in batch.runs.indices { batch.runs[index].rows = batch.runs[index].messages }
        var applied: [UInt32] = []
        var sums: [Int64: Int64] = [:]
        for run in batch.runs {
            for row in run.rows {
                let message = batch.messages[row]
                let value = unsafe batch.base.loadUnaligned(fromByteOffset: Int(message.start), as: Int64.self)
                unsafe batch.status[row] = 0
                switch ModelLog.fate(of: value) {
                case .applied:
                    applied.append(UInt32(row))
                    sums[ModelLog.group(of: value), default: 0] += value
                case .filtered: break
                case .dead:
                    unsafe batch.status[row] = 1
                    batch.deadLetters.append(
                        DeadLetter(
                            partition: run.partition, offset: message.offset, line: 0,
                            fault: RecordFault("divisible", "divisible by 17"),
                            payload: [], timestamp: nil))
                }
            }
        }
        unsafe applied.withUnsafeBufferPointer { rows in
            unsafe batch.markApplied(RowSelection(rows: rows.baseAddress, count: rows.count))
        }
        deltas.withLock { deltas in
            let delta = deltas[batch.epoch] ?? TallyDelta()
            deltas[batch.epoch] = delta
            delta.add(sums)
        }
    }

    func takeDelta(epoch: UInt64) -> (any Delta)? { deltas.withLock { $0.removeValue(forKey: epoch) } }

    func discard() { deltas.withLock { $0 = [:] } }
}

/// Sums by group.
public final class TallyDelta: Delta {
    private let sums = Mutex<[Int64: Int64]>([:])
    private let hidden = Mutex<[Int64]>([])

    /// The sums.
    public var table: [Int64: Int64] { sums.withLock { $0 } }

    /// How many groups there are.
    public var groupCount: Int { table.count }

    /// Values that the database will refuse.
    var refused: [Int64] { hidden.withLock { $0 } }

    func add(refused values: [Int64]) { hidden.withLock { $0 += values } }

    func add(_ other: [Int64: Int64]) { sums.withLock { $0.merge(other, uniquingKeysWith: +) } }

    /// Adds another delta.
    public func absorb(_ other: any Delta) {
        guard let other = other as? TallyDelta else { preconditionFailure("a tally absorbs tallies") }
        add(other.table)
        add(refused: other.refused)
    }

    /// Nothing is derived.
    public func complete() {}

    /// Nothing to give back.
    public func release() {}
}
