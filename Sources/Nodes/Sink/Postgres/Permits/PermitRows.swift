import Dataflow
import Foundation
import Postgres

/// The rows of `millrace.permits`, and the lock that shows that a session lives.
///
/// Every call is one statement outside of a transaction: a process that is frozen between two of them holds nothing up.
struct PermitRows: Sendable {
    /// The topology whose instances share the permits; what stands beside one shares them with it.
    let topology: String
    /// Names this process.
    let instance: String
    private static let channel = "millrace_permits"

    init(topology: String, instance: String) {
        self.topology = String(topology.prefix { $0 != "@" })
        self.instance = instance
    }

    /// Whether others have changed a row of this topology.
    /// - Parameter news: what came with a notification.
    func concerns(_ news: String) -> Bool { news.hasPrefix(topology + " ") && news != told }

    /// What is told of a change: whose permits, and who has changed them.
    private var told: String { "\(topology) \(instance)" }

    /// Makes a new session ready: it hears of changes, and a lock tells others that it lives.
    /// - Returns: the lock's mark.
    /// - Throws: `SinkError` where a pooler stands between, `PostgresError`.
    func enter(_ nodes: [String], _ connection: inout Connection) throws -> Int32 {
        guard connection.process?.started != nil else {
            throw SinkError(
                code: .refused,
                description: "postgres: cluster_concurrency needs a session of its own, and a pooler stands between; "
                    + "give the sink's url the address of the server itself")
        }
        let end = ContinuousClock.now + PermitLimits.question
        try connection.query(
            """
            SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),
                pg_catalog.set_config('statement_timeout', '0', false),
                (SELECT pg_catalog.set_config(s.name, '0', false) FROM pg_catalog.pg_settings s
                    WHERE s.name OPERATOR(pg_catalog.=) 'idle_session_timeout')
            """, deadline: end)
        try connection.query(
            """
            INSERT INTO millrace.permits (topology, node) SELECT $1, n FROM unnest($2::text[]) AS n ON CONFLICT DO NOTHING
            """, [.text(topology), .array(PostgresTarget.names(nodes))], deadline: end)
        try connection.execute("LISTEN \(Self.channel)", deadline: end)
        while true {
            let mark = Int32.random(in: 1 ... .max)
            let isFree = try connection.query(
                "SELECT pg_try_advisory_lock($1, $2)", [.int32(PermitLimits.space), .int32(mark)], deadline: end)
            if try isFree.bool(0, 0) == true { return mark }
        }
    }

    /// Reads the rows of nodes.
    func read(
        _ nodes: [String], _ connection: inout Connection
    ) throws -> [String: (reading: PermitAgent.Reading, version: Int64)] {
        // The locks are looked at after the rows: whoever stands in a row has had its lock before.
        let found = try connection.query(
            """
            SELECT p.node, p.version, p.book::text,
                (SELECT coalesce(string_agg(l.objid::bigint::text, ' '), '') FROM pg_locks l
                    WHERE l.locktype = 'advisory' AND l.classid = $3::bigint::oid AND l.objsubid = 2 AND l.granted
                        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())),
                extract(epoch FROM clock_timestamp())::float8
            FROM millrace.permits p WHERE p.topology = $1 AND p.node = ANY ($2::text[])
            """, [.text(topology), .array(PostgresTarget.names(nodes)), .int64(Int64(PermitLimits.space))],
            deadline: .now + PermitLimits.question)
        var rows: [String: (reading: PermitAgent.Reading, version: Int64)] = [:]
        for row in 0..<found.rowCount {
            let seconds = try found.double(row, 4) ?? 0
            let left = PermitLimits.turnSeconds - seconds.truncatingRemainder(dividingBy: PermitLimits.turnSeconds)
            let live = (try found.text(row, 3) ?? "").split(separator: " ").compactMap { Int32($0) }
            let reading = PermitAgent.Reading(
                book: try Self.book(try found.text(row, 2) ?? "", topology, try found.text(row, 0) ?? ""),
                live: Set(live), turn: Int(seconds / PermitLimits.turnSeconds),
                turnEnds: .now + .seconds(max(0, left)))
            rows[try found.text(row, 0) ?? ""] = (reading, try found.int64(row, 1) ?? 0)
        }
        return rows
    }

    /// Exchanges a row for another one, and tells of it, unless it has changed since it was read.
    /// - Returns: the new version, nil when it has.
    func exchange(
        _ book: PermitBook, of node: String, version: Int64, within patience: Duration = PermitLimits.question,
        _ connection: inout Connection
    ) throws -> Int64? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(book), as: UTF8.self)
        let changed = try connection.query(
            """
            WITH changed AS (UPDATE millrace.permits SET book = $4::jsonb, version = version + 1
                WHERE topology = $1 AND node = $2 AND version = $3 RETURNING version)
            SELECT version, pg_notify('\(Self.channel)', $5)::text FROM changed
            """, [.text(topology), .text(node), .int64(version), .text(text), .text(told)], deadline: .now + patience)
        return changed.rowCount == 0 ? nil : try changed.int64(0, 0)
    }

    private static func book(_ text: String, _ topology: String, _ node: String) throws -> PermitBook {
        do {
            return try JSONDecoder().decode(PermitBook.self, from: Data(text.utf8))
        } catch {
            throw SinkError.foreignValue(
                "the permits of node \(node) of topology \(topology) in millrace.permits are none")
        }
    }
}
