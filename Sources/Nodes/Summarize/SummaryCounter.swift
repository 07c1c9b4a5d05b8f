import Dataflow
import Expressions
import Summaries
import Synchronization

/// Counts batches into the groups of their epochs: for one summary, or for several that group alike.
final class SummaryCounter {
    /// What became of the rows of a batch.
    struct Outcome {
        /// The rows that were counted; nil: all.
        var taken: [UInt32]?
        /// The others, and what is wrong with them.
        var left: [(row: Int, fault: RecordFault)] = []
        /// By metric, the nulls that its condition made.
        var failures: [[ExpressionEvaluator.Failure]] = []
    }

    private let plan: SummaryPlan
    private let memory: MemoryAccountant
    private let share: DerivedShare
    private let dictionaries: EpochDictionaries
    private let conditions: [ExpressionEvaluator?]
    private var finder = PlaceFinder()
    private var places = RecordPlaces()
    private let deltas = Mutex<[UInt64: SummaryDelta]>([:])

    init(
        _ plan: SummaryPlan, _ memory: MemoryAccountant, _ share: DerivedShare, _ dictionaries: EpochDictionaries
    ) {
        self.plan = plan
        self.memory = memory
        self.share = share
        self.dictionaries = dictionaries
        conditions = plan.metrics.map { $0.condition?.makeEvaluator(drawingFrom: memory) }
    }

    /// Counts rows, but those of refused groups.
    func count(_ batch: Batch, _ rows: RowSelection, except refused: RefusedGroups) -> Outcome {
        let delta = delta(for: batch.epoch)
        var outcome = Outcome()
        if refused.isEmpty, !delta.mayHoldLongKeys(batch, rows), !delta.mayHoldUnknownZones(batch, rows) {
            delta.add(batch, rows, conditions, at: places(batch, rows))
        } else {
            let (taken, left) = delta.add(batch, rows, conditions, except: refused, at: places(batch, rows))
            (outcome.taken, outcome.left) = (taken, left)
        }
        outcome.failures = conditions.map { $0?.takeFailures() ?? [] }
        return outcome
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

    /// Gives away the groups of an epoch, nil when it saw no row.
    func take(_ epoch: UInt64) -> SummaryDelta? { deltas.withLock { $0.removeValue(forKey: epoch) } }

    func discard() {
        deltas.withLock { deltas in
            deltas.values.forEach { $0.release() }
            deltas = [:]
        }
    }
}

/// The counter of the summaries of one permit that group alike.
///
/// Each batch comes once from each of them, and is counted when it comes first. As soon as the database has refused a row
/// of any of them, each counts for itself again, since a record that is refused by one still belongs to the others. What
/// was counted together until then is dropped with the epoch that was refused.
final class SharedCounter {
    private let counter: SummaryCounter
    private var refused: [RefusedGroups] = []
    private let membersMax: Int
    private var last: (batch: UInt64, outcome: SummaryCounter.Outcome, members: Set<Int>)?
    /// Groups that not all have asked for yet.
    private let given = Mutex<[UInt64: (delta: SummaryDelta, members: Set<Int>)]>([:])

    /// - Parameter members: how many summaries share it, as soon as all have joined.
    init(_ counter: SummaryCounter, members: Int) {
        self.counter = counter
        membersMax = members
    }

    /// Takes in a summary.
    /// - Parameter refused: the groups that the database refuses it.
    func join(_ refused: RefusedGroups) { self.refused.append(refused) }

    /// What became of the rows of a batch; nil when the summary has to count by itself.
    func count(_ batch: Batch, _ rows: RowSelection, for member: Int) -> SummaryCounter.Outcome? {
        guard refused.count == membersMax, refused.allSatisfy(\.isEmpty), let none = refused.first else { return nil }
        if var last, last.batch == batch.serial, last.members.insert(member).inserted {
            self.last = last
            return last.outcome
        }
        let outcome = counter.count(batch, rows, except: none)
        last = (batch.serial, outcome, [member])
        return outcome
    }

    /// The groups of an epoch, as they are for all.
    func take(_ epoch: UInt64, for member: Int) -> SummaryDelta? {
        given.withLock { given in
            guard var found = given[epoch] ?? counter.take(epoch).map({ ($0, []) }) else { return nil }
            found.members.insert(member)
            given[epoch] = found.members.count == membersMax ? nil : found
            return found.delta
        }
    }

    func discard() {
        given.withLock { $0 = [:] }
        counter.discard()
    }
}
