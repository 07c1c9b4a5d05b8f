package import Dataflow
import Lookups
import Summaries
import Synchronization

/// The `lookup` node: adds columns with what a dimension has for the records' keys.
package struct Lookup: Operator {
    let plan: LookupPlan
    let store: any LookupStore
    let keeper: LookupKeeper
    let hashedColumns: [Int]
    let watch: LookupWatch?

    package var companion: (any Companion)? { keeper }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker { LookupWorker(self) }
}

/// What a lookup looks its keys up in.
protocol LookupStore: AnyObject, Sendable {
    /// Reads its content anew. Blocks; called by one thread.
    /// - Parameters:
    ///   - accept: is asked for its consent to a new content before anything of it is used.
    ///   - isCancelled: asked now and then, also while a database is silent; true ends the load.
    /// - Throws: what is wrong; what was there is still in use.
    func load(accept: (Generation) throws -> Void, isCancelled: @escaping @Sendable () -> Bool) throws -> Generation
    /// What one worker reads it with.
    func makeReader() -> any LookupRows
}

/// One worker's way of looking up the records of a batch.
protocol LookupRows: AnyObject {
    /// Looks up the selected rows and fills the columns that the node adds.
    /// - Returns: the contents that were used.
    func look(_ batch: Batch, _ rows: RowSelection) -> [Generation]
    /// How many rows of the last selection nothing was found for.
    var missed: Int { get }
    /// Whether nothing was found for the row at a place of the last selection.
    func isMissing(_ index: Int) -> Bool
}

/// One permit of a `lookup` node. Beside its rows it gives away which contents they were joined to.
final class LookupWorker: AggregateWorker {
    private let node: Lookup
    private let reader: any LookupRows
    private var found: [UInt32] = []
    private let used = Mutex<[UInt64: GenerationDelta]>([:])

    init(_ node: Lookup) {
        self.node = node
        reader = node.store.makeReader()
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        note(reader.look(batch, rows), batch)
        node.watch?.count(rows.count, missed: reader.missed)
        for column in node.hashedColumns { batch.fillHashes(ofColumn: column) }
        guard reader.missed > 0, node.plan.missing != .null else { return output(rows) }
        if node.plan.missing == .drop {
            found.removeAll(keepingCapacity: true)
            for index in 0..<rows.count where !reader.isMissing(index) { found.append(UInt32(rows[index])) }
        } else {
            let fields = node.plan.keys.map(\.field).joined(separator: ", ")
            let reason = "\(node.plan.origin.name) has no row for \(fields)"
            found = batch.refuse(rows, by: node.plan.node) { index in
                guard reader.isMissing(index) else { return nil }
                let key = node.plan.keys.map { FoundValue.shown(batch.columns[$0.column], rows[index]) ?? "null" }
                return RecordFault("missing_row", field: fields, found: key.joined(separator: ", "), reason)
            }
        }
        unsafe found.withUnsafeBufferPointer { unsafe output(RowSelection(rows: $0.baseAddress, count: $0.count)) }
    }

    private func note(_ generations: [Generation], _ batch: Batch) {
        let partitions = batch.runs.lazy.filter { !$0.rows.isEmpty }.map(\.partition)
        let isStale = node.keeper.isStale
        used.withLock { used in
            let delta = used[batch.epoch] ?? GenerationDelta(node: node.plan.node, source: node.plan.origin.name)
            used[batch.epoch] = delta
            delta.note(generations, partitions, isStale: isStale)
        }
    }

    func takeDelta(epoch: UInt64) -> (any Delta)? { used.withLock { $0.removeValue(forKey: epoch) } }

    func discard() { used.withLock { $0 = [:] } }
}
