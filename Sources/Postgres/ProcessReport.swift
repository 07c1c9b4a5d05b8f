/// What a server says about one of its processes: whether it works, and what it waits for.
public struct ProcessReport: Sendable, Equatable {
    /// Somebody whose lock another process waits for.
    public struct Holder: Sendable, Equatable {
        /// Its process; `id` 0 is a prepared transaction, which has none.
        public var process: ServerProcess
        /// Its `application_name`.
        public var application: String
        /// Such as `idle in transaction`; nil when the role may not see it.
        public var state: String?
        /// Whole seconds since it began to do nothing in its transaction but wait for its client; nil when it works, or
        /// waits for something else.
        public var clientSilentSeconds: Int64?
        /// Whether it belongs to the role that asks.
        public var isSameRole = false
        /// Whether it holds a lock on a table of a schema `millrace`.
        public var isMillrace = false
    }

    /// False when there is no such process (any more).
    public var exists = false
    /// Such as `active`, `idle`, `idle in transaction`.
    public var state = ""
    /// Whole seconds since it has been in that state.
    public var stateSeconds: Int64 = 0
    /// The kind of event it waits for, such as `Lock`, `IPC`, `Client`.
    public var waitKind: String?
    /// The event, such as `SyncRep`.
    public var waitEvent: String?
    /// The kind of lock it waits for, such as `relation`, `transactionid`, `advisory`.
    public var lockKind: String?
    /// The table that the lock is on or in, where the server tells.
    public var table: String?
    /// Who holds it.
    public var holders: [Holder] = []

    /// Whether it works on a statement, or waits for something other than its client.
    public var isBusy: Bool { exists && state == "active" && waitKind != "Client" }
}

extension Connection {
    /// Asks what a process is doing, over this connection, which must be idle. Any role may ask; of other roles'
    /// processes the server tells less.
    /// - Throws: ``PostgresError``.
    public mutating func report(
        on process: ServerProcess, deadline: ContinuousClock.Instant? = nil
    ) throws(PostgresError) -> ProcessReport {
        let id = [Parameter.int32(process.id)]
        let answers = try begin(TransactionStart(searchPath: .builtins), deadline: deadline) { pipeline in
            pipeline.query(Self.stateQuestion, id + [process.started.parameter])
            pipeline.query(Self.lockQuestion, id)
            pipeline.query(Self.holdersQuestion, id)
            pipeline.query("COMMIT")
        }
        var report = ProcessReport()
        guard answers.count == 4, answers[0].rowCount == 1 else { return report }
        report.exists = true
        report.state = try answers[0].text(0, 0) ?? ""
        report.stateSeconds = try answers[0].int64(0, 1) ?? 0
        report.waitKind = try answers[0].text(0, 2)
        report.waitEvent = try answers[0].text(0, 3)
        if answers[1].rowCount > 0 {
            report.lockKind = try answers[1].text(0, 0)
            report.table = try answers[1].text(0, 1)
        }
        for row in 0..<answers[2].rowCount {
            report.holders.append(
                ProcessReport.Holder(
                    process: ServerProcess(
                        id: try answers[2].int32(row, 0) ?? 0, started: try answers[2].microsecondsSince1970(row, 1)),
                    application: try answers[2].text(row, 2) ?? "", state: try answers[2].text(row, 3),
                    clientSilentSeconds: try answers[2].int64(row, 4), isSameRole: try answers[2].bool(row, 5) ?? false,
                    isMillrace: try answers[2].bool(row, 6) ?? false))
        }
        return report
    }

    /// Ends a process, if it is still the one that is meant: the same since its start, or in the same transaction.
    /// - Returns: whether there was such a process.
    /// - Throws: ``PostgresError``, also when the role may not end it.
    @discardableResult
    public mutating func terminate(
        _ process: ServerProcess, deadline: ContinuousClock.Instant? = nil
    ) throws(PostgresError) -> Bool {
        let answers = try begin(TransactionStart(searchPath: .builtins), deadline: deadline) { pipeline in
            pipeline.query(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE pid = $1 AND pid <> pg_backend_pid() AND (backend_start = $2 OR xact_start = $3)
                """,
                [.int32(process.id), process.started.parameter, process.transactionStarted.parameter])
            pipeline.query("COMMIT")
        }
        return (answers.first?.rowCount ?? 0) > 0
    }

    private static let stateQuestion = """
        SELECT coalesce(state, ''), extract(epoch FROM clock_timestamp() - state_change)::bigint, wait_event_type,
            wait_event
        FROM pg_stat_activity WHERE pid = $1 AND ($2::timestamptz IS NULL OR backend_start = $2)
        """

    /// A row lock is waited for as a transaction; then the lock on the row's version tells the table. An advisory lock of
    /// two numbers, the first of which is `mill`, stands for the table that the second is the oid of.
    private static let lockQuestion = """
        SELECT l.locktype, (SELECT n.nspname || '.' || c.relname FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = coalesce(l.relation,
                CASE WHEN l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid = 1835625580::oid THEN l.objid END,
                (SELECT t.relation FROM pg_locks t
                WHERE t.pid = l.pid AND t.locktype = 'tuple' LIMIT 1)))
        FROM pg_locks l WHERE l.pid = $1 AND NOT l.granted LIMIT 1
        """

    private static let holdersQuestion = """
        SELECT p.pid, a.backend_start, a.application_name, a.state,
            CASE WHEN a.xact_start IS NOT NULL AND a.wait_event = 'ClientRead'
                THEN extract(epoch FROM clock_timestamp() - greatest(a.state_change, a.query_start))::bigint END,
            a.usename = current_user,
            EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE l.pid = p.pid AND l.granted AND n.nspname = 'millrace')
        FROM unnest(pg_blocking_pids($1)) AS p(pid) LEFT JOIN pg_stat_activity a ON a.pid = p.pid
        ORDER BY p.pid LIMIT 3
        """
}

extension Int64? {
    /// A time in microseconds since 1970, or NULL.
    fileprivate var parameter: Parameter { map { .timestamp(microsecondsSince1970: $0) } ?? .null }
}
