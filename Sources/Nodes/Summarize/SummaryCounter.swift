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
        if refused.isEmpty, let failures = countUnlessRefused(batch, rows) { return Outcome(failures: failures) }
        let (taken, left) = delta(for: batch.epoch).add(
            batch, rows, conditions, except: refused, at: places(batch, rows))
        return Outcome(taken: taken, left: left, failures: takeFailures())
    }

    /// Counts rows unless some may have a key that no index takes, or no time zone.
    /// - Returns: by metric, the nulls that conditions made; nil when nothing was counted.
    func countUnlessRefused(_ batch: Batch, _ rows: RowSelection) -> [[ExpressionEvaluator.Failure]]? {
        let delta = delta(for: batch.epoch)
        guard !delta.mayHoldLongKeys(batch, rows), !delta.mayHoldUnknownZones(batch, rows) else { return nil }
        delta.add(batch, rows, conditions, at: places(batch, rows))
        return takeFailures()
    }

    private func takeFailures() -> [[ExpressionEvaluator.Failure]] { conditions.map { $0?.takeFailures() ?? [] } }

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

/// The counter of the summaries of one permit that are counted as one.
///
/// Each batch comes once from each of them, and is counted when it comes first. What may hold records that one of them
/// refuses, and the others do not, each counts by itself: long keys, and everything since the database has refused a row of
/// one of them.
final class SharedCounter {
    private let counter: SummaryCounter
    private var refused: [RefusedGroups] = []
    private let membersMax: Int
    /// The batch at hand: the nulls made, unless each counts it by itself, and who has asked already.
    private var last: (batch: UInt64, rows: Int, failures: [[ExpressionEvaluator.Failure]]?, members: Set<Int>)?
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

    /// Counts the rows of a batch for all.
    /// - Returns: by metric, the nulls that conditions made; nil when each has to count by itself.
    func count(_ batch: Batch, _ rows: RowSelection, for member: Int) -> [[ExpressionEvaluator.Failure]]? {
        if var last, last.batch == batch.serial, last.members.insert(member).inserted {
            precondition(last.rows == rows.count, "nodes that are counted as one get the same rows")
            self.last = last
            return last.failures
        }
        let isComplete = refused.count == membersMax && refused.allSatisfy(\.isEmpty)
        let failures = isComplete ? counter.countUnlessRefused(batch, rows) : nil
        last = (batch.serial, rows.count, failures, [member])
        return failures
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
