import Dataflow
import Postgres

/// The replay of a topology in the database: its row in `millrace.replays`, and the letters that it is about. All statements
/// run inside the caller's transaction, but for those of the shelf.
final class ReplayBook {
    static let table = "millrace.replays"

    let topology: String
    let desk: ReplayDesk
    /// The replay's number; 0 while nothing is to be changed, and before it begins.
    private(set) var number: Int64 = 0
    /// Commits that are known to be in the database.
    private(set) var commits: Int64 = 0
    /// The newest letter there was at the start.
    private(set) var lastID: Int64 = 0

    init(topology: String, desk: ReplayDesk) {
        self.topology = topology
        self.desk = desk
    }

    // MARK: - Beginning and end

    /// Makes a row for the replay. Any number may go on at once: a letter is booked by whoever comes first.
    func begin(as instance: String, _ connection: inout Connection) throws {
        lastID =
            try connection.query(
                "SELECT coalesce(max(id), 0)::bigint FROM millrace.dead_letters WHERE topology = $1", [.text(topology)]
            ).int64(0, 0) ?? 0
        if desk.isRehearsal { return }
        try connection.query(
            "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('millrace replays ' || $1, 0))",
            [.text(topology)])
        number =
            try connection.query(
                """
                INSERT INTO millrace.replays (topology, number, instance, choice)
                SELECT $1, coalesce(max(number), 0) + 1, $2, $3 FROM millrace.replays WHERE topology = $1
                RETURNING number
                """, [.text(topology), .text(instance), .text(desk.choice.text)]
            ).int64(0, 0) ?? 0
    }

    /// Says that the replay is over.
    func end(_ connection: inout Connection) throws(PostgresError) {
        guard number > 0 else { return }
        try connection.query(
            "UPDATE millrace.replays SET ended_at = now() WHERE topology = $1 AND number = $2",
            [.text(topology), .int64(number)])
    }

    // MARK: - The fence

    /// Moves the replay on by one commit; changes one row, or none when that has happened already.
    var fence: (sql: String, parameters: [Parameter]) {
        guard !desk.isRehearsal else { return ("SELECT 1", []) }
        return (
            "UPDATE millrace.replays SET commits = commits + 1 WHERE topology = $1 AND number = $2 AND commits = $3",
            [.text(topology), .int64(number), .int64(commits)]
        )
    }

    /// Whether a commit whose answer was lost has happened; waits for one that is still deciding.
    /// - Throws: `SinkError` when the database was restored.
    func verdict(_ connection: inout Connection) throws -> CommitVerdict {
        guard !desk.isRehearsal else { return .notCommitted }
        let found = try connection.query(
            "SELECT commits FROM millrace.replays WHERE topology = $1 AND number = $2 FOR UPDATE",
            [.text(topology), .int64(number)])
        switch found.rowCount == 1 ? try found.int64(0, 0) : nil {
        case commits: return .notCommitted
        case commits + 1: return .committed
        default:
            throw SinkError(
                code: .replaced,
                description:
                    "topology \(topology): the row of this replay in \(Self.table) is not as it left it, so the database was "
                    + "restored to an earlier state, or nodes of the topology were renamed; what the database holds fits "
                    + "together; replay again")
        }
    }

    /// The commit that was fenced last is in the database.
    func committed() { commits += 1 }

    // MARK: - Letters

    private static let condition = """
        topology = $1 AND ($2::text IS NULL OR cause = $2) AND ($3::text IS NULL OR node = $3)
            AND ($4::text IS NULL OR field = $4) AND (cardinality($5::bigint[]) = 0 OR id = ANY ($5)) AND id <= $6
        """

    private var parameters: [Parameter] {
        func text(_ value: String?) -> Parameter { value.map { .text($0) } ?? .null }
        let choice = desk.choice
        var numbers = ArrayBuilder(.int8)
        for id in choice.ids { numbers.append(id) }
        return [
            .text(topology), text(choice.cause), text(choice.node), text(choice.field), .array(numbers), .int64(lastID),
        ]
    }

    func partitions(_ connection: inout Connection) throws -> [(key: PartitionKey, count: Int64)] {
        let found = try connection.query(
            """
            SELECT topic, partition, count(*) FROM millrace.dead_letters WHERE \(Self.condition)
            GROUP BY topic, partition ORDER BY topic, partition
            """, parameters)
        return try (0..<found.rowCount).map { row in
            (
                PartitionKey(topic: try found.text(row, 0) ?? "", partition: try found.int32(row, 1) ?? 0),
                try found.int64(row, 2) ?? 0
            )
        }
    }

    /// The next letters of a partition: some, and all of the last one's offset.
    func letters(
        of key: PartitionKey, from offset: Int64, _ connection: inout Connection
    ) throws -> [ReplayLetter] {
        let place = [.text(key.topic), .int32(key.partition), .int64(offset)] as [Parameter]
        let found = try connection.query(
            """
            SELECT id, "offset", line, payload, cause, node, counted, refused_by, clock_time, element
            FROM millrace.dead_letters
            WHERE \(Self.condition) AND topic = $7 AND partition = $8 AND "offset" >= $9
            ORDER BY "offset" FETCH FIRST \(SourceLimits.replayLetters) ROWS WITH TIES
            """, parameters + place)
        return try (0..<found.rowCount).map { row in try letter(found, row) }
    }

    private func letter(_ found: QueryResult, _ row: Int) throws -> ReplayLetter {
        let (counted, refusedBy) = (try found.text(row, 6), try found.text(row, 7))
        let refusers = refusedBy.map { $0.split(separator: "\n").map(String.init) }
        // A letter that says what it counts as says who has refused it, too: none, where it could not be read.
        let isWhole = counted != nil && refusers == nil
        let lacking: (bits: UInt64, obstacle: String?) =
            isWhole ? (desk.scope.all, nil) : desk.scope.lacking(node: try found.text(row, 5), refusers: refusers)
        let isLate = ["too_late", "too_early"].contains(try found.text(row, 4))
        return ReplayLetter(
            id: try found.int64(row, 0) ?? 0,
            place: ReplayPlace(
                offset: try found.int64(row, 1) ?? 0, line: try found.int32(row, 2) ?? 0,
                element: try found.text(row, 9), payload: try found.bytes(row, 3) ?? []),
            counted: counted, refusedBy: refusedBy,
            isDead: counted.map { $0 == "dead" } ?? !isLate, clock: try found.int64(row, 8), lacking: lacking.bits,
            obstacle: lacking.obstacle)
    }
}
