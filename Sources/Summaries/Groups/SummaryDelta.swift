package import Dataflow
package import Expressions

/// The groups one epoch adds to a summary, by grouping set; a plain `by` is one set.
///
/// `@unchecked Sendable`: a delta is filled by one worker, then belongs to the commit thread.
package final class SummaryDelta: Delta, @unchecked Sendable {
    package let plan: SummaryPlan
    /// The groups of each set, in the order of the plan; with several windows, those of the first window, then those of the
    /// next. Until the delta is complete there is one for each set, those of derived sets empty and the others by pane.
    package private(set) var sets: [SetGroups]
    private let dictionary: KeyDictionary
    private let derivation: SetDerivation
    /// The sets that are counted, as long as they are.
    private var counted: [SetGroups]
    private let share: DerivedShare
    private let memory: MemoryAccountant
    private var part: MemoryAccountant.Part
    private var accountedBytes = 0
    private var isComplete = false
    private var isKept = false
    /// Whether the groups are those of another delta, in whose hands their life is.
    private let isView: Bool
    /// One per counted set, once the database has refused a row.
    private var sieves: [RefusalSieve]?

    /// - Parameters:
    ///   - part: what the memory is drawn for.
    ///   - share: what is known of the memory that derived groups take; one for all deltas of a node.
    package init(
        _ plan: SummaryPlan, dictionary: KeyDictionary, memory: MemoryAccountant,
        for part: MemoryAccountant.Part = .groups, share: DerivedShare? = nil
    ) {
        self.part = part
        self.plan = plan
        self.dictionary = dictionary
        self.memory = memory
        let sets = plan.sets.map { SetGroups(plan, $0, metrics: plan.metrics, dictionary: dictionary) }
        let derivation = SetDerivation(plan.sets)
        self.sets = sets
        self.derivation = derivation
        self.share = share ?? DerivedShare(plan)
        counted = derivation.counted.map { sets[$0] }
        isView = false
    }

    /// Some groups of another delta, which is complete and goes on being their owner.
    init(viewing other: SummaryDelta, as view: SharedSummary.View) {
        precondition(other.isComplete, "what is derived is seen when it is there")
        plan = view.plan
        let setCount = other.plan.sets.count
        sets = view.windows.enumerated().flatMap { window, there in
            zip(view.plan.sets, view.sets).map { set, place in
                SetGroups(viewing: other.sets[there * setCount + place], as: view.plan, set, window, view.metrics)
            }
        }
        dictionary = other.dictionary
        derivation = other.derivation
        share = other.share
        memory = other.memory
        part = other.part
        counted = []
        isComplete = true
        isView = true
    }

    package var groupCount: Int { sets.reduce(0) { $0 + $1.groupCount } }

    /// Takes in the selected rows of a batch.
    /// - Parameter places: where they stand in the log; needed when the plan needs places.
    package func add(
        _ batch: Batch, _ rows: RowSelection, _ conditions: [ExpressionEvaluator?], at places: RecordPlaces? = nil
    ) {
        for set in counted { set.assign(batch, rows) }
        update(batch, rows, conditions, places)
    }

    /// Whether a row of a batch may have a key that no index takes, so that each has to be looked at. False costs
    /// nothing: it follows from the longest texts of the epoch.
    package func mayHoldLongKeys(_ batch: Batch, _ rows: RowSelection) -> Bool {
        counted.contains { $0.keyBytesMost(batch, rows) > SummaryPlan.keyBytesMax }
    }

    /// Whether a row of a batch has no time zone although its windows depend on it.
    package func mayHoldUnknownZones(_ batch: Batch, _ rows: RowSelection) -> Bool {
        plan.zoneField != nil && counted.contains { $0.mayHoldUnknownZones(batch, rows) }
    }

    /// Takes in the selected rows of a batch, except those that belong to a group, of whatever set, that the database
    /// refuses or whose key no index takes.
    /// - Returns: the rows taken in, and the others with what is wrong with them, both in ascending order.
    package func add(
        _ batch: Batch, _ rows: RowSelection, _ conditions: [ExpressionEvaluator?], except refused: RefusedGroups,
        at places: RecordPlaces? = nil
    ) -> (taken: [UInt32], left: [(row: Int, fault: RecordFault)]) {
        let sieves = sieves ?? makeSieves()
        self.sieves = sieves
        for sieve in sieves { sieve.look(at: batch, rows, for: refused) }
        var taken: [UInt32] = []
        var positions: [Int] = []
        var left: [(row: Int, fault: RecordFault)] = []
        for index in 0..<rows.count {
            if let fault = sieves.lazy.compactMap({ $0.fault(ofRow: index) }).first {
                left.append((rows[index], fault))
            } else {
                taken.append(UInt32(rows[index]))
                positions.append(index)
            }
        }
        for sieve in sieves { sieve.assign(positions) }
        unsafe taken.withUnsafeBufferPointer { taken in
            unsafe update(batch, RowSelection(rows: taken.baseAddress, count: taken.count), conditions, places)
        }
        return (taken, left)
    }

    /// Updates the states with rows whose groups are known. A condition is asked once, whatever the number of sets.
    private func update(
        _ batch: Batch, _ rows: RowSelection, _ conditions: [ExpressionEvaluator?], _ places: RecordPlaces?
    ) {
        for (metric, condition) in conditions.enumerated() {
            let selected = condition.map { $0.select(in: batch, rows) }
            for set in counted { set.update(metric, batch, rows, where: selected, places) }
        }
        account()
    }

    package func absorb(_ other: any Delta) {
        guard let other = other as? SummaryDelta else { preconditionFailure("merged with another kind of delta") }
        precondition(!isComplete, "what is derived is made of all workers' groups")
        unsafe merge(other)
        other.release()
    }

    /// Merges another delta of the same node, which stays as it is, set by set.
    /// - Returns: for each set, for each of its groups, the group here; valid until the next call.
    @discardableResult
    package func merge(_ other: SummaryDelta) -> [UnsafeBufferPointer<UInt32>] {
        if other.isComplete, !isComplete {
            precondition(groupCount == 0, "what is derived is merged with nothing that is not")
            if plan.derivesWindows { sets = plan.windows.indices.flatMap { window in makeSets(window) } }
            counted = []
            isComplete = true
        }
        let groups = unsafe zip(sets, other.sets).map { unsafe $0.merge($1) }
        account()
        return unsafe groups
    }

    package func complete() {
        precondition(!isComplete, "a delta is completed once")
        let countedBytes = countedBytes
        deriveWindows()
        for first in stride(from: 0, to: sets.count, by: plan.sets.count) {
            for set in derivation.derived where isMade(first + set) {
                let parent = derivation.parent(of: set) { isMade(first + $0) ? sets[first + $0].groupCount : .max }
                unsafe sets[first + set].merge(sets[first + parent])
            }
        }
        isComplete = true
        counted = []
        let bytes = sets.reduce(0) { $0 + $1.memoryBytes }
        share.observe(counted: countedBytes, derived: bytes - countedBytes)
        account()
    }

    /// Whether the groups at a place are made: those that are counted always are, others when somebody asks for them.
    private func isMade(_ place: Int) -> Bool {
        plan.wanted?.contains(place) ?? true || derivation.counted.contains(place % plan.sets.count)
    }

    /// Makes groups by window of those by pane, where that is not the same.
    private func deriveWindows() {
        guard plan.derivesWindows else { return }
        sieves = nil
        var made: [[SetGroups]] = plan.windows.map { _ in [] }
        for set in plan.sets.indices {
            if derivation.counted.contains(set) {
                for (window, groups) in WindowDerivation(sets[set]).run().enumerated() { made[window].append(groups) }
            } else {
                for window in made.indices { made[window].append(makeSet(set, window)) }
            }
        }
        sets = made.flatMap { $0 }
    }

    private func makeSets(_ window: Int) -> [SetGroups] { plan.sets.indices.map { makeSet($0, window) } }

    /// No groups yet of a set and a window.
    private func makeSet(_ set: Int, _ window: Int) -> SetGroups {
        SetGroups(plan, plan.sets[set], window: window, metrics: plan.metrics, dictionary: dictionary)
    }

    /// Makes the delta outlive its epoch, for whoever asks first: it may then add other deltas to it.
    /// Its memory, and that of its keys, is drawn for `part` from now on.
    /// - Returns: false when somebody else has it, or shares it.
    package func keep(for part: MemoryAccountant.Part) -> Bool {
        if isKept || isView { return false }
        isKept = true
        memory.draw(-accountedBytes, for: self.part)
        memory.draw(accountedBytes, for: part)
        self.part = part
        dictionary.move(to: part)
        return true
    }

    package func release() {
        guard !isKept, !isView else { return }
        memory.draw(-accountedBytes, for: part)
        accountedBytes = 0
        sets.forEach { $0.release() }
        sieves = nil
    }

    private func makeSieves() -> [RefusalSieve] {
        derivation.counted.map { counted in
            let derived = derivation.derived.filter { derivation.countedParent(of: $0) == counted }
            return RefusalSieve(sets[counted], derived: derived.map { plan.sets[$0] })
        }
    }

    private var countedBytes: Int { counted.reduce(0) { $0 + $1.memoryBytes } }

    private func account() {
        dictionary.account()
        var bytes = sets.reduce(0) { $0 + $1.memoryBytes } + (sieves?.reduce(0) { $0 + $1.memoryBytes } ?? 0)
        if !isComplete, share.isOfUse { bytes += share.reserve(for: countedBytes) }
        memory.draw(bytes - accountedBytes, for: part)
        accountedBytes = bytes
    }
}
