package import Postgres

/// What the page reads beside the catalogue's own tables.
extension Catalog {
    /// Seconds that a query of the page may take.
    package static let readingSeconds = 2.5

    /// A partition of a topology, as of its last commit.
    package struct PartitionRecord: Sendable, Equatable {
        package var topic: String
        package var partition: Int32
        package var owner: String?
        package var next: Int64?
        /// The end of its log, as its reader knew it then.
        package var end: Int64?
        /// Microseconds since 1970.
        package var eventTime: Int64?
        package var committedAt: Int64?
    }

    /// The partitions of a topology that were read once.
    package mutating func partitions(of topology: String) throws -> [PartitionRecord] {
        guard try exists("millrace.partitions") else { return [] }
        let found = try connection.query(
            """
            SELECT topic, partition, owner, next_offset, log_end, event_time, committed_at FROM millrace.partitions
            WHERE topology = $1 ORDER BY topic, partition
            """, [.text(topology)])
        return try (0..<found.rowCount).map { row in
            PartitionRecord(
                topic: try found.text(row, 0) ?? "", partition: try found.int32(row, 1) ?? 0,
                owner: try found.text(row, 2), next: try found.int64(row, 3), end: try found.int64(row, 4),
                eventTime: try found.microsecondsSince1970(row, 5),
                committedAt: try found.microsecondsSince1970(row, 6))
        }
    }

    /// Up to when all tables of each topology are complete, in microseconds since 1970; only what is known.
    package mutating func completeness() throws -> [String: Int64] {
        guard try exists("millrace.freshness") else { return [:] }
        let found = try connection.query(
            """
            SELECT topology, min(complete_to) FROM millrace.freshness GROUP BY topology
            HAVING bool_and(complete_to IS NOT NULL)
            """)
        var times: [String: Int64] = [:]
        for row in 0..<found.rowCount {
            times[try found.text(row, 0) ?? ""] = try found.microsecondsSince1970(row, 1)
        }
        return times
    }

    /// Whether there is a table or view of this name, as SQL has it.
    package mutating func exists(_ name: String) throws -> Bool {
        try !connection.query("SELECT to_regclass($1)::oid::bigint", [.text(name)]).isNull(0, 0)
    }

    /// Runs a query that changes nothing, for a bounded time.
    /// - Parameter seconds: how long a statement may take; never more than `readingSeconds`.
    /// - Throws: `PostgresError`; the connection can be used afterwards unless it is lost.
    package mutating func reading<Value>(
        _ sql: String, within seconds: Double, _ body: (QueryResult) throws -> Value
    ) throws -> Value {
        try reading(within: seconds) { catalog in try body(try catalog.connection.query(sql)) }
    }

    /// Changes nothing in `body`, whose statements may each take a bounded time.
    /// - Throws: as above.
    package mutating func reading<Value>(
        within seconds: Double, _ body: (inout Catalog) throws -> Value
    ) throws -> Value {
        try connection.execute("BEGIN READ ONLY")
        do {
            try connection.execute(
                "SET LOCAL statement_timeout = \(Int(max(1, min(seconds, Self.readingSeconds) * 1_000)))")
            let value = try body(&self)
            try connection.execute("COMMIT")
            return value
        } catch {
            // What went wrong is what counts; a connection that is lost has rolled back by itself.
            try? connection.execute("ROLLBACK")
            throw error
        }
    }
}
