import Dataflow
import Postgres
import Summaries

/// Writes one node's deltas into its table, inside a transaction that somebody else opens and commits.
///
/// Read, merge, write: the rows that exist are read under lock, merged with the delta here, and written back whole; the
/// others are inserted. Whoever opens the transaction holds the table's ticket (`CommitTicket`), without which instances
/// would deadlock: `GroupOrder` is the same everywhere, but new rows are created after all others were locked.
final class SummaryWriter {
    let table: SummaryTable
    private let plan: SummaryPlan
    /// The position of the window whose groups it writes; nil for those of all windows.
    let window: Int?
    private let sql: SummaryStatements
    /// What shows and merges each metric's values.
    private let results: [any MetricResult]
    /// What is in the table of each metric.
    private let stored: [StoredRow]
    let memory: MemoryAccountant
    private(set) var sizing = StatementSizing()
    private var prepared: (delta: SummaryDelta, order: GroupOrder)?

    /// - Parameters:
    ///   - plan: the summary as the table has it.
    ///   - window: the position of the table's window among those of the summary; nil when it has all of them.
    init(plan: SummaryPlan, window: Int? = nil, place: TablePlace, name: String, memory: MemoryAccountant) {
        self.plan = plan
        self.window = window
        self.memory = memory
        table = SummaryTable(place: place, name: name, plan: plan)
        results = plan.metrics.map { $0.metric.makeResult() }
        let columns = plan.metrics.map(\.columns)
        sql = SummaryStatements(table, merged: columns.joined().filter(\.isMerged).map(\.name))
        // The first column that is read is the position of the key.
        var next = 1
        stored = columns.map { columns in
            defer { next += columns.count(where: \.isMerged) }
            return StoredRow(columns, first: next)
        }
    }

    /// Merges a delta into the table. The delta is not changed, so a failed transaction can be written again.
    package func write(_ delta: SummaryDelta, _ connection: inout Connection) throws {
        try withOrder(of: delta) { order in
            var position = 0
            while position < order.entries.count {
                let end = min(order.entries.count, position + sizing.rows)
                try write(Array(order.entries[position..<end]), of: delta, order, &connection)
                position = end
            }
        }
    }

    /// Puts the groups of a delta in order, before the transaction begins that writes them: nobody waits for its locks
    /// meanwhile, nor does the server for what it is to do.
    func prepare(_ delta: SummaryDelta) {
        forgetPrepared()
        prepared = (delta, makeOrder(of: delta))
    }

    func forgetPrepared() {
        if let prepared { memory.draw(-prepared.order.memoryBytes, for: .rows) }
        prepared = nil
    }

    /// Calls `body` with the groups in order.
    func withOrder<Result>(of delta: SummaryDelta, _ body: (GroupOrder) throws -> Result) rethrows -> Result {
        if let prepared, prepared.delta === delta { return try body(prepared.order) }
        let order = makeOrder(of: delta)
        defer { memory.draw(-order.memoryBytes, for: .rows) }
        return try body(order)
    }

    private func makeOrder(of delta: SummaryDelta) -> GroupOrder {
        let order = memory.drawing(delta.groupCount * SinkLimits.orderBytesPerGroup, for: .rows) {
            GroupOrder(delta, window: window)
        }
        memory.draw(order.memoryBytes, for: .rows)
        return order
    }

    /// Writes groups in one statement of each kind.
    /// - Throws: `LostRows` when the database did less than it was told, `SinkError` naming table, row and column for what
    ///   is stored and cannot be added to, `PostgresError` naming the table.
    func write(
        _ groups: [GroupOrder.Entry], of delta: SummaryDelta, _ order: GroupOrder, _ connection: inout Connection
    ) throws {
        do {
            try writeOnce(groups, of: delta, order, &connection)
        } catch let error as PostgresError {
            throw error.about(table.name)
        }
    }

    private func writeOnce(
        _ groups: [GroupOrder.Entry], of delta: SummaryDelta, _ order: GroupOrder, _ connection: inout Connection
    ) throws {
        let keys = keyParameters(groups, delta, order)
        let stored = try memory.drawing(2 * keys.memoryBytes, for: .rows) {
            try connection.query(sql.select, keys.parameters)
        }
        let began = ContinuousClock.now
        let (fresh, known) = try split(groups, stored)
        var inserts = RowBuilders(table.columns)
        for group in fresh { try append(group, stored: nil, delta, order, to: &inserts) }
        var updates = RowBuilders(table.columns)
        for metric in self.stored { metric.open(stored) }
        defer { for metric in self.stored { metric.open(nil) } }
        for (group, row) in known { try append(group, stored: row, delta, order, to: &updates) }
        sizing.observe(
            rows: groups.count,
            bytes: keys.byteCount + stored.memoryBytes + inserts.byteCount + updates.byteCount, time: .now - began)
        // What is sent exists twice, here and in libpq's buffer.
        let held = stored.memoryBytes + 2 * (inserts.memoryBytes + updates.memoryBytes)
        let results = try memory.drawing(held, for: .rows) {
            try connection.pipeline { pipeline in
                if !fresh.isEmpty { pipeline.query(sql.insert, inserts.parameters) }
                if !known.isEmpty { pipeline.query(sql.update, updates.parameters) }
            }
        }
        if !fresh.isEmpty, let inserted = results.first {
            let found = try count(fresh, in: inserted, delta, order)
            try LostRows.check(found, of: fresh.count, .insert, table.name, table.place.quoted)
        }
        if !known.isEmpty {
            try LostRows.check(results.last?.affectedRows, of: known.count, .update, table.name, table.place.quoted)
        }
    }

    /// Which groups have a row already (with its number in `stored`), and which do not.
    private func split(
        _ groups: [GroupOrder.Entry], _ stored: QueryResult
    ) throws -> (fresh: [GroupOrder.Entry], known: [(group: GroupOrder.Entry, row: Int)]) {
        var fresh: [GroupOrder.Entry] = []
        var known: [(group: GroupOrder.Entry, row: Int)] = []
        var row = 0
        for (position, group) in groups.enumerated() {
            if row < stored.rowCount, try stored.int64(row, 0) == Int64(position + 1) {
                known.append((group, row))
                row += 1
            } else {
                fresh.append(group)
            }
        }
        return (fresh, known)
    }

    /// How many groups were inserted under their own keys: RETURNING answers in the order of insertion.
    private func count(
        _ groups: [GroupOrder.Entry], in inserted: QueryResult, _ delta: SummaryDelta, _ order: GroupOrder
    ) throws -> Int {
        var row = 0
        for group in groups where row < inserted.rowCount {
            let sameKey = unsafe inserted.withUnsafeBytes(row, 0) {
                unsafe $0.elementsEqual(order.key(of: group))
            }
            let window = delta.windowStart(of: group)
            let sameWindow = try window == nil || inserted.microsecondsSince1970(row, 1) == window
            let sameSize = try !table.hasWindowSize || inserted.text(row, 2) == size(of: delta.sets[Int(group.set)])
            if sameKey == true, sameWindow, sameSize { row += 1 }
        }
        return row
    }

    /// The parts of groups' keys, an array for each column of the table's primary key.
    func keyParameters(
        _ groups: [GroupOrder.Entry], _ delta: SummaryDelta, _ order: GroupOrder
    ) -> RowBuilders {
        var rows = RowBuilders(table.primaryKey)
        let start = table.hasWindowSize ? 1 : 0
        for group in groups {
            if table.hasWindowSize { rows.columns[0].append(size(of: delta.sets[Int(group.set)])) }
            if let window = delta.windowStart(of: group) { rows.columns[start].append(microsecondsSince1970: window) }
            unsafe order.key(of: group).withUnsafeBytes { unsafe rows.columns[rows.columns.count - 1].append($0) }
        }
        return rows
    }

    /// What the column `window_size` has for groups.
    private func size(of groups: SetGroups) -> String { plan.windows[groups.window].name }

    private func append(
        _ entry: GroupOrder.Entry, stored row: Int?, _ delta: SummaryDelta, _ order: GroupOrder,
        to rows: inout RowBuilders
    ) throws {
        let (groups, group) = (delta.sets[Int(entry.set)], Int(entry.group))
        var column = 0
        if table.hasWindowSize {
            rows.columns[column].append(size(of: groups))
            column += 1
        }
        if let window = groups.windowStart(ofGroup: group) {
            rows.columns[column].append(microsecondsSince1970: window)
            column += 1
        }
        if table.hasGroupingSets {
            rows.columns[column].append(groups.set.name)
            column += 1
        }
        for (index, key) in plan.keys.enumerated() {
            rows.columns[column].append(key, index, of: group, groups)
            column += 1
        }
        for (index, result) in results.enumerated() {
            let stored = row.map { self.stored[index].at($0) }
            do { try result.load(group, of: groups.states[index], merging: stored) } catch {
                throw refusal(of: error, groups, group)
            }
            rows.append(result, at: table.metrics[index].places, over: stored)
        }
        unsafe order.key(of: entry).withUnsafeBytes { unsafe rows.columns[rows.columns.count - 1].append($0) }
    }
}

extension SummaryWriter {
    /// What a person is told of a stored value that cannot be added to.
    private func refusal(of error: any Error, _ groups: SetGroups, _ group: Int) -> any Error {
        guard let error = error as? StoredValueError else { return error }
        let keys = SummaryJSON.keys(groups, group)
        let shown = keys.prefix(SinkLimits.shownKeyCharacters)
        return SinkError(
            code: .foreignValue,
            description: "table \(table.name), row \(shown)\(shown.endIndex < keys.endIndex ? "…" : ""), \(error); "
                + "correct the row, or restore it from a backup")
    }
}

extension SummaryDelta {
    /// The start of a group's window in microseconds since 1970, nil without windows.
    fileprivate func windowStart(of entry: GroupOrder.Entry) -> Int64? {
        sets[Int(entry.set)].windowStart(ofGroup: Int(entry.group))
    }
}

extension ArrayBuilder {
    /// Appends the value of a key, null outside the grouping set.
    fileprivate mutating func append(_ key: SummaryPlan.Key, _ index: Int, of group: Int, _ groups: SetGroups) {
        if key.type == .text {
            if let text = unsafe groups.keyText(index, ofGroup: group) { unsafe append(text) } else { appendNull() }
            return
        }
        guard let value = groups.keyInteger(index, ofGroup: group) else { return appendNull() }
        switch key.type {
        case .boolean: append(value != 0)
        case .decimal(let scale): append(Decimal128(unscaled: Int128(value), scale: scale))
        case .timestamp: append(microsecondsSince1970: value)
        default: append(value)
        }
    }
}
