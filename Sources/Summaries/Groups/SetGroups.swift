import Dataflow

/// The groups of one grouping set: key table and metric states, side by side, by group number.
package final class SetGroups {
    package let plan: SummaryPlan
    package let set: GroupingSet
    let dictionary: KeyDictionary
    package private(set) var states: [any MetricState]
    /// The parts of the key: the window, then the set's fields.
    private let keyIDs: [KeyColumnID]
    private let keyColumns: [KeyColumn]
    /// For each key of the plan, its place among the parts; nil outside the set.
    private let places: [Int?]
    private var table: GroupTable
    /// The group of each selected row of the batch at hand, or of each group of the set merged last.
    private var groups = StateColumn<UInt32>(initial: 0)
    private var groupsByRow = StateColumn<UInt32>(initial: 0)
    private var conditionalGroups = StateColumn<UInt32>(initial: 0)

    /// No groups yet.
    /// - Parameter metrics: what is kept per group; nothing for a table of keys alone.
    init(_ plan: SummaryPlan, _ set: GroupingSet, metrics: [MetricPlan], dictionary: KeyDictionary) {
        self.plan = plan
        self.set = set
        self.dictionary = dictionary
        keyIDs = plan.keyIDs(of: set)
        keyColumns = keyIDs.map { dictionary.column($0) }
        let first = plan.window == nil ? 0 : 1
        places = plan.keys.indices.map { key in set.keys.firstIndex(of: key).map { $0 + first } }
        table = GroupTable(width: keyIDs.count)
        states = metrics.map { $0.metric.makeState() }
    }

    package var groupCount: Int { table.count }

    /// Bytes allocated, those of the keys' values apart.
    var memoryBytes: Int {
        table.memoryBytes + groups.memoryBytes + states.reduce(0) { $0 + $1.memoryBytes }
    }

    /// Frees the states; nothing may be asked of the groups afterwards.
    func release() { states = [] }

    /// Finds or makes the group of each selected row.
    func assign(_ batch: Batch, _ rows: RowSelection) {
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

    /// The most bytes that the key of one of these rows may take; more than it takes, never less. Their ids are looked up
    /// for it, and are then at hand when the rows are assigned.
    func keyBytesMost(_ batch: Batch, _ rows: RowSelection) -> Int {
        var bytes = plan.keys.count * GroupOrder.numberBytes
        for (id, column) in zip(keyIDs, keyColumns) {
            guard case .text = id else { continue }
            _ = unsafe column.ids(of: batch, rows)
            bytes += column.longestText + GroupOrder.textBytesAround
        }
        return bytes
    }

    /// The group of the `index`-th row of those assigned last.
    func group(ofRow index: Int) -> Int { unsafe Int(groups.values[index]) }

    /// Updates one metric with the rows assigned last.
    /// - Parameters:
    ///   - selected: the rows that meet the metric's condition, nil without one.
    ///   - places: where the rows stand in the log, for metrics that depend on it.
    func update(
        _ metric: Int, _ batch: Batch, _ rows: RowSelection, where selected: RowSelection?, _ places: RecordPlaces?
    ) {
        states[metric].grow(to: table.count)
        guard let selected else { return unsafe update(metric, batch, rows, groups.values, places) }
        guard selected.count > 0 else { return }
        groupsByRow.resizeUninitialized(to: batch.rowCount)
        for index in 0..<rows.count { unsafe groupsByRow.values[rows[index]] = groups.values[index] }
        conditionalGroups.resizeUninitialized(to: selected.count)
        for index in 0..<selected.count {
            unsafe conditionalGroups.values[index] = groupsByRow.values[selected[index]]
        }
        unsafe update(metric, batch, selected, conditionalGroups.values, places)
    }

    private func update(
        _ metric: Int, _ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>, _ places: RecordPlaces?
    ) {
        if let places, let state = states[metric] as? any PlacedState {
            unsafe state.update(batch, rows, groups, places)
        } else {
            unsafe states[metric].update(batch, rows, groups)
        }
    }
}

// MARK: - Merging

extension SetGroups {
    /// Merges the groups of another set, which stays as it is: the same set of another worker, or a finer one, whose
    /// groups then come together in coarser ones here.
    /// - Returns: for each of its groups, the group here; valid until the next call.
    @discardableResult
    func merge(_ other: SetGroups) -> UnsafeBufferPointer<UInt32> {
        let count = other.groupCount
        assign(count, groupsOf: other) { $0 }
        absorb(other)
        return unsafe UnsafeBufferPointer(start: groups.values, count: count)
    }

    /// The same groups by window, made of these by pane.
    func byWindow(_ function: any WindowFunction) -> SetGroups {
        let windows = SetGroups(plan, set, metrics: plan.metrics, dictionary: dictionary)
        for number in 0..<function.windowsPerPane {
            windows.assign(groupCount, groupsOf: self, window: { function.window(number, of: $0) }) { $0 }
            windows.absorb(self)
        }
        return windows
    }

    /// Merges the states of another set's groups into those of the groups assigned last.
    private func absorb(_ other: SetGroups) {
        for (mine, theirs) in zip(states, other.states) {
            mine.grow(to: table.count)
            unsafe mine.absorb(theirs, groups.values)
        }
    }

    /// Finds or makes the group of each of `count` rows that have a group in another set already.
    /// - Parameter window: what the start of a group's pane there becomes here; nil when it stays.
    func assign(
        _ count: Int, groupsOf other: SetGroups, window: ((Int64) -> Int64)? = nil, _ group: (Int) -> Int
    ) {
        groups.resizeUninitialized(to: count)
        // No rows make no group, not even where all rows are in one.
        guard count > 0 else { return }
        let ids = unsafe keyIDs.map { part in unsafe self.ids(of: part, count, in: other, group) }
        if let window, let starts = unsafe ids.first {
            for row in 0..<count {
                unsafe starts[row] = keyColumns[0].id(of: window(keyColumns[0].integer(starts[row])))
            }
        }
        defer { unsafe ids.forEach { unsafe $0.deallocate() } }
        unsafe ids.withUnsafeBufferPointer { pointers in
            // With no key at all there is one group, and nothing to point to.
            if let first = pointers.baseAddress, !keyIDs.isEmpty {
                unsafe table.assign(ids: first, count: count, into: groups.values)
            } else {
                unsafe table.assignOnlyGroup(count: count, into: groups.values)
            }
        }
    }

    /// The ids, here, of one part of the key of groups of another set.
    private func ids(
        of part: KeyColumnID, _ count: Int, in other: SetGroups, _ group: (Int) -> Int
    ) -> UnsafeMutablePointer<UInt32> {
        guard let place = other.keyIDs.firstIndex(of: part) else {
            preconditionFailure("groups come from a set with all their fields")
        }
        let ids = UnsafeMutablePointer<UInt32>.allocate(capacity: count)
        if other.dictionary === dictionary {
            for index in 0..<count { unsafe ids[index] = other.table.id(place, ofGroup: group(index)) }
        } else {
            let translation = unsafe dictionary.translation(of: other.dictionary, part)
            for index in 0..<count {
                unsafe ids[index] = translation[Int(other.table.id(place, ofGroup: group(index)))]
            }
        }
        return unsafe ids
    }
}

// MARK: - Keys

extension SummaryPlan {
    /// What the parts of a set's keys are made of, the window first.
    func keyIDs(of set: GroupingSet) -> [KeyColumnID] {
        var ids: [KeyColumnID] = []
        if let window, let eventTimeColumn {
            ids.append(.window(column: eventTimeColumn, EventTimeCut(function: window)))
        }
        return ids
            + set.keys.map { position in
                let key = keys[position]
                return switch key.type {
                case .text: .text(column: key.column)
                case .boolean: .boolean(column: key.column)
                default: .integer(column: key.column)
                }
            }
    }
}

extension SetGroups {
    /// The start of a group's window in microseconds since 1970, nil without windows. As long as records are counted it is
    /// that of a pane.
    package func windowStart(ofGroup group: Int) -> Int64? {
        plan.window == nil ? nil : keyColumns[0].integer(table.id(0, ofGroup: group))
    }

    /// The text of a key of a group, nil for null and outside the set.
    package func keyText(_ key: Int, ofGroup group: Int) -> UnsafeRawBufferPointer? {
        guard let place = places[key] else { return nil }
        let id = table.id(place, ofGroup: group)
        return id == 0 ? nil : unsafe keyColumns[place].text(id)
    }

    /// The value of a key of a group that is not text, nil for null and outside the set.
    package func keyInteger(_ key: Int, ofGroup group: Int) -> Int64? {
        guard let place = places[key] else { return nil }
        let id = table.id(place, ofGroup: group)
        return id == 0 ? nil : keyColumns[place].integer(id)
    }
}
