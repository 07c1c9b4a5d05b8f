import LocalServices
import Postgres
import Testing

/// Databases that an earlier version has set up.
@Suite struct UpgradeTests {
    /// What the version before made, with a table that it filled.
    private static let before = [
        "CREATE SCHEMA millrace",
        """
        CREATE TABLE millrace.partitions (
            topology text COLLATE "C" NOT NULL, topic text COLLATE "C" NOT NULL, partition integer NOT NULL,
            next_offset bigint, owner_epoch bigint NOT NULL DEFAULT 0, owner text, cluster_id text, tail_offset bigint,
            tail_timestamp bigint, tail_checksum bigint, read bigint NOT NULL DEFAULT 0,
            applied bigint NOT NULL DEFAULT 0, filtered bigint NOT NULL DEFAULT 0, dead bigint NOT NULL DEFAULT 0,
            refused bigint NOT NULL DEFAULT 0, PRIMARY KEY (topology, topic, partition),
            CONSTRAINT every_record_is_accounted_for CHECK (read = applied + filtered + dead + refused)
        ) WITH (fillfactor = 50)
        """,
        """
        CREATE TABLE millrace.dead_letters (
            topology text COLLATE "C" NOT NULL, topic text COLLATE "C" NOT NULL, partition integer NOT NULL,
            "offset" bigint NOT NULL, line integer NOT NULL, reason text NOT NULL, payload bytea NOT NULL,
            message_time timestamptz)
        """,
        "CREATE INDEX dead_letters_place ON millrace.dead_letters (topology, topic, partition, \"offset\")",
        "CREATE TABLE millrace.tables (table_name text PRIMARY KEY, definition text NOT NULL)",
        "COMMENT ON SCHEMA millrace IS 'Millrace: positions, ledger, functions 123'",
    ]

    /// Turns what this version made into what the one before left behind.
    private static func downgrade(_ stand: IdentityStand, definition: String, table: String = "kpi") throws {
        try stand.sql("ALTER SCHEMA millrace RENAME TO saved")
        for statement in before { try stand.sql(statement) }
        try stand.sql(
            """
            INSERT INTO millrace.partitions SELECT topology, topic, partition, next_offset, owner_epoch, owner, cluster_id,
                tail_offset, tail_timestamp, tail_checksum, read, applied, filtered, dead, refused FROM saved.partitions
            """,
            "INSERT INTO millrace.dead_letters VALUES ('t', 'x', 0, 0, 0, 'reason', 'a', NULL)",
            "INSERT INTO millrace.tables VALUES ('\(table)', '\(definition)')", "DROP SCHEMA saved CASCADE")
    }

    /// No release had the column, but a database may.
    @Test func aClockUnderItsOldNameIsNotInTheWay() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("upgrade_clock")
            _ = try stand.runs(stand.topology())
            try stand.sql("ALTER TABLE millrace.partitions RENAME COLUMN clock_candidate TO clock_earliest")
            try stand.append(2)
            _ = try stand.runs(stand.topology())
            #expect(try stand.count() == 5)
        }
    }

    @Test func whatIsUnchangedGoesOn() async throws {
        try await onOwnThread {
            for (name, table) in [("upgrade_plain", "kpi"), ("upgrade_spelled", "public.kpi")] {
                let stand = try IdentityStand(name)
                _ = try stand.runs(stand.topology())
                try Self.downgrade(stand, definition: "window=60000000us; by=id:text; n=count()", table: table)
                try stand.append(2)
                _ = try stand.runs(stand.topology())
                #expect(try stand.count() == 5)
                let row = try stand.database.query(
                    "SELECT table_schema, table_name, topology, has_rows FROM millrace.tables")
                #expect(row.rowCount == 1)
                #expect(try (0..<3).map { try row.text(0, $0) } == ["public", "kpi", "t"])
                #expect(try row.bool(0, 3) == true)
                #expect(try stand.database.number("SELECT min(id) FROM millrace.dead_letters") == 1)
                // Letters of before have no cause, and nobody knows when they were written.
                let letters =
                    "SELECT count(*) FROM millrace.dead_letters WHERE reason = 'reason' AND num_nulls(cause, node, "
                    + "field, found, key, written_at) = 6"
                #expect(try stand.database.number(letters) == 1)
                // As the version before wrote them.
                try stand.sql(
                    """
                    INSERT INTO millrace.dead_letters
                    (topology, topic, partition, "offset", line, reason, payload, message_time)
                    VALUES ('t', 'x', 0, 1, 0, 'later', 'a', NULL)
                    """)
                #expect(
                    try stand.database.number(
                        "SELECT count(*) FROM millrace.dead_letters WHERE written_at <= now() AND cause IS NULL") == 1)
                #expect(
                    try stand.database.number(
                        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'millrace'::regnamespace") > 20)
            }
        }
    }

    @Test func whatHasChangedMeanwhileIsNamed() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("upgrade_changed")
            _ = try stand.runs(stand.topology())
            try Self.downgrade(stand, definition: "window=3600000000us; by=id:text; n=count()")
            try stand.run(stand.topology()).expect(
                .code(1), "table public.kpi", "window was 3600000000us, is 60000000us")
            try stand.sql("UPDATE millrace.tables SET definition = 'window=60000000us; by=id:text; n=count()'")
            try stand.run(stand.topology("renamed")).expect(
                .code(1), "it holds rows, and the positions of topology renamed that belong to them are gone")
            #expect(try stand.count() == 3)
        }
    }

    @Test func olderPositionsAreBroughtUpToDate() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("upgrade_older")
            _ = try stand.runs(stand.topology())
            try Self.downgrade(stand, definition: "window=60000000us; by=id:text; n=count()")
            try stand.sql(
                "ALTER TABLE millrace.partitions DROP CONSTRAINT every_record_is_accounted_for",
                "ALTER TABLE millrace.partitions DROP COLUMN refused, DROP COLUMN cluster_id",
                "ALTER TABLE millrace.partitions ADD CONSTRAINT every_record_is_accounted_for CHECK (read = applied + filtered + dead)"
            )
            try stand.append(1)
            _ = try stand.runs(stand.topology())
            #expect(try stand.count() == 4)
            let check = try stand.database.query(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'every_record_is_accounted_for'")
            #expect(try check.text(0, 0)?.contains("refused") == true)
        }
    }

    @Test func whatSomebodyDroppedIsRestored() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("upgrade_dropped")
            _ = try stand.runs(stand.topology())
            try stand.sql("DROP FUNCTION millrace.percentile_low", "DROP TABLE millrace.dead_letters")
            _ = try stand.runs(stand.topology())
            let found = try stand.database.query(
                "SELECT to_regproc('millrace.percentile_low')::text, to_regclass('millrace.dead_letters')::text")
            #expect(!found.isNull(0, 0) && !found.isNull(0, 1))
        }
    }

    @Test func aRestoredDumpIsNoFalseAlarm() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("upgrade_dump")
            _ = try stand.runs(stand.topology())
            // As after pg_dump and pg_restore: other oids for everything, the same rows.
            try stand.sql(
                "CREATE TABLE copy AS SELECT * FROM kpi", "DROP TABLE kpi",
                "ALTER TABLE copy RENAME TO kpi", "ALTER TABLE kpi ADD PRIMARY KEY (window_start, group_key)",
                "CREATE TABLE millrace.copy (LIKE millrace.tables INCLUDING ALL)",
                "INSERT INTO millrace.copy SELECT * FROM millrace.tables", "DROP TABLE millrace.tables",
                "ALTER TABLE millrace.copy RENAME TO tables")
            try stand.append(1)
            _ = try stand.runs(stand.topology())
            #expect(try stand.count() == 4)
        }
    }
}
