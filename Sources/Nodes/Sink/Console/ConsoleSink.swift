package import Dataflow
package import Summaries
import Synchronization

/// The `console` sink: prints a summary as lines of JSON whenever an epoch ends, for trying a topology out.
///
/// A line shows what the epoch changed, with the totals since the start of this run. Totals are kept in memory, so it is
/// for small summaries.
package final class ConsoleSink: EpochObserver {
    private let node: Int
    private let plan: SummaryPlan
    private let rowsMax: Int
    private let write: @Sendable ([UInt8]) -> Void
    private let totals = Mutex<SummaryDelta?>(nil)
    private let memory: MemoryAccountant

    /// Text is handed on when there is so much of it.
    private static let chunkBytes = 64 << 10

    /// Creates a sink that prints the deltas of `node` through `write`, some whole lines a call.
    package init(
        node: Int, plan: SummaryPlan, rowsMax: Int, memory: MemoryAccountant,
        write: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.node = node
        self.plan = plan
        self.rowsMax = rowsMax
        self.memory = memory
        self.write = write
    }

    package func committed(_ epoch: ClosedEpoch) {
        guard let delta = epoch.summary(of: node) else { return }
        totals.withLock { totals in
            // The first epoch's groups are the totals themselves: for a file that fits, nothing is ever copied.
            if totals == nil, delta.keep(for: .totals) {
                totals = delta
                printRows(of: delta, GroupOrder(delta, limit: rowsMax))
                return
            }
            let total =
                totals
                ?? SummaryDelta(
                    plan, dictionary: KeyDictionary(memory: memory, part: .totals), memory: memory, for: .totals)
            totals = total
            let changed = changes(of: total, by: delta)
            printRows(of: total, GroupOrder(total, limit: rowsMax) { changed[$0][$1] })
        }
    }

    /// Merges a delta into the totals.
    /// - Returns: by set and group number, whether the delta has the group.
    private func changes(of total: SummaryDelta, by delta: SummaryDelta) -> [[Bool]] {
        let merged = unsafe total.merge(delta)
        return unsafe zip(total.sets, merged).map { set, groups in
            var isChanged = Array(repeating: false, count: set.groupCount)
            for index in 0..<groups.count { isChanged[unsafe Int(groups[index])] = true }
            return isChanged
        }
    }

    private func printRows(of total: SummaryDelta, _ order: GroupOrder) {
        var printer = SummaryJSON(plan)
        for entry in order.entries {
            printer.appendLine(total.sets[Int(entry.set)], Int(entry.group))
            if printer.bytes.count >= Self.chunkBytes { write(printer.takeBytes()) }
        }
        let hidden = order.count - order.entries.count
        if hidden > 0 { printer.append("{\"rows_not_shown\": \(hidden)}\n") }
        if !printer.bytes.isEmpty { write(printer.takeBytes()) }
    }
}
