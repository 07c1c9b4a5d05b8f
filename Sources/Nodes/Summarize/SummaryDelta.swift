import Dataflow

/// The groups one epoch adds to a summary: key table and metric states, side by side, by group number.
///
/// `@unchecked Sendable`: a delta is filled by one worker, then belongs to the commit thread.
final class SummaryDelta: Delta, @unchecked Sendable {
    let plan: SummaryPlan
    let dictionary: KeyDictionary
    private(set) var states: [any MetricState]
    private let keyColumns: [KeyColumn]
    private let keyIDs: [KeyColumnID]
    private var table: GroupTable
    private var groups = StateColumn<UInt32>(initial: 0)
    private var groupsByRow = StateColumn<UInt32>(initial: 0)
    private var conditionalGroups = StateColumn<UInt32>(initial: 0)
    private let memory: MemoryAccountant
    private var accountedBytes = 0
    /// Why the database refuses a group, by group number; of the first `checkedGroups` groups.
    private var refusals: [UInt32: String] = [:]
    private var checkedGroups = 0

    init(_ plan: SummaryPlan, dictionary: KeyDictionary, memory: MemoryAccountant) {
        self.plan = plan
        self.dictionary = dictionary
        self.memory = memory
        keyIDs = plan.keyIDs
        keyColumns = keyIDs.map { dictionary.column($0) }
        table = GroupTable(width: keyIDs.count)
        states = plan.metrics.map { $0.makeState() }
    }

    var groupCount: Int { table.count }

    /// Takes in the selected rows of a batch.
    func add(_ batch: Batch, _ rows: RowSelection, _ conditions: [ExpressionEvaluator?]) {
        assignGroups(batch, rows)
        update(batch, rows, conditions)
    }

    /// Takes in the selected rows of a batch, except those of groups that the database refuses.
    /// - Returns: the rows taken in, and the others with the reason, both in ascending order.
    func add(
        _ batch: Batch, _ rows: RowSelection, _ conditions: [ExpressionEvaluator?], except refused: RefusedGroups
    ) -> (taken: [UInt32], left: [(row: Int, reason: String)]) {
        assignGroups(batch, rows)
        for group in checkedGroups..<table.count {
            refusals[UInt32(group)] = refused.reason(for: GroupOrder.identity(of: group, in: self))
        }
        checkedGroups = table.count
        var taken: [UInt32] = []
        var left: [(row: Int, reason: String)] = []
        for index in 0..<rows.count {
            let group = unsafe groups.values[index]
            if let reason = refusals[group] {
                left.append((rows[index], reason))
            } else {
                unsafe groups.values[taken.count] = group
                taken.append(UInt32(rows[index]))
            }
        }
        unsafe taken.withUnsafeBufferPointer { taken in
            unsafe update(batch, RowSelection(rows: taken.baseAddress, count: taken.count), conditions)
        }
        return (taken, left)
    }

    /// Finds or makes the group of each row.
    private func assignGroups(_ batch: Batch, _ rows: RowSelection) {
        groups.resizeUninitialized(to: rows.count)
        unsafe withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<UInt32>.self, capacity: max(1, keyColumns.count))
        {
            ids in
            for (position, column) in keyColumns.enumerated() { unsafe ids[position] = column.ids(of: batch, rows) }
            if let first = ids.baseAddress, !keyColumns.isEmpty {
                unsafe table.assign(ids: first, count: rows.count, into: groups.values)
            } else {
                unsafe table.assignOnlyGroup(count: rows.count, into: groups.values)
            }
        }
    }

    /// Updates the states with rows whose groups are known.
    private func update(_ batch: Batch, _ rows: RowSelection, _ conditions: [ExpressionEvaluator?]) {
        for (state, condition) in zip(states, conditions) {
            state.grow(to: table.count)
            if let condition {
                update(state, where: condition, batch, rows)
            } else {
                unsafe state.update(batch, rows, groups.values)
            }
        }
        account()
    }

    private func update(
        _ state: any MetricState, where condition: ExpressionEvaluator, _ batch: Batch, _ rows: RowSelection
    ) {
        let selected = condition.select(in: batch, rows)
        guard selected.count > 0 else { return }
        groupsByRow.resizeUninitialized(to: batch.rowCount)
        for index in 0..<rows.count { unsafe groupsByRow.values[rows[index]] = groups.values[index] }
        conditionalGroups.resizeUninitialized(to: selected.count)
        for index in 0..<selected.count {
            unsafe conditionalGroups.values[index] = groupsByRow.values[selected[index]]
        }
        unsafe state.update(batch, selected, conditionalGroups.values)
    }

    func absorb(_ other: any Delta) {
        guard let other = other as? SummaryDelta else { preconditionFailure("merged with another kind of delta") }
        unsafe merge(other)
        other.release()
    }

    /// Merges another delta of the same node, which stays as it is.
    /// - Returns: for each of its groups, the group here; valid until the next call.
    @discardableResult
    func merge(_ other: SummaryDelta) -> UnsafeBufferPointer<UInt32> {
        let count = other.groupCount
        let ids = unsafe keyIDs.indices.map { position in unsafe translatedIDs(position, of: other) }
        defer { unsafe ids.forEach { unsafe $0.deallocate() } }
        groups.resizeUninitialized(to: count)
        unsafe ids.withUnsafeBufferPointer { pointers in
            // With no key at all there is one group, and nothing to point to.
            if let first = pointers.baseAddress, !keyIDs.isEmpty {
                unsafe table.assign(ids: first, count: count, into: groups.values)
            } else {
                unsafe table.assignOnlyGroup(count: count, into: groups.values)
            }
        }
        for (mine, theirs) in zip(states, other.states) {
            mine.grow(to: table.count)
            unsafe mine.absorb(theirs, groups.values)
        }
        account()
        return unsafe UnsafeBufferPointer(start: groups.values, count: count)
    }

    /// The ids, here, of one part of the key of every group of another delta.
    private func translatedIDs(_ position: Int, of other: SummaryDelta) -> UnsafeMutablePointer<UInt32> {
        let count = other.groupCount
        let ids = UnsafeMutablePointer<UInt32>.allocate(capacity: max(1, count))
        if other.dictionary === dictionary {
            for group in 0..<count { unsafe ids[group] = other.table.id(position, ofGroup: group) }
        } else {
            let translation = unsafe dictionary.translation(of: other.dictionary, keyIDs[position])
            for group in 0..<count { unsafe ids[group] = translation[Int(other.table.id(position, ofGroup: group))] }
        }
        return unsafe ids
    }

    func release() {
        memory.draw(-accountedBytes, for: .groups)
        accountedBytes = 0
        states = []
    }

    private func account() {
        dictionary.account()
        let bytes =
            table.memoryBytes + groups.memoryBytes + states.reduce(0) { $0 + $1.memoryBytes }
        memory.draw(bytes - accountedBytes, for: .groups)
        accountedBytes = bytes
    }
}

// MARK: - Keys

extension SummaryPlan {
    /// What the parts of the key are made of, the window first.
    var keyIDs: [KeyColumnID] {
        var ids: [KeyColumnID] = []
        if let windowMicroseconds, let eventTimeColumn {
            ids.append(.window(column: eventTimeColumn, microseconds: windowMicroseconds))
        }
        return ids
            + keys.map { key in
                switch key.type {
                case .text: .text(column: key.column)
                case .boolean: .boolean(column: key.column)
                default: .integer(column: key.column)
                }
            }
    }
}

extension SummaryDelta {
    /// The start of a group's window in microseconds since 1970, nil without windows.
    func windowStart(ofGroup group: Int) -> Int64? {
        plan.windowMicroseconds == nil ? nil : keyColumns[0].integer(table.id(0, ofGroup: group))
    }

    /// The text of a `by` field of a group, nil for null.
    func keyText(_ key: Int, ofGroup group: Int) -> UnsafeRawBufferPointer? {
        let (column, id) = keyPart(key, ofGroup: group)
        return id == 0 ? nil : unsafe column.text(id)
    }

    /// The value of a `by` field that is not text, nil for null.
    func keyInteger(_ key: Int, ofGroup group: Int) -> Int64? {
        let (column, id) = keyPart(key, ofGroup: group)
        return id == 0 ? nil : column.integer(id)
    }

    private func keyPart(_ key: Int, ofGroup group: Int) -> (KeyColumn, UInt32) {
        let position = key + (plan.windowMicroseconds == nil ? 0 : 1)
        return (keyColumns[position], table.id(position, ofGroup: group))
    }
}
