package import Dataflow
import Synchronization

/// The `summarize` node: groups records by window and fields and keeps mergeable metrics per group.
package struct Summarize: Operator {
    let plan: SummaryPlan
    let memory: MemoryAccountant

    /// Creates the node.
    package init(_ plan: SummaryPlan, memory: MemoryAccountant) {
        self.plan = plan
        self.memory = memory
    }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker {
        SummarizeWorker(plan, memory, slot.shared("key dictionaries") { EpochDictionaries(memory: memory) })
    }
}

/// The key dictionaries of one permit, by epoch.
final class EpochDictionaries: Sendable {
    /// `@unchecked Sendable`: what it refers to is used by whoever holds a delta of the epoch, one thread at a time.
    private struct Weak: @unchecked Sendable { weak var dictionary: KeyDictionary? }

    private let dictionaries = Mutex<[UInt64: Weak]>([:])
    private let memory: MemoryAccountant

    init(memory: MemoryAccountant) { self.memory = memory }

    /// The dictionary of an epoch; it lives as long as a delta uses it.
    func dictionary(for epoch: UInt64) -> KeyDictionary {
        dictionaries.withLock { known in
            if let found = known[epoch]?.dictionary { return found }
            known = known.filter { $0.value.dictionary != nil }
            let made = KeyDictionary(memory: memory)
            known[epoch] = Weak(dictionary: made)
            return made
        }
    }
}

/// One permit of a `summarize` node: the deltas of the epoch being filled and of the one being written.
final class SummarizeWorker: AggregateWorker {
    private let plan: SummaryPlan
    private let memory: MemoryAccountant
    private let dictionaries: EpochDictionaries
    private let conditions: [ExpressionEvaluator?]
    private let deltas = Mutex<[UInt64: SummaryDelta]>([:])

    init(_ plan: SummaryPlan, _ memory: MemoryAccountant, _ dictionaries: EpochDictionaries) {
        self.plan = plan
        self.memory = memory
        self.dictionaries = dictionaries
        conditions = plan.metrics.map { $0.condition?.makeEvaluator() }
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        delta(for: batch.epoch).add(batch, rows, conditions)
        batch.markApplied(rows)
    }

    private func delta(for epoch: UInt64) -> SummaryDelta {
        deltas.withLock { deltas in
            if let found = deltas[epoch] { return found }
            let made = SummaryDelta(plan, dictionary: dictionaries.dictionary(for: epoch), memory: memory)
            deltas[epoch] = made
            return made
        }
    }

    func takeDelta(epoch: UInt64) -> (any Delta)? {
        deltas.withLock { $0.removeValue(forKey: epoch) }
    }

    func discard() {
        deltas.withLock { deltas in
            deltas.values.forEach { $0.release() }
            deltas = [:]
        }
    }
}
