import Dataflow
import Declaration
import Platform

/// The groups of one grouping set: key table and metric states, side by side, by group number.
package final class SetGroups {
    package let plan: SummaryPlan
    package let set: GroupingSet
    /// The position of their window among those of the plan; 0 without windows, and while they are groups by pane.
    package private(set) var window: Int
    let dictionary: KeyDictionary
    package private(set) var states: [any MetricState]
    /// The parts of the key: the window or the pane, the zone where panes depend on it, then the set's fields.
    private let keyIDs: [KeyColumnID]
    private let keyColumns: [KeyColumn]
    /// For each key of the plan, its place among the parts; nil outside the set.
    private let places: [Int?]
    /// The place of the zone's name among the parts, if any window needs it.
    private let zonePlace: Int?
    private let keys: KeyTable
    /// The group of each selected row of the batch at hand, or of each group of the set merged last.
    private var groups = StateColumn<UInt32>(initial: 0)
    private var groupsByRow = StateColumn<UInt32>(initial: 0)
    private var conditionalGroups = StateColumn<UInt32>(initial: 0)

    /// No groups yet.
    /// - Parameters:
    ///   - window: the position of their window; nil for groups by pane.
    ///   - metrics: what is kept per group; nothing for a table of keys alone.
    init(
        _ plan: SummaryPlan, _ set: GroupingSet, window: Int? = nil, metrics: [MetricPlan], dictionary: KeyDictionary
    ) {
        self.plan = plan
        self.set = set
        self.window = window ?? 0
        self.dictionary = dictionary
        let ids = plan.keyIDs(of: set, byPane: window == nil)
        keyIDs = ids
        keyColumns = ids.map { dictionary.column($0) }
        zonePlace = plan.zoneField.flatMap { zone in ids.firstIndex(of: .text(column: zone.column)) }
        let first = ids.count - set.keys.count
        places = plan.keys.indices.map { key in set.keys.firstIndex(of: key).map { $0 + first } }
        keys = KeyTable(width: keyIDs.count)
        states = metrics.map { $0.metric.makeState() }
    }

    /// The groups of another summary, which go on being its own, as one sees them that asks for the same fields.
    /// - Parameters:
    ///   - set: what they are called in `plan`, and `window` where their window stands in it.
    ///   - metrics: where those of `plan` stand among the other's.
    init(viewing other: SetGroups, as plan: SummaryPlan, _ set: GroupingSet, _ window: Int, _ metrics: [Int]) {
        self.plan = plan
        self.set = set
        self.window = window
        dictionary = other.dictionary
        keyIDs = other.keyIDs
        keyColumns = other.keyColumns
        zonePlace = other.zonePlace
        keys = other.keys
        places = plan.keys.indices.map { key in
            guard set.keys.contains(key) else { return nil }
            return other.plan.keys.firstIndex { $0.column == plan.keys[key].column }.flatMap { other.places[$0] }
        }
        states = metrics.map { other.states[$0] }
    }

    /// Group keys to group numbers, where several may look them up.
    private final class KeyTable {
        var table: GroupTable

        init(width: Int) { table = GroupTable(width: width) }
    }

    package var groupCount: Int { keys.table.count }

    /// Bytes allocated, those of the keys' values apart.
    var memoryBytes: Int {
        keys.table.memoryBytes + groups.memoryBytes + states.reduce(0) { $0 + $1.memoryBytes }
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
                unsafe keys.table.assign(ids: first, count: rows.count, into: groups.values)
            } else {
                unsafe keys.table.assignOnlyGroup(count: rows.count, into: groups.values)
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
        states[metric].grow(to: keys.table.count)
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

    /// Merges the states of another set's groups into those of the groups assigned last.
    func absorb(_ other: SetGroups) {
        for (mine, theirs) in zip(states, other.states) {
            mine.grow(to: keys.table.count)
            unsafe mine.absorb(theirs, groups.values)
        }
    }

    /// Finds or makes the group of each of `count` rows that have a group in another set already.
    /// - Parameter window: the id of the window, here, of a group there; nil when it has the same one.
    func assign(
        _ count: Int, groupsOf other: SetGroups, window: ((Int) -> UInt32)? = nil, _ group: (Int) -> Int
    ) {
        groups.resizeUninitialized(to: count)
        // No rows make no group, not even where all rows are in one.
        guard count > 0 else { return }
        let ids = unsafe keyIDs.map { part in unsafe self.ids(of: part, count, in: other, group) }
        if let window, let starts = unsafe ids.first {
            for row in 0..<count { unsafe starts[row] = window(group(row)) }
        }
        defer { unsafe ids.forEach { unsafe $0.deallocate() } }
        unsafe ids.withUnsafeBufferPointer { pointers in
            // With no key at all there is one group, and nothing to point to.
            if let first = pointers.baseAddress, !keyIDs.isEmpty {
                unsafe keys.table.assign(ids: first, count: count, into: groups.values)
            } else {
                unsafe keys.table.assignOnlyGroup(count: count, into: groups.values)
            }
        }
    }

    /// The ids, here, of one part of the key of groups of another set.
    private func ids(
        of part: KeyColumnID, _ count: Int, in other: SetGroups, _ group: (Int) -> Int
    ) -> UnsafeMutablePointer<UInt32> {
        let ids = UnsafeMutablePointer<UInt32>.allocate(capacity: count)
        guard let place = other.keyIDs.firstIndex(of: part) else {
            guard case .window = part, !other.plan.windows.isEmpty else {
                preconditionFailure("groups come from a set with all their fields")
            }
            // Windows that were made of other panes are known by where they begin.
            for index in 0..<count {
                unsafe ids[index] = keyColumns[0].id(of: other.windowStart(ofGroup: group(index)) ?? 0)
            }
            return unsafe ids
        }
        if other.dictionary === dictionary {
            for index in 0..<count { unsafe ids[index] = other.keys.table.id(place, ofGroup: group(index)) }
        } else {
            let translation = unsafe dictionary.translation(of: other.dictionary, part)
            for index in 0..<count {
                unsafe ids[index] = translation[Int(other.keys.table.id(place, ofGroup: group(index)))]
            }
        }
        return unsafe ids
    }
}

// MARK: - Keys

extension SummaryPlan {
    /// What the parts of a set's keys are made of, the window first.
    /// - Parameter byPane: whether they are counted by pane: then the zone is a part too where panes depend on it.
    func keyIDs(of set: GroupingSet, byPane: Bool) -> [KeyColumnID] {
        var ids: [KeyColumnID] = []
        if let cut, let eventTimeColumn { ids.append(.window(column: eventTimeColumn, cut)) }
        if byPane, let zone = zoneField, !set.keys.contains(where: { keys[$0].column == zone.column }) {
            ids.append(.text(column: zone.column))
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
        plan.windows.isEmpty ? nil : keyColumns[0].integer(keys.table.id(0, ofGroup: group))
    }

    /// The text of a key of a group, nil for null and outside the set.
    package func keyText(_ key: Int, ofGroup group: Int) -> UnsafeRawBufferPointer? {
        guard let place = places[key] else { return nil }
        let id = keys.table.id(place, ofGroup: group)
        return id == 0 ? nil : unsafe keyColumns[place].text(id)
    }

    /// How many bytes the text of a key of a group has, nil for null and outside the set.
    package func keyTextBytes(_ key: Int, ofGroup group: Int) -> Int? { unsafe keyText(key, ofGroup: group)?.count }

    /// The value of a key of a group that is not text, nil for null and outside the set.
    package func keyInteger(_ key: Int, ofGroup group: Int) -> Int64? {
        guard let place = places[key] else { return nil }
        let id = keys.table.id(place, ofGroup: group)
        return id == 0 ? nil : keyColumns[place].integer(id)
    }
}

// MARK: - Windows

extension SetGroups {
    /// The id of the start of a group's window or pane.
    func startID(ofGroup group: Int) -> UInt32 { keys.table.id(0, ofGroup: group) }

    /// The id that a start has in the key.
    func startID(of start: Int64) -> UInt32 { keyColumns[0].id(of: start) }

    /// The id of the zone's name of a group; 0 where there is none, or where no window needs it.
    func zoneID(ofGroup group: Int) -> UInt32 { zonePlace.map { keys.table.id($0, ofGroup: group) } ?? 0 }

    /// The zone of a group; nil when it is not known.
    func zone(ofGroup group: Int) -> TimeZoneRules? {
        guard let zoneField = plan.zoneField else { return nil }
        return dictionary.zones(zoneField.column).rules(of: zoneID(ofGroup: group))
    }

    /// Whether a part of the key is the zone, which no set of fields has asked for.
    var hasHiddenZone: Bool { zonePlace.map { $0 < keyIDs.count - set.keys.count } ?? false }

    /// The starts of the windows of a function that a group by pane is a part of.
    func windowStarts(ofGroup group: Int, _ function: any WindowFunction) -> [Int64] {
        guard let start = windowStart(ofGroup: group) else { return [] }
        return function.windows(of: function.pane(of: start, in: zone(ofGroup: group) ?? .utc).start)
    }

    /// Says that these groups by pane are the groups by window that are asked for.
    func become(window: Int) { self.window = window }

    /// Whether rows have a zone that is none.
    func mayHoldUnknownZones(_ batch: Batch, _ rows: RowSelection) -> Bool {
        guard let zoneField = plan.zoneField else { return false }
        let zones = dictionary.zones(zoneField.column)
        let ids = unsafe zones.names.ids(of: batch, rows)
        return (0..<rows.count).contains { unsafe zones.rules(of: ids[$0]) == nil }
    }
}
