package import Dataflow
import Expressions
package import Summaries
import Synchronization

/// The `summarize` node: groups records by window and fields and keeps mergeable metrics per group.
package struct Summarize: Operator {
    package let plan: SummaryPlan
    let memory: MemoryAccountant
    let refused: RefusedGroups
    let nulls: NullWatch?
    private let share: DerivedShare

    /// Creates the node.
    /// - Parameters:
    ///   - refused: groups whose records become dead letters; the sinks behind the node add to it.
    ///   - nulls: counts the nulls that conditions of metrics make.
    package init(
        _ plan: SummaryPlan, memory: MemoryAccountant, refused: RefusedGroups = RefusedGroups(),
        nulls: NullWatch? = nil
    ) {
        self.plan = plan
        self.memory = memory
        self.refused = refused
        self.nulls = nulls
        share = DerivedShare(plan)
    }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker {
        SummarizeWorker(
            plan, memory, refused, nulls, share, slot.shared("key dictionaries") { EpochDictionaries(memory: memory) })
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
    private let refused: RefusedGroups
    private let nulls: NullWatch?
    private let share: DerivedShare
    private let dictionaries: EpochDictionaries
    private let conditions: [ExpressionEvaluator?]
    private var finder = PlaceFinder()
    private var places = RecordPlaces()
    private let deltas = Mutex<[UInt64: SummaryDelta]>([:])

    init(
        _ plan: SummaryPlan, _ memory: MemoryAccountant, _ refused: RefusedGroups, _ nulls: NullWatch?,
        _ share: DerivedShare, _ dictionaries: EpochDictionaries
    ) {
        self.plan = plan
        self.memory = memory
        self.refused = refused
        self.nulls = nulls
        self.share = share
        self.dictionaries = dictionaries
        conditions = plan.metrics.map { $0.condition?.makeEvaluator(drawingFrom: memory) }
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        guard let bounds = plan.bounds, let times = plan.eventTimeColumn,
            let kept = batch.keep(rows, within: bounds, times, by: plan.node)
        else { return add(batch, rows) }
        unsafe kept.withUnsafeBufferPointer { rows in
            unsafe add(batch, RowSelection(rows: rows.baseAddress, count: rows.count))
        }
    }

    private func add(_ batch: Batch, _ rows: RowSelection) {
        guard rows.count > 0 else { return }
        let delta = delta(for: batch.epoch)
        defer { noteNulls() }
        guard refused.isEmpty, !delta.mayHoldLongKeys(batch, rows), !delta.mayHoldUnknownZones(batch, rows) else {
            return processExceptRefused(batch, rows, delta)
        }
        delta.add(batch, rows, conditions, at: places(batch, rows))
        batch.markApplied(rows)
    }

    /// Records of groups that the database refuses become dead letters, here, where their bytes still are.
    private func processExceptRefused(_ batch: Batch, _ rows: RowSelection, _ delta: SummaryDelta) {
        let (taken, left) = delta.add(batch, rows, conditions, except: refused, at: places(batch, rows))
        unsafe taken.withUnsafeBufferPointer { taken in
            unsafe batch.markApplied(RowSelection(rows: taken.baseAddress, count: taken.count))
        }
        guard !left.isEmpty else { return }
        var finder = DocumentFinder()
        finder.find(in: batch)
        var letters = DeadLetterWriter(batch, finder.documents, node: plan.node)
        for (row, fault) in left {
            batch.markRefused(row, letters.letter(for: row, fault))
        }
    }

    private func noteNulls() {
        guard let nulls else { return }
        for (metric, evaluator) in zip(plan.metrics, conditions) {
            guard let evaluator, let condition = metric.condition else { continue }
            nulls.note(evaluator, of: condition, as: .metric(metric.name))
        }
    }

    /// Where the rows stand in the log, if any metric asks for it.
    private func places(_ batch: Batch, _ rows: RowSelection) -> RecordPlaces? {
        guard plan.needsPlaces else { return nil }
        places.reset(rows: batch.rowCount)
        finder.find(in: batch, rows) { places[$0] = $1 }
        return places
    }

    private func delta(for epoch: UInt64) -> SummaryDelta {
        deltas.withLock { deltas in
            if let found = deltas[epoch] { return found }
            let made = SummaryDelta(
                plan, dictionary: dictionaries.dictionary(for: epoch), memory: memory, share: share)
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
