import Postgres

/// A line of a topology's log.
package struct LogLine: Sendable, Equatable {
    /// Its number; 0 before it is stored.
    package var id: Int64
    /// Microseconds since 1970.
    package var at: Int64
    package var topology: String
    package var daemon: String
    package var level: String
    package var message: String
    /// `key=value` words.
    package var details: String

    package init(
        id: Int64 = 0, at: Int64, topology: String, daemon: String, level: String, message: String, details: String
    ) {
        self.id = id
        self.at = at
        self.topology = topology
        self.daemon = daemon
        self.level = level
        self.message = message
        self.details = details
    }
}

/// What was logged.
extension Catalog {
    /// Stores lines.
    package mutating func append(_ lines: [LogLine]) throws {
        guard !lines.isEmpty else { return }
        do { try insert(lines) } catch {
            // What went wrong is what counts; a connection that is lost has rolled back by itself.
            try? connection.execute("ROLLBACK")
            throw error
        }
    }

    private mutating func insert(_ lines: [LogLine]) throws {
        _ = try connection.pipeline { pipeline in
            pipeline.query("BEGIN")
            for line in lines {
                pipeline.query(
                    """
                    INSERT INTO millrace.log (at, topology, daemon, level, message, details)
                    VALUES ($1, $2, $3, $4, $5, $6)
                    """,
                    [
                        .timestamp(microsecondsSince1970: line.at), .text(line.topology), .text(line.daemon),
                        .text(line.level), .text(Self.storable(line.message)), .text(Self.storable(line.details)),
                    ])
            }
            pipeline.query("COMMIT")
        }
    }

    /// Removes the oldest lines of a topology beyond those that are kept.
    package mutating func trimLog(of topology: String) throws {
        try connection.query(
            """
            DELETE FROM millrace.log WHERE topology = $1 AND id <= (
                SELECT id FROM millrace.log WHERE topology = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)
            """, [.text(topology), .int64(Int64(CatalogLimits.logLines))])
    }

    /// The newest lines of a topology, in order.
    /// - Parameters:
    ///   - number: a line's number: only those behind it.
    ///   - count: how many at most.
    package mutating func log(of topology: String, after number: Int64 = 0, count: Int) throws -> [LogLine] {
        let found = try connection.query(
            """
            SELECT * FROM (
                SELECT id, at, topology, daemon, level, message, details FROM millrace.log
                WHERE topology = $1 AND id > $2 ORDER BY id DESC LIMIT $3) newest ORDER BY id
            """, [.text(topology), .int64(number), .int64(Int64(count))])
        return try (0..<found.rowCount).map { row in
            LogLine(
                id: try found.int64(row, 0) ?? 0, at: try found.microsecondsSince1970(row, 1) ?? 0,
                topology: try found.text(row, 2) ?? "", daemon: try found.text(row, 3) ?? "",
                level: try found.text(row, 4) ?? "", message: try found.text(row, 5) ?? "",
                details: try found.text(row, 6) ?? "")
        }
    }
}
