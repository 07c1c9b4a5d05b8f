import Postgres

/// Replays of dead letters, which book letters under the name that their topology has, in the tables that it has.
extension Catalog {
    /// Whether names may be changed: not while somebody replays dead letters, who would lose sight of them.
    /// - Throws: `CatalogError` that names the replay.
    package mutating func checkReplays(of topologies: [String]) throws {
        try Self.checkReplays(of: topologies, &connection)
    }

    /// The same inside of the transaction that changes names: none begins before that has ended.
    static func excludeReplays(of topologies: [String], _ connection: inout Connection) throws {
        guard try areKept(&connection) else { return }
        // Whoever begins waits here, and then looks for the topology.
        try connection.execute("LOCK TABLE millrace.replays IN SHARE ROW EXCLUSIVE MODE")
        try checkReplays(of: topologies, &connection)
    }

    private static func checkReplays(of topologies: [String], _ connection: inout Connection) throws {
        guard try areKept(&connection) else { return }
        for topology in topologies {
            // One that was killed has no end either, and gives no sign of life.
            let found = try connection.query(
                """
                SELECT r.instance, r.started_at FROM millrace.replays r JOIN millrace.instances i USING (topology, instance)
                WHERE r.topology = $1 AND r.ended_at IS NULL
                    AND i.seen_at > clock_timestamp() - make_interval(secs => $2) ORDER BY r.number LIMIT 1
                """, [.text(topology), .double(CatalogLimits.replaySilence)])
            guard found.rowCount > 0 else { continue }
            throw CatalogError(
                code: .locked,
                description:
                    "topology \(topology): dead letters of it are being replayed by \(try found.text(0, 0) ?? "somebody"); "
                    + "wait until that has ended, or end it, and try again (one that was killed counts as gone after "
                    + "\(Int(CatalogLimits.replaySilence)) s)")
        }
    }

    private static func areKept(_ connection: inout Connection) throws -> Bool {
        try connection.query(
            """
            SELECT to_regclass('millrace.replays') IS NOT NULL AND to_regclass('millrace.instances') IS NOT NULL
            """
        ).bool(0, 0) == true
    }
}
