import Postgres

/// How often processes have died of a fault in one topology, not long ago.
package struct CrashRecord: Sendable, Equatable {
    /// Of the topology's run that they died of: every change and every restart that is asked for begins another one.
    package var generation: Int64
    package var count: Int
    /// The last signal, by its name.
    package var signal: String
    /// When the last one was found out, in microseconds since 1970.
    package var last: Int64

    package init(generation: Int64, count: Int, signal: String, last: Int64) {
        self.generation = generation
        self.count = count
        self.signal = signal
        self.last = last
    }
}

/// Deaths of processes.
extension Catalog {
    /// Keeps that a process died of a fault in a run of a topology.
    package mutating func noteCrash(of topology: String, generation: Int64, daemon: String, signal: String) throws {
        try connection.query(
            "INSERT INTO millrace.crashes (topology, generation, daemon, signal) VALUES ($1, $2, $3, $4)",
            [.text(topology), .int64(generation), .text(daemon), .text(signal)])
    }

    /// Those of the last hour, by topology: of its latest run that any died of.
    package mutating func crashes() throws -> [String: CrashRecord] {
        let found = try connection.query(
            """
            SELECT topology, generation, count(*), (array_agg(signal ORDER BY id DESC))[1], max(at)
            FROM millrace.crashes WHERE at > now() - make_interval(secs => $1) GROUP BY 1, 2 ORDER BY 1, 2
            """, [.double(CatalogLimits.crashMemory)])
        var crashes: [String: CrashRecord] = [:]
        for row in 0..<found.rowCount {
            crashes[try found.text(row, 0) ?? ""] = CrashRecord(
                generation: try found.int64(row, 1) ?? 0, count: Int(try found.int64(row, 2) ?? 0),
                signal: try found.text(row, 3) ?? "", last: try found.microsecondsSince1970(row, 4) ?? 0)
        }
        return crashes
    }
}
