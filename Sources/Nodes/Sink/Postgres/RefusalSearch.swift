import Dataflow
import Postgres
import Summaries

/// Finds the groups of a delta whose rows the database refuses for what they hold, by halving; what it takes beside one
/// ordinary write is some ten statements for each group found.
///
/// The connection is in a transaction that is rolled back afterwards.
struct RefusalSearch {
    /// A group that is refused, and what the database says about it.
    typealias Find = (group: RefusedGroups.Group, error: PostgresError)

    let writer: SummaryWriter
    let delta: SummaryDelta
    /// What made the whole delta fail.
    let cause: PostgresError

    /// - Returns: at most `limit` groups.
    /// - Throws: `PostgresError` that blames no row, `LostRows`, `SinkError`.
    func run(limit: Int, _ connection: inout Connection) throws -> [Find] {
        try writer.withOrder(of: delta) { order in try run(limit: limit, order, &connection) }
    }

    private func run(limit: Int, _ order: GroupOrder, _ connection: inout Connection) throws -> [Find] {
        var pending = Array(parts(of: order).reversed())
        var found: [Find] = []
        while found.count < limit, let part = pending.popLast() {
            guard let error = try attempt(part, order, &connection) else { continue }
            if part.count > 1 {
                let middle = part.startIndex + part.count / 2
                pending += [part[middle...], part[..<middle]]
            } else if let entry = part.first, let error = try confirmed(error, part, order, &connection) {
                let groups = delta.sets[Int(entry.set)]
                found.append((GroupOrder.identity(of: Int(entry.group), in: groups, as: groups.set), error))
            }
        }
        return found
    }

    /// The groups in order, one part per statement.
    private func parts(of order: GroupOrder) -> [ArraySlice<GroupOrder.Entry>] {
        let rows = writer.sizing.rows
        return stride(from: 0, to: order.entries.count, by: rows).map { start in
            order.entries[start..<min(order.entries.count, start + rows)]
        }
    }

    /// Writes some groups, and takes it back when the database refuses them.
    /// - Returns: why it refuses them; nil when it takes them.
    private func attempt(
        _ part: ArraySlice<GroupOrder.Entry>, _ order: GroupOrder, _ connection: inout Connection
    ) throws -> PostgresError? {
        do {
            try connection.execute("SAVEPOINT part")
            try writer.write(Array(part), of: delta, order, &connection)
            try connection.execute("RELEASE SAVEPOINT part")
            return nil
        } catch let error as PostgresError where blames(error) {
            try connection.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
            return error
        }
    }

    /// An error that passes by its name is a row's only if the row alone fails with it every time.
    private func confirmed(
        _ error: PostgresError, _ part: ArraySlice<GroupOrder.Entry>, _ order: GroupOrder,
        _ connection: inout Connection
    ) throws -> PostgresError? {
        var last = error
        guard error.isRetryable else { return last }
        for _ in 1..<SinkLimits.blameTries {
            guard let again = try attempt(part, order, &connection) else { return nil }
            last = again
        }
        return last
    }

    private func blames(_ error: PostgresError) -> Bool {
        guard error.kind == .server, !error.isConnectionLost else { return false }
        return error.isRowRefusal || (error.isRaised && !error.isRetryable) || error.sqlState == cause.sqlState
    }
}
