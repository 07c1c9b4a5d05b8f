import Dataflow
import Postgres

/// What a program that runs after commits is to do.
struct StepOrder: Equatable {
    /// What it gets to know of the rows that have changed.
    enum Rows: String {
        /// All of them, as they are now.
        case changed
        /// Any row may have changed: their keys were too many to keep, or the table was exchanged.
        case unknown
        /// Nothing, since nothing is wanted.
        case none
    }

    /// The first and the last commit that it is about.
    var first: Int64
    var last: Int64
    /// How often it has been begun for them, this time included.
    var attempt: Int64
    var rows: Rows
    /// The positions of the topology when it was begun first, as JSON.
    var positions: String
}

/// Keys of rows that have changed: as many of each as the parts of a key that the table has.
struct StepKeys {
    var count: Int
    var parameters: [Parameter]
}

/// What the database knows of the step of one table. All statements run inside of the caller's transaction.
///
/// `millrace.steps` counts commits and is written by them; `millrace.step_runs` has what was begun and what is done and is
/// written by whoever runs the program, so that neither waits for the other.
struct StepBook {
    /// What there is to do.
    enum Claim: Equatable {
        case nothing
        /// Another instance is at it.
        case taken
        case order(StepOrder)
    }

    let topology: String
    let table: SummaryTable
    /// Names this instance.
    let runner: String
    let sendsRows: Bool

    private var name: [Parameter] { [.text(topology), .text(table.place.schema), .text(table.place.name)] }

    /// Takes what there is to do, and writes down that it is begun: if it is not done, the same is begun again.
    func claim(_ connection: inout Connection) throws(PostgresError) -> Claim {
        let state = try connection.query(Self.state, name)
        guard state.rowCount == 1, let commits = try state.int64(0, 0), let unknownAt = try state.int64(0, 1),
            let doneBefore = try state.int64(0, 2), commits > doneBefore
        else { return .nothing }
        let silence = Parameter.double(StepLimits.silence / .seconds(1))
        let taken = try connection.query(Self.take, name + [.text(runner), silence])
        guard taken.rowCount == 1, let begun = try taken.int64(0, 0), let done = try taken.int64(0, 1) else {
            return .taken
        }
        guard commits > done else {
            try release(&connection)
            return .nothing
        }
        let last = begun > done ? begun : commits
        let order = try connection.query(Self.begin, name + [.int64(last)])
        return .order(
            StepOrder(
                first: done + 1, last: last, attempt: try order.int64(0, 0) ?? 1,
                rows: !sendsRows ? .none : unknownAt > done ? .unknown : .changed,
                positions: try order.text(0, 1) ?? "{}"))
    }

    /// Says that it is still at work.
    /// - Returns: false when another instance has taken it over.
    func sign(_ connection: inout Connection) throws(PostgresError) -> Bool {
        try connection.query(
            "UPDATE millrace.step_runs SET seen_at = clock_timestamp() WHERE \(Self.key) AND runner = $4",
            name + [.text(runner)]
        ).affectedRows == 1
    }

    /// Writes down that it is done.
    func finish(_ order: StepOrder, _ connection: inout Connection) throws(PostgresError) {
        try connection.query(
            """
            UPDATE millrace.step_runs SET done = $5, runner = NULL, runs = runs + 1, failure = NULL, done_at = now()
            WHERE \(Self.key) AND runner = $4 AND done < $5
            """, name + [.text(runner), .int64(order.last)])
        try connection.query(
            """
            WITH gone AS (DELETE FROM millrace.step_rows WHERE \(Self.key) AND commit <= $4 RETURNING keys)
            UPDATE millrace.steps SET keys = greatest(0, keys - (SELECT coalesce(sum(g.keys), 0) FROM gone g))
            WHERE \(Self.key)
            """, name + [.int64(order.last)])
    }

    /// Writes down that it is not.
    func fail(_ reason: String, _ connection: inout Connection) throws(PostgresError) {
        try connection.query(
            """
            UPDATE millrace.step_runs SET failures = failures + 1, failure = $5, failed_at = now(), seen_at = clock_timestamp()
            WHERE \(Self.key) AND runner = $4
            """, name + [.text(runner), .text(reason)])
    }

    /// Leaves it to whoever looks next.
    func release(_ connection: inout Connection) throws(PostgresError) {
        try connection.query(
            "UPDATE millrace.step_runs SET runner = NULL WHERE \(Self.key) AND runner = $4", name + [.text(runner)])
    }

    /// Tables that had a step and have none any more: what was to be done is not to be done when they get one again.
    static func forgetOthers(
        than places: [TablePlace], of topology: String, _ connection: inout Connection
    ) throws(PostgresError) {
        // A role that has no step, and no right to look, never had one.
        let mayLook = try connection.query(
            "SELECT 1 WHERE has_table_privilege('\(BookkeepingSchema.stepTable)', 'SELECT')")
        guard !places.isEmpty || mayLook.rowCount > 0 else { return }
        let known = try connection.query("SELECT 1 FROM millrace.steps WHERE topology = $1", [.text(topology)])
        guard known.rowCount > 0 else { return }
        var (schemas, names) = (ArrayBuilder(.text), ArrayBuilder(.text))
        for place in places {
            schemas.append(place.schema)
            names.append(place.name)
        }
        let parameters: [Parameter] = [.text(topology), .array(schemas), .array(names)]
        try connection.query(
            """
            INSERT INTO millrace.step_runs (topology, table_schema, table_name, begun, done, seen_at)
            SELECT topology, table_schema, table_name, commits, commits, now() FROM millrace.steps s WHERE \(others)
            ON CONFLICT (topology, table_schema, table_name)
                DO UPDATE SET begun = EXCLUDED.begun, done = EXCLUDED.done, runner = NULL
            """, parameters)
        try connection.query("UPDATE millrace.steps SET keys = 0 WHERE \(others)", parameters)
        try connection.query("DELETE FROM millrace.step_rows WHERE \(others)", parameters)
    }

    private static let others = """
        topology = $1 AND (table_schema, table_name) NOT IN (SELECT * FROM unnest($2::text[], $3::text[]))
        """

    // MARK: - Rows

    /// The keys of the rows that have changed, each once, in the order of windows and keys.
    func keys(of order: StepOrder, _ connection: inout Connection) throws(PostgresError) -> [StepKeys] {
        guard order.rows == .changed else { return [] }
        let found = try connection.query(Self.keys, name + [.int64(order.first), .int64(order.last)])
        var parts: [StepKeys] = []
        for start in stride(from: 0, to: found.rowCount, by: StepLimits.keysPerPart) {
            let end = min(found.rowCount, start + StepLimits.keysPerPart)
            var (sizes, starts, keys) = (ArrayBuilder(.text), ArrayBuilder(.timestamptz), ArrayBuilder(.bytea))
            for row in start..<end {
                if table.hasWindowSize { sizes.append(try found.text(row, 0) ?? "") }
                if table.hasWindow {
                    starts.append(microsecondsSince1970: try found.microsecondsSince1970(row, 1) ?? 0)
                }
                keys.append(try found.bytes(row, 2) ?? [])
            }
            let columns = (table.hasWindowSize ? [sizes] : []) + (table.hasWindow ? [starts] : []) + [keys]
            parts.append(StepKeys(count: end - start, parameters: columns.map { .array($0) }))
        }
        return parts
    }

    /// The rows of some keys as they are now, a line of JSON each; a row that is gone has none.
    func lines(of keys: StepKeys, _ connection: inout Connection) throws(PostgresError) -> [UInt8] {
        try connection.execute("SET LOCAL TIME ZONE 'UTC'")
        let found = try connection.query(rowsQuery, keys.parameters)
        var lines: [UInt8] = []
        for row in 0..<found.rowCount {
            lines += (try found.text(row, 0) ?? "").utf8
            lines.append(UInt8(ascii: "\n"))
        }
        return lines
    }

    private var rowsQuery: String {
        let key = table.primaryKey
        let arrays = key.enumerated().map { "$\($0.offset + 1)::\($0.element.kind.rawValue)[]" }
        let names = key.indices.map { "k\($0)" }
        let equal = key.enumerated().map { "t.\($0.element.quoted) = k.k\($0.offset)" }
        let shown = table.shownNames.map { "t.\(SQLName.quote($0))" }
        return """
            SELECT row_to_json(x.*)::text
            FROM unnest(\(arrays.joined(separator: ", "))) WITH ORDINALITY AS k(\(names.joined(separator: ", ")), place)
            JOIN \(table.place.quoted) t ON \(equal.joined(separator: " AND "))
            CROSS JOIN LATERAL (SELECT \(shown.joined(separator: ", "))) x ORDER BY k.place
            """
    }

    private static let key = "topology = $1 AND table_schema = $2 AND table_name = $3"

    private static let state = """
        SELECT s.commits, s.unknown_at, coalesce(r.done, 0)
        FROM millrace.steps s LEFT JOIN millrace.step_runs r USING (topology, table_schema, table_name)
        WHERE s.topology = $1 AND s.table_schema = $2 AND s.table_name = $3
        """

    private static let take = """
        INSERT INTO millrace.step_runs AS r (topology, table_schema, table_name, runner, seen_at)
        VALUES ($1, $2, $3, $4, clock_timestamp())
        ON CONFLICT (topology, table_schema, table_name)
            DO UPDATE SET runner = EXCLUDED.runner, seen_at = EXCLUDED.seen_at
            WHERE r.runner IS NULL OR r.runner = EXCLUDED.runner OR r.seen_at < clock_timestamp() - make_interval(secs => $5)
        RETURNING begun, done
        """

    private static let begin = """
        UPDATE millrace.step_runs SET begun = $4, tries = CASE WHEN begun = $4 THEN tries + 1 ELSE 1 END,
            positions = CASE WHEN begun = $4 THEN positions ELSE (
                SELECT coalesce(jsonb_object_agg(p.topic || '/' || p.partition, p.next_offset), '{}')::text
                FROM millrace.partitions p WHERE p.topology = $1 AND p.next_offset IS NOT NULL) END
        WHERE \(key) RETURNING tries, positions
        """

    private static let keys = """
        SELECT DISTINCT k.size COLLATE "C" AS size, k.start, k.key
        FROM millrace.step_rows r, unnest(r.window_sizes, r.window_starts, r.group_keys) AS k(size, start, key)
        WHERE \(key) AND commit BETWEEN $4 AND $5 ORDER BY 1, 2, 3
        """
}
