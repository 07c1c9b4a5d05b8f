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
    private let sharing: Sharing?
    private let share: DerivedShare
    private let sharedShare: DerivedShare

    /// Creates the node.
    /// - Parameters:
    ///   - refused: groups whose records become dead letters; the sinks behind the node add to it.
    ///   - nulls: counts the nulls that conditions of metrics make.
    ///   - sharing: the nodes on the same workers that are counted as one with it; nil when there are none.
    package init(
        _ plan: SummaryPlan, memory: MemoryAccountant, refused: RefusedGroups = RefusedGroups(),
        nulls: NullWatch? = nil, sharing: Sharing? = nil
    ) {
        self.plan = plan
        self.memory = memory
        self.refused = refused
        self.nulls = nulls
        self.sharing = sharing
        share = DerivedShare(plan)
        sharedShare = DerivedShare((sharing?.summary.plan) ?? plan)
    }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker {
        let dictionaries = slot.shared("key dictionaries") { EpochDictionaries(memory: memory) }
        let worker = SummarizeWorker(self, SummaryCounter(plan, memory, share, dictionaries))
        if let sharing {
            let shared = slot.shared("summaries of \(sharing.nodes.joined(separator: " "))") {
                SharedCounter(
                    SummaryCounter(sharing.summary.plan, memory, sharedShare, dictionaries),
                    members: sharing.nodes.count)
            }
            worker.join(shared, as: sharing)
        }
        return worker
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
    private let node: Summarize
    private let own: SummaryCounter
    private var shared: (counter: SharedCounter, place: Summarize.Sharing)?

    init(_ node: Summarize, _ own: SummaryCounter) {
        self.node = node
        self.own = own
    }

    /// Has the rows counted together with those of other summaries.
    func join(_ counter: SharedCounter, as place: Summarize.Sharing) {
        counter.join(node.refused)
        shared = (counter, place)
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        let plan = node.plan
        guard let bounds = plan.bounds, let times = plan.eventTimeColumn,
            let kept = batch.keep(rows, within: bounds, times, by: plan.node)
        else { return add(batch, rows) }
        unsafe kept.withUnsafeBufferPointer { rows in
            unsafe add(batch, RowSelection(rows: rows.baseAddress, count: rows.count))
        }
    }

    private func add(_ batch: Batch, _ rows: RowSelection) {
        guard rows.count > 0 else { return }
        if let (counter, place) = shared, let failures = counter.count(batch, rows, for: place.member) {
            batch.markApplied(rows)
            for (metric, number) in zip(node.plan.metrics, place.view.metrics) { note(failures[number], of: metric) }
            return
        }
        let outcome = own.count(batch, rows, except: node.refused)
        book(outcome, batch, rows)
        for (metric, failures) in zip(node.plan.metrics, outcome.failures) { note(failures, of: metric) }
    }

    /// Marks what was counted. Records of groups that the database refuses become dead letters, here, where their bytes
    /// still are.
    private func book(_ outcome: SummaryCounter.Outcome, _ batch: Batch, _ rows: RowSelection) {
        guard let taken = outcome.taken else { return batch.markApplied(rows) }
        unsafe taken.withUnsafeBufferPointer { taken in
            unsafe batch.markApplied(RowSelection(rows: taken.baseAddress, count: taken.count))
        }
        guard !outcome.left.isEmpty else { return }
        var finder = DocumentFinder()
        finder.find(in: batch)
        var letters = DeadLetterWriter(batch, finder.documents, node: node.plan.node)
        for (row, fault) in outcome.left {
            batch.markRefused(row, letters.letter(for: row, fault), by: node.plan.node)
        }
    }

    private func note(_ failures: [ExpressionEvaluator.Failure], of metric: MetricPlan) {
        guard let condition = metric.condition else { return }
        node.nulls?.note(failures, of: condition, as: .metric(metric.name))
    }

    func takeDelta(epoch: UInt64) -> (any Delta)? {
        let rest = own.take(epoch)
        guard let (counter, place) = shared else { return rest }
        let groups = counter.take(epoch, for: place.member)
        guard groups != nil || rest != nil else { return nil }
        return SharedDelta(groups, and: rest, as: place.view, isFirst: place.member == 0)
    }

    func discard() {
        own.discard()
        shared?.counter.discard()
    }
}
