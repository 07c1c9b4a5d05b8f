import Dataflow
import Postgres
import Summaries

/// Rows that the database refuses for what they hold.
extension PostgresTarget {
    /// Finds the groups whose rows the database refuses and adds them to the sets that the workers look at. Nothing is
    /// written: the epoch's records are read again, and those of refused groups become dead letters.
    /// - Throws: `error` when no single row is to blame, `SinkError` when so many are that they are no exceptions.
    func findRefusals(
        in epoch: ClosedEpoch, after error: PostgresError, _ connection: inout Connection
    ) throws -> CommitOutcome {
        try connection.execute("ROLLBACK")
        guard try begin(epoch, &connection) else { return try fenced(epoch, &connection) }
        // Constraints that are checked at COMMIT would blame nobody.
        try connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        var room = SinkLimits.refusedGroupsPerSearch
        var finds: [(refused: RefusedGroups, group: RefusedGroups.Group, fault: RecordFault, isOfContent: Bool)] = []
        var reports: [String] = []
        for table in tables where room > 0 {
            guard let delta = table.delta(in: epoch), let refused = refused[table.node] else { continue }
            let found = try RefusalSearch(writer: table.writer, delta: delta, cause: error).run(
                limit: room, &connection)
            let name = table.writer.table.name
            finds += found.map {
                (
                    refused, $0.group,
                    RecordFault(
                        "refused_row", node: table.sink, field: $0.error.constraint ?? $0.error.column,
                        found: $0.error.sqlState,
                        "the database refuses this row of \(name): \($0.error.rowRefusal)"),
                    $0.error.isOfContent
                )
            }
            room -= found.count
            guard let last = found.last else { continue }
            reports.append("\(found.count) row(s) of table \(name), the last with \(last.error.publicRowRefusal)")
        }
        try connection.execute("ROLLBACK")
        guard !finds.isEmpty else { throw error }
        refusedInARow += finds.count { !$0.isOfContent }
        let report = "the database refuses \(reports.joined(separator: "; "))"
        guard refusedInARow <= SinkLimits.refusedInARowMax else {
            throw SinkError(
                code: .refused,
                description: "postgres: \(report); more than \(SinkLimits.refusedInARowMax) rows in a row are no "
                    + "exceptions; change the constraint, trigger or column that refuses them")
        }
        // From here on the epoch must not be tried again: its groups hold the records that are to be left out.
        for find in finds { find.refused.insert(find.group, find.fault) }
        return .refused(reason: report + "; their records go to millrace.dead_letters")
    }
}
