import Dataflow
import Postgres

/// Schema `millrace`: positions, ledger, dead letters, whose table is whose, and the SQL functions. docs/postgres.md
/// explains the tables.
enum BookkeepingSchema {
    /// The tables' names, and that of the view.
    static let tableNames = [
        "partitions", "dead_letters", "tables", "topologies", "instances",
        "lookup_generations", "lookup_ranges", "replays", "steps", "step_runs", "step_rows", "permits", "permit_claims",
        "freshness",
    ]
    /// Where commits are counted after which a program is run.
    static let stepTable = "millrace.steps"

    /// Makes everything, or brings it up to date; nothing is lost, and nothing is done when nothing is to be done.
    ///
    /// A fingerprint of the scripts is the schema's comment. It is not believed alone: tables and functions may have been
    /// dropped since. Functions are replaced and never dropped: a query that is under way, or a view, may be using those
    /// of an earlier version, and their names and signatures stay.
    static func prepare(_ functions: String, _ connection: inout Connection) throws {
        try refuseHiddenRows(&connection)
        let known = try connection.query(Self.stateQuery, [.text(Self.tableNames.joined(separator: " "))])
        let script = Self.steps.joined() + functions
        let hash = String(UInt64(bitPattern: Checksum.of(Array(script.utf8))), radix: 16)
        let schemaExists = !known.isNull(0, 0)
        func fingerprint(_ state: String?) -> String {
            "Millrace: positions, ledger, functions \(hash) \(state ?? "")"
        }
        let hasTables = try known.int64(0, 2) == Int64(Self.tableNames.count)
        if hasTables, let comment = try known.text(0, 1), comment == fingerprint(try known.text(0, 3)) { return }
        // IF NOT EXISTS would ask for the right to create schemas even if there is nothing to create.
        if !schemaExists { try connection.execute("CREATE SCHEMA millrace") }
        for step in Self.steps { try connection.execute(step) }
        try migrate(&connection)
        try connection.execute(withoutSchema(functions))
        let now = try connection.query(Self.stateQuery, [.text(Self.tableNames.joined(separator: " "))])
        let comment = fingerprint(try now.text(0, 3))
        try connection.execute("COMMENT ON SCHEMA millrace IS \(SQLName.literal(comment))")
    }

    /// Positions that are hidden would be taken for positions that are gone.
    private static func refuseHiddenRows(_ connection: inout Connection) throws {
        let hidden = try connection.query(
            """
            SELECT min(c.relname::text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'millrace' AND c.relkind IN ('r', 'p') AND row_security_active(c.oid)
            """)
        guard let table = try hidden.text(0, 0) else { return }
        throw SinkError(
            code: .refused,
            description: "table millrace.\(table): row-level security hides rows of it from this role; ALTER TABLE "
                + "millrace.\(SQLName.quote(table)) DISABLE ROW LEVEL SECURITY, or give the role BYPASSRLS")
    }

    /// The scripts make their schema for those who run them by hand.
    private static func withoutSchema(_ functions: String) -> String {
        functions.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { $0 != "CREATE SCHEMA IF NOT EXISTS millrace;" }.joined(separator: "\n")
    }

    /// Schema, comment, number of tables, and a digest of the functions and columns as they are.
    private static let stateQuery = """
        SELECT n.oid::bigint,
            obj_description(n.oid, 'pg_namespace'),
            (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v')
                AND c.relname::text = ANY (string_to_array($1, ' '))),
            (SELECT left(md5(string_agg(md5(concat_ws(' ', p.proname::text, p.pronargs, p.prosrc, p.probin)), ' '
                ORDER BY p.proname::text COLLATE "C", p.pronargs, md5(p.prosrc) COLLATE "C")), 12)
                FROM pg_proc p WHERE p.pronamespace = n.oid
                    AND NOT starts_with(p.proname::text, '\(BoundsView.functionPrefix)'))
            || (SELECT left(md5(string_agg(concat_ws(' ', c.relname::text, a.attname::text, a.atttypid), ' '
                ORDER BY c.relname::text COLLATE "C", a.attname::text COLLATE "C")), 12)
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                WHERE c.relnamespace = n.oid AND c.relname::text = ANY (string_to_array($1, ' '))
                    AND a.attnum > 0 AND NOT a.attisdropped)
        FROM (SELECT to_regnamespace('millrace')::oid AS oid) n
        """

    /// Each may run again and again, on what any earlier version has made.
    private static let steps = [
        """
        CREATE TABLE IF NOT EXISTS millrace.partitions (
            topology text COLLATE "C" NOT NULL,
            topic text COLLATE "C" NOT NULL,
            partition integer NOT NULL,
            next_offset bigint,
            owner_epoch bigint NOT NULL DEFAULT 0,
            owner text,
            PRIMARY KEY (topology, topic, partition)
        ) WITH (fillfactor = 50);
        ALTER TABLE millrace.partitions
            ADD COLUMN IF NOT EXISTS next_offset bigint,
            ADD COLUMN IF NOT EXISTS owner_epoch bigint NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS owner text,
            ADD COLUMN IF NOT EXISTS cluster_id text,
            ADD COLUMN IF NOT EXISTS tail_offset bigint,
            ADD COLUMN IF NOT EXISTS tail_timestamp bigint,
            ADD COLUMN IF NOT EXISTS tail_checksum bigint,
            ADD COLUMN IF NOT EXISTS read bigint NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS applied bigint NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS filtered bigint NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS dead bigint NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS refused bigint NOT NULL DEFAULT 0,
            ADD COLUMN IF NOT EXISTS event_time timestamptz,
            ADD COLUMN IF NOT EXISTS log_end bigint,
            ADD COLUMN IF NOT EXISTS clock_time bigint,
            ADD COLUMN IF NOT EXISTS clock_ahead bigint,
            ADD COLUMN IF NOT EXISTS clock_candidate bigint,
            ADD COLUMN IF NOT EXISTS committed_at timestamptz;

        """,
        """
        CREATE TABLE IF NOT EXISTS millrace.dead_letters (
            topology text COLLATE "C" NOT NULL,
            topic text COLLATE "C" NOT NULL,
            partition integer NOT NULL,
            "offset" bigint NOT NULL,
            line integer NOT NULL,
            reason text NOT NULL,
            payload bytea NOT NULL,
            message_time timestamptz
        );
        ALTER TABLE millrace.dead_letters
            ADD COLUMN IF NOT EXISTS cause text COLLATE "C",
            ADD COLUMN IF NOT EXISTS node text COLLATE "C",
            ADD COLUMN IF NOT EXISTS field text COLLATE "C",
            ADD COLUMN IF NOT EXISTS found text COLLATE "C",
            ADD COLUMN IF NOT EXISTS key bytea,
            ADD COLUMN IF NOT EXISTS written_at timestamptz,
            ADD COLUMN IF NOT EXISTS counted text COLLATE "C",
            ADD COLUMN IF NOT EXISTS refused_by text COLLATE "C",
            ADD COLUMN IF NOT EXISTS clock_time bigint,
            ADD COLUMN IF NOT EXISTS element text COLLATE "C";
        ALTER TABLE millrace.dead_letters ALTER COLUMN written_at SET DEFAULT pg_catalog.now();
        CREATE INDEX IF NOT EXISTS dead_letters_place ON millrace.dead_letters (topology, topic, partition, "offset");

        """,
        """
        CREATE TABLE IF NOT EXISTS millrace.tables (
            table_schema text COLLATE "C" NOT NULL DEFAULT '',
            table_name text COLLATE "C" NOT NULL,
            topology text COLLATE "C" NOT NULL DEFAULT '',
            definition text NOT NULL,
            PRIMARY KEY (table_schema, table_name, topology)
        );
        ALTER TABLE millrace.tables
            ADD COLUMN IF NOT EXISTS table_schema text COLLATE "C" NOT NULL DEFAULT '',
            ADD COLUMN IF NOT EXISTS topology text COLLATE "C" NOT NULL DEFAULT '',
            ADD COLUMN IF NOT EXISTS digest text,
            ADD COLUMN IF NOT EXISTS sink text,
            ADD COLUMN IF NOT EXISTS shared boolean NOT NULL DEFAULT false,
            ADD COLUMN IF NOT EXISTS feed text,
            ADD COLUMN IF NOT EXISTS columns text,
            ADD COLUMN IF NOT EXISTS columns_known integer,
            ADD COLUMN IF NOT EXISTS has_rows boolean NOT NULL DEFAULT false,
            ADD COLUMN IF NOT EXISTS place text,
            ADD COLUMN IF NOT EXISTS table_oid bigint,
            ADD COLUMN IF NOT EXISTS storage bigint,
            ADD COLUMN IF NOT EXISTS left_read bigint,
            ADD COLUMN IF NOT EXISTS nodes text COLLATE "C",
            ADD COLUMN IF NOT EXISTS dropped_before timestamptz,
            ADD COLUMN IF NOT EXISTS former_feed text,
            ADD COLUMN IF NOT EXISTS complete_from jsonb,
            ADD COLUMN IF NOT EXISTS since timestamptz NOT NULL DEFAULT now();

        """,
        """
        CREATE TABLE IF NOT EXISTS millrace.topologies (
            topology text COLLATE "C" PRIMARY KEY,
            definition text NOT NULL,
            digest text NOT NULL,
            registered_by text NOT NULL,
            since timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE IF NOT EXISTS millrace.instances (
            topology text COLLATE "C" NOT NULL,
            instance text COLLATE "C" NOT NULL,
            digest text NOT NULL,
            seen_at timestamptz NOT NULL,
            PRIMARY KEY (topology, instance)
        ) WITH (fillfactor = 50);

        """,
        """
        CREATE TABLE IF NOT EXISTS millrace.lookup_generations (
            topology text COLLATE "C" NOT NULL,
            node text COLLATE "C" NOT NULL,
            digest text COLLATE "C" NOT NULL,
            source text NOT NULL,
            "rows" bigint NOT NULL,
            rows_ignored bigint NOT NULL,
            loaded_at timestamptz NOT NULL,
            PRIMARY KEY (topology, node, digest)
        );
        CREATE TABLE IF NOT EXISTS millrace.lookup_ranges (
            topology text COLLATE "C" NOT NULL,
            node text COLLATE "C" NOT NULL,
            topic text COLLATE "C" NOT NULL,
            partition integer NOT NULL,
            from_offset bigint NOT NULL,
            to_offset bigint NOT NULL,
            digest text COLLATE "C" NOT NULL,
            PRIMARY KEY (topology, node, topic, partition, from_offset, digest)
        ) WITH (fillfactor = 50);

        """,
        """
        CREATE TABLE IF NOT EXISTS millrace.replays (
            topology text COLLATE "C" NOT NULL,
            number bigint NOT NULL,
            instance text NOT NULL,
            choice text NOT NULL,
            started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
            ended_at timestamptz,
            commits bigint NOT NULL DEFAULT 0,
            letters bigint NOT NULL DEFAULT 0,
            applied bigint NOT NULL DEFAULT 0,
            filtered bigint NOT NULL DEFAULT 0,
            dead bigint NOT NULL DEFAULT 0,
            refused bigint NOT NULL DEFAULT 0,
            untouched bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (topology, number),
            CHECK (letters = applied + filtered + dead + refused + untouched)
        ) WITH (fillfactor = 50);

        """,
        """
        CREATE TABLE IF NOT EXISTS millrace.steps (
            topology text COLLATE "C" NOT NULL,
            table_schema text COLLATE "C" NOT NULL,
            table_name text COLLATE "C" NOT NULL,
            commits bigint NOT NULL DEFAULT 0,
            keys bigint NOT NULL DEFAULT 0,
            unknown_at bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (topology, table_schema, table_name)
        ) WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS millrace.step_runs (
            topology text COLLATE "C" NOT NULL,
            table_schema text COLLATE "C" NOT NULL,
            table_name text COLLATE "C" NOT NULL,
            begun bigint NOT NULL DEFAULT 0,
            tries bigint NOT NULL DEFAULT 0,
            positions text,
            done bigint NOT NULL DEFAULT 0,
            done_at timestamptz,
            runs bigint NOT NULL DEFAULT 0,
            failures bigint NOT NULL DEFAULT 0,
            failure text,
            failed_at timestamptz,
            runner text,
            seen_at timestamptz NOT NULL,
            PRIMARY KEY (topology, table_schema, table_name)
        ) WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS millrace.step_rows (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            topology text COLLATE "C" NOT NULL,
            table_schema text COLLATE "C" NOT NULL,
            table_name text COLLATE "C" NOT NULL,
            commit bigint NOT NULL,
            keys bigint NOT NULL,
            window_sizes text[],
            window_starts timestamptz[],
            group_keys bytea[] NOT NULL
        );
        CREATE INDEX IF NOT EXISTS step_rows_commit
            ON millrace.step_rows (topology, table_schema, table_name, commit);

        """,
        """
        CREATE TABLE IF NOT EXISTS millrace.permits (
            topology text COLLATE "C" NOT NULL,
            node text COLLATE "C" NOT NULL,
            version bigint NOT NULL DEFAULT 0,
            book jsonb NOT NULL DEFAULT '{"claims": []}',
            PRIMARY KEY (topology, node)
        ) WITH (fillfactor = 50);
        CREATE OR REPLACE VIEW millrace.permit_claims AS
            SELECT p.topology, p.node, c.instance, c.held, c.wish, c."limit"
            FROM millrace.permits AS p, pg_catalog.jsonb_to_recordset(p.book OPERATOR(pg_catalog.->) 'claims')
                AS c(instance text, held integer, wish integer, "limit" integer);

        """,
    ]

    /// What cannot be said with IF NOT EXISTS.
    private static func migrate(_ connection: inout Connection) throws {
        let found = try connection.query(
            """
            SELECT EXISTS (SELECT 1 FROM pg_constraint WHERE conrelid = 'millrace.partitions'::regclass
                    AND conname = 'every_record_is_accounted_for' AND pg_get_constraintdef(oid) LIKE '%refused%'),
                (SELECT conname::text FROM pg_constraint WHERE conrelid = 'millrace.tables'::regclass
                    AND contype = 'p' AND cardinality(conkey) = 1),
                EXISTS (SELECT 1 FROM pg_constraint WHERE conrelid = 'millrace.dead_letters'::regclass
                    AND contype = 'p')
            """)
        if try found.bool(0, 0) == false {
            try connection.execute(
                """
                ALTER TABLE millrace.partitions DROP CONSTRAINT IF EXISTS every_record_is_accounted_for;
                ALTER TABLE millrace.partitions ADD CONSTRAINT every_record_is_accounted_for
                    CHECK (read = applied + filtered + dead + refused)
                """)
        }
        if let key = try found.text(0, 1) {
            try connection.execute(
                """
                ALTER TABLE millrace.tables DROP CONSTRAINT \(SQLName.quote(key));
                ALTER TABLE millrace.tables ALTER COLUMN table_name TYPE text COLLATE "C",
                    ADD PRIMARY KEY (table_schema, table_name, topology)
                """)
        }
        // Nothing in a letter is unique: one line of a file may be refused by two tables, and a topic be read twice.
        // Without a key, logical replication refuses to delete letters.
        if try found.bool(0, 2) == false {
            try connection.execute(
                "ALTER TABLE millrace.dead_letters ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
        }
    }
}
