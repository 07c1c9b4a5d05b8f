extension Connection {
    /// Looks at the server behind a new connection, and asks it to notice when this client is gone.
    ///
    /// Learns the role's own search path and which process serves this connection. Where no pooler stands between, and
    /// neither the server's configuration nor the role says otherwise, the server gets keep-alives, `tcp_user_timeout`
    /// and `client_connection_check_interval` for this session: without them, a backend whose client lost its network
    /// in mid-transaction keeps its locks for up to two hours.
    ///
    /// - Throws: ``PostgresError``; of kind ``PostgresError/Kind/badSettings`` when the server is too old.
    mutating func adoptSession(deadline: ContinuousClock.Instant?) throws(PostgresError) {
        try Self.checkVersion(serverVersion)
        do throws(PostgresError) {
            try look(settings: Self.sessionSettings, deadline: deadline)
        } catch let error where error.kind == .server && !error.isConnectionLost {
            // Servers on some systems refuse one of the settings, and the session works without them.
            try look(settings: [], deadline: deadline)
        }
    }

    /// - Throws: when the server is older than the statements of this driver's users can be.
    static func checkVersion(_ version: Int) throws(PostgresError) {
        guard version < Limits.serverVersionMin else { return }
        let found = version >= 100_000 ? "\(version / 10_000)" : "\(version / 10_000).\(version / 100 % 100)"
        throw PostgresError(
            .badSettings,
            "the server is PostgreSQL \(found), expected \(Limits.serverVersionMin / 10_000) or later",
            isConnectionLost: true)
    }

    private static let sessionSettings = [
        ("tcp_keepalives_idle", Limits.keepalivesIdle), ("tcp_keepalives_interval", Limits.keepalivesInterval),
        ("tcp_keepalives_count", Limits.keepalivesCount), ("tcp_user_timeout", Limits.tcpUserTimeout),
        ("client_connection_check_interval", Limits.connectionCheckInterval),
    ]

    private mutating func look(
        settings: [(name: String, value: String)], deadline: ContinuousClock.Instant?
    ) throws(PostgresError) {
        let pid = backendPID
        let answers = try pipeline(deadline: deadline) { pipeline in
            // Names and operators are qualified: the role's own search path is in force.
            pipeline.query("SELECT s::pg_catalog.text FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) AS s")
            pipeline.query(
                """
                SELECT a.pid, a.backend_start FROM pg_catalog.pg_stat_activity a
                WHERE a.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
                """)
            guard !settings.isEmpty else { return }
            let values = settings.map { "('\($0.name)'::pg_catalog.text, '\($0.value)'::pg_catalog.text)" }
            // Behind a pooler the process has another number than we were told, and other clients.
            pipeline.query(
                """
                SELECT pg_catalog.set_config(s.name, w.value, false) FROM pg_catalog.pg_settings s
                JOIN (VALUES \(values.joined(separator: ", "))) AS w(name, value)
                    ON w.name OPERATOR(pg_catalog.=) s.name
                WHERE s.source OPERATOR(pg_catalog.=) 'default'::pg_catalog.text
                    AND pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) $1
                """, [.int32(pid)])
        }
        guard answers.count >= 2 else { return }
        userSchemas = []
        for row in 0..<answers[0].rowCount {
            guard let name = try answers[0].text(row, 0), !name.hasPrefix("pg_") else { continue }
            userSchemas.append(name)
        }
        guard answers[1].rowCount == 1, try answers[1].int32(0, 0) == pid else { return }
        process = ServerProcess(id: pid, started: try answers[1].microsecondsSince1970(0, 1))
    }
}
