package import Dataflow
import Postgres
import Sketches
import Synchronization

/// The `console` sink: prints a summary as lines of JSON whenever an epoch ends, for trying a topology out.
///
/// A line shows what the epoch changed, with the totals since the start of this run. Totals are kept in memory, so it is
/// for small summaries.
package final class ConsoleSink: EpochObserver {
    private let node: Int
    private let plan: SummaryPlan
    private let rowsMax: Int
    private let write: @Sendable (String) -> Void
    private let totals = Mutex<SummaryDelta?>(nil)
    private let memory: MemoryAccountant

    /// Creates a sink that prints the deltas of `node` through `write`, a line a call.
    package init(
        node: Int, plan: SummaryPlan, rowsMax: Int, memory: MemoryAccountant,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.node = node
        self.plan = plan
        self.rowsMax = rowsMax
        self.memory = memory
        self.write = write
    }

    package func committed(_ epoch: ClosedEpoch) {
        guard let delta = epoch.deltas[node] as? SummaryDelta else { return }
        totals.withLock { totals in
            let total =
                totals
                ?? SummaryDelta(
                    plan, dictionary: KeyDictionary(memory: memory, part: .totals), memory: memory, for: .totals)
            totals = total
            let changed = unsafe total.merge(delta).map { unsafe Set($0) }
            let inOrder = GroupOrder(total).entries.filter { changed[Int($0.set)].contains(UInt32($0.group)) }
            for entry in inOrder.prefix(rowsMax) {
                write(SummaryJSON.line(total.sets[Int(entry.set)], Int(entry.group)))
            }
            if inOrder.count > rowsMax { write("{\"rows_not_shown\": \(inOrder.count - rowsMax)}") }
        }
    }
}
