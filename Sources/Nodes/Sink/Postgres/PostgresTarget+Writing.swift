import Dataflow
import Postgres

/// The transaction of an epoch: tickets, fence, tables, letters.
extension PostgresTarget {
    /// Rows that came into being while they were written are there at the next try. That somebody swallows them instead
    /// never passes. A partition that somebody has dropped is made again.
    func writeAgainstRaces(_ epoch: ClosedEpoch, _ connection: inout Connection) throws -> CommitOutcome {
        for _ in 1..<SinkLimits.insertRacesMax {
            do {
                return try write(epoch, &connection)
            } catch let error as LostRows where error.action == .insert && error.quoted != DeadLetterRows.table {
                try connection.execute("ROLLBACK")
            } catch let error as PostgresError where error.sqlState == "23514" && error.constraint == nil {
                // Only the lack of a partition violates a check that has no name.
                guard tables.contains(where: { $0.partitions != nil }) else { throw error }
                try connection.execute("ROLLBACK")
                for table in tables { table.partitions?.forget() }
            }
        }
        return try write(epoch, &connection)
    }

    private func write(_ epoch: ClosedEpoch, _ connection: inout Connection) throws -> CommitOutcome {
        guard try begin(epoch, &connection) else { return try fenced(epoch, &connection) }
        for sink in epochSinks { try sink.write(epoch, &connection) }
        if replay?.desk.isRehearsal == true {
            // Constraints that are checked at COMMIT are asked too; then it is all taken back.
            try connection.execute("SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK")
            return .committed
        }
        try connection.commit()
        return .committed
    }

    /// Opens the transaction of an epoch with the tickets of its tables and the fence, or goes on in the one that holds the
    /// tickets. False, and no transaction, when a partition is no longer ours.
    func begin(_ epoch: ClosedEpoch, _ connection: inout Connection) throws -> Bool {
        // A transaction of tickets may have ended with its connection, or by the server's patience.
        let isOpen = hasTickets && connection.transactionStatus == .inTransaction
        hasTickets = false
        var statements: [(sql: String, parameters: [Parameter])] = []
        let written = tables.filter { epoch.deltas[$0.node] != nil }.map(\.writer.table.place.quoted)
        if !isOpen, !written.isEmpty { statements.append((CommitTicket.sql, [.array(Self.names(written))])) }
        let fence = statements.count
        statements.append(replay?.fence ?? rows.advanceStatement(epoch.advances))
        if !written.isEmpty { statements.append((TableWatch.sql, [.array(Self.names(written))])) }
        for place in unmarked.filter({ epoch.deltas[$0.key] != nil }).flatMap(\.value) {
            statements.append((Self.mark, [.text(rows.topology), .text(place.schema), .text(place.name)]))
        }
        let asked = ContinuousClock.now
        let answers: [QueryResult]
        do throws(PostgresError) {
            answers =
                if isOpen {
                    try connection.pipeline { for one in statements { $0.query(one.sql, one.parameters) } }
                } else {
                    try connection.begin(.commit) { for one in statements { $0.query(one.sql, one.parameters) } }
                }
        } catch {
            throw error.statementIndex == fence ? error.about(PartitionRows.table) : error
        }
        if !isOpen { noteWait(since: asked) }
        let fenced = replay == nil ? epoch.advances.count : 1
        guard answers.dropFirst(fence).first?.affectedRows == fenced else {
            try connection.execute("ROLLBACK")
            return false
        }
        if !written.isEmpty {
            try tableWatch.compare(answers[fence + 1], unwritten: unmarked.values.flatMap(\.self), &connection)
            for table in tables { try table.ensurePartitions(for: epoch, &connection) }
        }
        return true
    }

    static func names(_ tables: [String]) -> ArrayBuilder {
        var names = ArrayBuilder(.text)
        for table in tables { names.append(table) }
        return names
    }

    /// A table that has had rows and is empty was emptied by somebody; the first commit that writes some says so.
    private static let mark = """
        UPDATE millrace.tables SET has_rows = true WHERE topology = $1 AND table_schema = $2 AND table_name = $3
        """

    /// Why the fence refused.
    /// - Throws: `SinkError` when the partitions are as they should be, so that nothing but the database's own doing can
    ///   have kept them from moving.
    func fenced(_ epoch: ClosedEpoch, _ connection: inout Connection) throws -> CommitOutcome {
        switch try verdict(on: epoch, &connection) {
        case .fenced(let reason): return .fenced(reason: reason)
        case .committed: return .fenced(reason: "the positions were moved by someone else")
        case .notCommitted:
            try connection.begin(.positions)
            throw try LostRows(
                table: PartitionRows.table, quoted: PartitionRows.table, action: .update,
                expected: epoch.advances.count, found: 0
            ).explained(&connection)
        }
    }
}
