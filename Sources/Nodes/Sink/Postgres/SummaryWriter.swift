import Dataflow
import Postgres

/// Writes one node's deltas into its table, inside a transaction that somebody else opens and commits.
///
/// Read, merge, write: the rows that exist are read under lock, merged with the delta here, and written back whole; the
/// others are inserted. Rows are locked in one order everywhere (`GroupOrder`), so that instances cannot deadlock.
final class SummaryWriter {
    let table: SummaryTable
    private let plan: SummaryPlan
    private let metrics: [any MetricWriter]
    private let sql: SummaryStatements
    private let keysMerged: [Int]
    private let memory: MemoryAccountant
    private var sizing = StatementSizing()

    init(plan: SummaryPlan, tableName: String, memory: MemoryAccountant) {
        self.plan = plan
        self.memory = memory
        metrics = plan.metrics.map { $0.makeWriter() }
        table = SummaryTable(name: tableName, plan: plan, writers: metrics)
        sql = SummaryStatements(table, merged: metrics.flatMap(\.mergedColumns))
        var next = 1
        keysMerged = metrics.map { metric in
            defer { next += metric.mergedColumns.count }
            return next
        }
    }

    /// Merges a delta into the table. The delta is not changed, so a failed transaction can be written again.
    func write(_ delta: SummaryDelta, _ connection: inout Connection) throws {
        let order = order(of: delta)
        defer { memory.draw(-order.memoryBytes, for: .rows) }
        var position = 0
        while position < order.entries.count {
            let end = min(order.entries.count, position + sizing.rows)
            try write(Array(order.entries[position..<end]), of: delta, order, &connection)
            position = end
        }
    }

    /// The groups in order; whoever asks gives the order's memory back.
    private func order(of delta: SummaryDelta) -> GroupOrder {
        let order = memory.drawing(delta.groupCount * SinkLimits.orderBytesPerGroup, for: .rows) { GroupOrder(delta) }
        memory.draw(order.memoryBytes, for: .rows)
        return order
    }

    /// Finds groups of a delta whose rows the database refuses for what they hold, by halving; what it takes beside one
    /// ordinary write is some ten statements for each group found. The connection is in a transaction that is rolled
    /// back afterwards.
    /// - Parameter cause: what made it fail; the same error is one of a row here, whatever its name.
    /// - Returns: at most `limit` groups with what the database says about each.
    func findRefusals(
        in delta: SummaryDelta, after cause: PostgresError, limit: Int, _ connection: inout Connection
    ) throws -> [(group: RefusedGroups.Group, error: PostgresError)] {
        let order = order(of: delta)
        defer { memory.draw(-order.memoryBytes, for: .rows) }
        var pending = Array(parts(of: order).reversed())
        var found: [(group: RefusedGroups.Group, error: PostgresError)] = []
        while found.count < limit, let part = pending.popLast() {
            do {
                try connection.execute("SAVEPOINT part")
                try write(Array(part), of: delta, order, &connection)
                try connection.execute("RELEASE SAVEPOINT part")
            } catch let error as PostgresError
            where !error.isConnectionLost && (error.isRowRefusal || error.sqlState == cause.sqlState) {
                try connection.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
                if part.count == 1, let entry = part.first {
                    let groups = delta.sets[Int(entry.set)]
                    found.append((GroupOrder.identity(of: Int(entry.group), in: groups, as: groups.set), error))
                } else {
                    let middle = part.startIndex + part.count / 2
                    pending += [part[middle...], part[..<middle]]
                }
            }
        }
        return found
    }

    /// The groups in order, one part per statement.
    private func parts(of order: GroupOrder) -> [ArraySlice<GroupOrder.Entry>] {
        stride(from: 0, to: order.entries.count, by: sizing.rows).map { start in
            order.entries[start..<min(order.entries.count, start + sizing.rows)]
        }
    }

    private func write(
        _ groups: [GroupOrder.Entry], of delta: SummaryDelta, _ order: GroupOrder, _ connection: inout Connection
    ) throws {
        var pending = groups
        for attempt in 0... {
            guard attempt < SinkLimits.insertRacesMax else {
                throw SinkError(
                    code: .refused,
                    description: "postgres: rows of \(table.name) vanish while they are written; "
                        + "something deletes from the table while Millrace runs")
            }
            let keys = keyParameters(pending, delta, order)
            let stored = try memory.drawing(2 * keys.memoryBytes, for: .rows) {
                try connection.query(sql.select, keys.parameters)
            }
            let (fresh, known) = try split(pending, stored)
            var inserts = RowBuilders(table.columns)
            for group in fresh { try append(group, stored: nil, delta, order, to: &inserts) }
            var updates = RowBuilders(table.columns)
            for (group, row) in known { try append(group, stored: (stored, row), delta, order, to: &updates) }
            sizing.observe(
                rows: pending.count,
                bytes: keys.byteCount + stored.memoryBytes + inserts.byteCount + updates.byteCount)
            // What is sent exists twice, here and in libpq's buffer.
            let held = stored.memoryBytes + 2 * (inserts.memoryBytes + updates.memoryBytes)
            let results = try memory.drawing(held, for: .rows) {
                try connection.pipeline { pipeline in
                    if !fresh.isEmpty { pipeline.query(sql.insert, inserts.parameters) }
                    if !known.isEmpty { pipeline.query(sql.update, updates.parameters) }
                }
            }
            guard !fresh.isEmpty, let inserted = results.first, inserted.rowCount < fresh.count else { return }
            // Another instance created some of the keys at the same moment; they are there now, so merge into them.
            pending = missing(fresh, in: inserted, delta, order)
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

    /// The groups whose insert did nothing: RETURNING answers in insertion order.
    private func missing(
        _ groups: [GroupOrder.Entry], in inserted: QueryResult, _ delta: SummaryDelta, _ order: GroupOrder
    ) -> [GroupOrder.Entry] {
        var row = 0
        return groups.filter { group in
            guard row < inserted.rowCount else { return true }
            let sameKey = unsafe inserted.withUnsafeBytes(row, 0) {
                unsafe $0.elementsEqual(order.key(of: group))
            }
            let window = delta.windowStart(of: group)
            let sameWindow = window == nil || (try? inserted.microsecondsSince1970(row, 1)) == window
            if sameKey == true, sameWindow {
                row += 1
                return false
            }
            return true
        }
    }

    private func keyParameters(
        _ groups: [GroupOrder.Entry], _ delta: SummaryDelta, _ order: GroupOrder
    ) -> RowBuilders {
        var rows = RowBuilders(table.primaryKey)
        for group in groups {
            if let window = delta.windowStart(of: group) { rows.columns[0].append(microsecondsSince1970: window) }
            unsafe order.key(of: group).withUnsafeBytes { unsafe rows.columns[rows.columns.count - 1].append($0) }
        }
        return rows
    }

    private func append(
        _ entry: GroupOrder.Entry, stored: (result: QueryResult, row: Int)?, _ delta: SummaryDelta,
        _ order: GroupOrder, to rows: inout RowBuilders
    ) throws {
        let (groups, group) = (delta.sets[Int(entry.set)], Int(entry.group))
        var column = 0
        if let window = groups.windowStart(ofGroup: group) {
            rows.columns[0].append(microsecondsSince1970: window)
            column = 1
        }
        if table.hasGroupingSets {
            rows.columns[column].append(groups.set.name)
            column += 1
        }
        for (index, key) in plan.keys.enumerated() {
            rows.columns[column].append(key, index, of: group, groups)
            column += 1
        }
        var state = column + table.plain.count
        for (index, metric) in metrics.enumerated() {
            let row = stored.map { StoredRow(result: $0.result, row: $0.row, column: keysMerged[index]) }
            try metric.append(
                groups.states[index], group: group, stored: row, to: &rows.columns, plain: column, state: state)
            column += metric.plainColumns.count
            state += metric.stateColumns.count
        }
        unsafe order.key(of: entry).withUnsafeBytes { unsafe rows.columns[rows.columns.count - 1].append($0) }
    }
}

extension SummaryDelta {
    /// The start of a group's window in microseconds since 1970, nil without windows.
    fileprivate func windowStart(of entry: GroupOrder.Entry) -> Int64? {
        sets[Int(entry.set)].windowStart(ofGroup: Int(entry.group))
    }
}

/// One array per column of some rows.
struct RowBuilders {
    var columns: [ArrayBuilder]

    init(_ elements: [ArrayBuilder.Element]) { columns = elements.map { ArrayBuilder($0) } }

    init(_ columns: [TableColumn]) { self.init(columns.map(\.kind.element)) }

    /// Bytes on the wire.
    var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }

    /// Bytes allocated.
    var memoryBytes: Int { columns.reduce(0) { $0 + $1.memoryBytes } }

    /// The arrays as statement parameters.
    var parameters: [Parameter] { columns.map { .array($0) } }
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
