import Postgres

/// The catalogue's tables, in schema `millrace` beside the positions. docs/deploying.md explains them.
enum CatalogSchema {
    /// Any number of commands and daemons may come at once: they take turns.
    private static let lockKey: Int64 = 0x6d69_6c6c_6361_7461

    /// Makes what is missing; does nothing, and asks for no right, when all is there.
    static func prepare(_ connection: inout Connection) throws {
        let known = try connection.query(
            """
            SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'millrace' AND c.relname IN
                ('versions', 'deployments', 'daemons', 'states', 'log', 'crashes')
            UNION ALL SELECT count(*) FROM pg_attribute
            WHERE attrelid = to_regclass('millrace.deployments') AND attname = 'paused_for'
            ORDER BY 1
            """)
        if try known.int64(0, 0) == 1, try known.int64(1, 0) == 6 { return }
        try connection.execute("BEGIN")
        try connection.query("SELECT pg_advisory_xact_lock($1)", [.int64(lockKey)])
        if try connection.query("SELECT to_regnamespace('millrace')::oid::bigint").isNull(0, 0) {
            try connection.execute("CREATE SCHEMA millrace")
        }
        try connection.execute(script)
        try connection.execute("COMMIT")
    }

    private static let script = """
        CREATE TABLE IF NOT EXISTS millrace.versions (
            topology text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            file text NOT NULL,
            digest text NOT NULL,
            note text NOT NULL DEFAULT '',
            plan text NOT NULL DEFAULT '',
            accepts_gaps boolean NOT NULL DEFAULT false,
            deployed_by text NOT NULL,
            deployed_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (topology, version)
        );
        CREATE TABLE IF NOT EXISTS millrace.deployments (
            topology text COLLATE "C" PRIMARY KEY,
            version integer NOT NULL,
            wanted text NOT NULL CHECK (wanted IN ('running', 'paused')),
            generation bigint NOT NULL DEFAULT 1,
            settings jsonb NOT NULL DEFAULT '{}',
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL DEFAULT now(),
            FOREIGN KEY (topology, version) REFERENCES millrace.versions
        );
        ALTER TABLE millrace.deployments ADD COLUMN IF NOT EXISTS paused_for text NOT NULL DEFAULT '';
        CREATE TABLE IF NOT EXISTS millrace.daemons (
            daemon text COLLATE "C" PRIMARY KEY,
            program text NOT NULL,
            memory_bytes bigint NOT NULL,
            started_at timestamptz NOT NULL DEFAULT now(),
            seen_at timestamptz NOT NULL DEFAULT now()
        ) WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS millrace.states (
            topology text COLLATE "C" NOT NULL,
            daemon text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            generation bigint NOT NULL,
            state text NOT NULL,
            reason text NOT NULL DEFAULT '',
            since timestamptz NOT NULL,
            restarts integer NOT NULL DEFAULT 0,
            snapshot jsonb NOT NULL DEFAULT '{}',
            seen_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (topology, daemon)
        ) WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS millrace.log (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL,
            topology text COLLATE "C" NOT NULL,
            daemon text COLLATE "C" NOT NULL,
            level text NOT NULL,
            message text NOT NULL,
            details text NOT NULL DEFAULT ''
        );
        CREATE INDEX IF NOT EXISTS log_by_topology ON millrace.log (topology, id);
        CREATE TABLE IF NOT EXISTS millrace.crashes (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL DEFAULT now(),
            topology text COLLATE "C" NOT NULL,
            generation bigint NOT NULL,
            daemon text COLLATE "C" NOT NULL,
            signal text NOT NULL
        );
        """
}
