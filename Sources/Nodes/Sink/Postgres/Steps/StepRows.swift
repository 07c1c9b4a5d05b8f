import Dataflow
import Postgres
import Summaries

/// Counts the commits that change rows of a table which has a step after them, and notes the keys of these rows, in the
/// transaction of the commit: so no crash between commit and step makes anybody forget what is to be done.
///
/// Commits into one table take turns (`CommitTicket`), so their numbers rise in the order of the commits.
final class StepRows: EpochSink {
    private let topology: String
    private let table: TableRows
    private let keepsKeys: Bool
    private let memory: MemoryAccountant
    private let onCommit: (Int64) -> Void
    /// The number of the commit that is being written.
    private var number: Int64?

    /// - Parameters:
    ///   - keepsKeys: whether the program gets rows.
    ///   - onCommit: is told the number of each commit that is in the database.
    init(
        topology: String, _ table: TableRows, keepsKeys: Bool, memory: MemoryAccountant,
        onCommit: @escaping (Int64) -> Void
    ) {
        self.topology = topology
        self.table = table
        self.keepsKeys = keepsKeys
        self.memory = memory
        self.onCommit = onCommit
    }

    func write(_ epoch: ClosedEpoch, _ connection: inout Connection) throws {
        number = nil
        guard let delta = table.delta(in: epoch) else { return }
        try table.writer.withOrder(of: delta) { order in
            guard !order.entries.isEmpty else { return }
            do { try write(delta, order, &connection) } catch let error as PostgresError {
                throw error.about(BookkeepingSchema.stepTable)
            }
        }
    }

    private func write(_ delta: SummaryDelta, _ order: GroupOrder, _ connection: inout Connection) throws {
        let place = table.writer.table.place
        let name: [Parameter] = [.text(topology), .text(place.schema), .text(place.name)]
        let count = order.entries.count
        let kept = keepsKeys && count <= StepLimits.keysMax ? Int64(count) : -1
        let counted = try connection.query(Self.count, name + [.int64(kept), .int64(Int64(StepLimits.keysMax))])
        guard let number = try counted.int64(0, 0) else {
            throw PostgresError(.protocolViolation, "a commit was counted and has no number")
        }
        self.number = number
        guard try counted.bool(0, 1) == true else { return }
        for start in stride(from: 0, to: count, by: StepLimits.keysPerPart) {
            let part = order.entries[start..<min(count, start + StepLimits.keysPerPart)]
            let keys = table.writer.keyParameters(Array(part), delta, order)
            var columns = keys.parameters
            let key = columns.removeLast()
            let sizes = table.writer.table.hasWindowSize ? columns.removeFirst() : .null
            let starts = columns.isEmpty ? .null : columns.removeFirst()
            let parameters = name + [.int64(number), .int64(Int64(part.count)), sizes, starts, key]
            _ = try memory.drawing(2 * keys.memoryBytes, for: .rows) { try connection.query(Self.keep, parameters) }
        }
    }

    func committed(_ epoch: ClosedEpoch) {
        if let number { onCommit(number) }
        number = nil
    }

    /// $4 keys are to be kept, -1 for none; not more than $5 for a table. Answers the commit's number, and whether its keys
    /// are kept.
    private static let count = """
        INSERT INTO millrace.steps AS s (topology, table_schema, table_name, commits, keys, unknown_at)
        VALUES ($1, $2, $3, 1, greatest($4, 0), CASE WHEN $4 < 0 THEN 1 ELSE 0 END)
        ON CONFLICT (topology, table_schema, table_name) DO UPDATE SET commits = s.commits + 1,
            keys = CASE WHEN $4 < 0 OR s.keys + $4 > $5 THEN s.keys ELSE s.keys + $4 END,
            unknown_at = CASE WHEN $4 < 0 OR s.keys + $4 > $5 THEN s.commits + 1 ELSE s.unknown_at END
        RETURNING commits, unknown_at <> commits
        """

    private static let keep = """
        INSERT INTO millrace.step_rows
            (topology, table_schema, table_name, commit, keys, window_sizes, window_starts, group_keys)
        VALUES ($1, $2, $3, $4, $5, $6::text[], $7::timestamptz[], $8::bytea[])
        """
}
