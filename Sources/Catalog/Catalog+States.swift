import Foundation
import Postgres

/// What runs.
extension Catalog {
    /// Says that a process is alive, and how its topologies are.
    /// - Parameter gone: topologies that it no longer has.
    package mutating func report(
        daemon: String, program: String, memoryBytes: Int, _ states: [TopologyState], gone: [String]
    ) throws {
        let sql = """
            INSERT INTO millrace.states (topology, daemon, version, generation, state, reason, since, restarts, snapshot)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)
            ON CONFLICT (topology, daemon) DO UPDATE SET version = EXCLUDED.version, generation = EXCLUDED.generation,
                state = EXCLUDED.state, reason = EXCLUDED.reason, since = EXCLUDED.since, restarts = EXCLUDED.restarts,
                snapshot = EXCLUDED.snapshot, seen_at = now()
            """
        _ = try connection.pipeline { pipeline in
            pipeline.query("BEGIN")
            pipeline.query(
                """
                INSERT INTO millrace.daemons (daemon, program, memory_bytes) VALUES ($1, $2, $3)
                ON CONFLICT (daemon) DO UPDATE SET seen_at = now()
                """, [.text(daemon), .text(program), .int64(Int64(memoryBytes))])
            for state in states {
                pipeline.query(
                    sql,
                    [
                        .text(state.topology), .text(daemon), .int32(Int32(state.version)), .int64(state.generation),
                        .text(state.kind.rawValue), .text(Self.storable(state.reason)),
                        .timestamp(microsecondsSince1970: state.since), .int32(Int32(state.restarts)),
                        .text(Self.json(state.snapshot.storable)),
                    ])
            }
            for topology in gone {
                pipeline.query(
                    "DELETE FROM millrace.states WHERE topology = $1 AND daemon = $2", [.text(topology), .text(daemon)])
            }
            pipeline.query("COMMIT")
        }
    }

    /// Says that a process has ended.
    package mutating func signOut(daemon: String) throws {
        try connection.query("DELETE FROM millrace.states WHERE daemon = $1", [.text(daemon)])
        try connection.query("DELETE FROM millrace.daemons WHERE daemon = $1", [.text(daemon)])
    }

    /// Removes what processes left behind that ended without a word long ago.
    package mutating func forgetLost() throws {
        for table in ["states", "daemons"] {
            try connection.query(
                "DELETE FROM millrace.\(table) WHERE seen_at < now() - make_interval(secs => $1)",
                [.double(CatalogLimits.forgotten)])
        }
        try connection.query(
            "DELETE FROM millrace.crashes WHERE at < now() - make_interval(secs => $1)",
            [.double(CatalogLimits.forgotten)])
    }

    /// What every process says of every topology, or of one.
    package mutating func states(of topology: String? = nil) throws -> [TopologyState] {
        let found = try connection.query(
            """
            SELECT topology, daemon, version, generation, state, reason, since, restarts, snapshot::text,
                extract(epoch FROM clock_timestamp() - seen_at)::float8
            FROM millrace.states WHERE $1::text IS NULL OR topology = $1 ORDER BY topology, daemon
            """, [topology.map { .text($0) } ?? .null])
        return try (0..<found.rowCount).map { row in
            TopologyState(
                topology: try found.text(row, 0) ?? "", daemon: try found.text(row, 1) ?? "",
                version: Int(try found.int32(row, 2) ?? 0), generation: try found.int64(row, 3) ?? 0,
                kind: TopologyState.Kind(rawValue: try found.text(row, 4) ?? "") ?? .failed,
                reason: try found.text(row, 5) ?? "", since: try found.microsecondsSince1970(row, 6) ?? 0,
                restarts: Int(try found.int32(row, 7) ?? 0),
                snapshot: try JSONDecoder().decode(
                    RunSnapshot.self, from: Data((try found.text(row, 8) ?? "").utf8)),
                secondsSilent: max(0, try found.double(row, 9) ?? 0))
        }
    }

    /// The processes that run topologies.
    package mutating func daemons() throws -> [DaemonRecord] {
        let found = try connection.query(
            """
            SELECT daemon, program, memory_bytes, started_at, extract(epoch FROM clock_timestamp() - seen_at)::float8
            FROM millrace.daemons ORDER BY daemon
            """)
        return try (0..<found.rowCount).map { row in
            DaemonRecord(
                name: try found.text(row, 0) ?? "", program: try found.text(row, 1) ?? "",
                memoryBytes: Int(try found.int64(row, 2) ?? 0), startedAt: try found.microsecondsSince1970(row, 3) ?? 0,
                secondsSilent: max(0, try found.double(row, 4) ?? 0))
        }
    }

    /// A text without what no text of the database can hold.
    static func storable(_ text: String) -> String { text.replacing("\u{0}", with: "\u{FFFD}") }
}
