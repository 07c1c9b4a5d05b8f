import Postgres
import Testing

/// Two names that are one table, one name that is two, and things that look like tables.
@Suite struct TableNameTests {
    @Test func twoSinksThatAreOneTableAreRefused() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_alias")
            try stand.run(stand.topology(more: IdentityStand.sink("again", "public.kpi"))).expect(
                .code(1), "table public.kpi", "sinks out (table: kpi) and again (table: public.kpi)")
            #expect(try stand.database.query("SELECT to_regclass('public.kpi')::text").isNull(0, 0))
        }
    }

    @Test func anotherTopologyUnderAnotherSpellingIsRefused() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_other_spelling")
            _ = try stand.runs(stand.topology())
            let before = try stand.state()
            try stand.run(stand.topology("hourly", window: "1h", sinks: "table: public.kpi")).expect(
                .code(1), "table public.kpi: topology t keeps it (its sink out)")
            #expect(try stand.state() == before)
            #expect(try stand.count() == 3)
        }
    }

    /// One server by two addresses: what a table is and who keeps it stands in the database, not in the URL.
    @Test func aDatabaseBehindTwoURLsIsOne() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_two_urls")
            _ = try stand.runs(stand.topology())
            let url = stand.database.url.replacing("@127.0.0.1:", with: "@localhost:")
            #expect(url != stand.database.url)
            try stand.run(stand.topology("u"), url: url).expect(.code(1), "table public.kpi: topology t keeps it")
            try stand.append(2)
            _ = try stand.runs(stand.topology(), url: url)
            #expect(try stand.count() == 5)
        }
    }

    @Test func aSearchPathMakesNoSecondTable() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_search_path")
            try stand.sql(
                "CREATE SCHEMA kpis", "CREATE ROLE other_path LOGIN SUPERUSER",
                "ALTER ROLE other_path SET search_path = kpis, public")
            _ = try stand.runs(stand.topology(sinks: "table: kpis.kpi"))
            let url = stand.database.url.replacing("postgres@", with: "other_path@")
            try stand.run(stand.topology("u"), url: url).expect(.code(1), "table kpis.kpi: topology t keeps it")
            // The same topology goes on, whatever its table is called.
            try stand.append(2)
            _ = try stand.runs(stand.topology(), url: url)
            #expect(try stand.count("kpis.kpi") == 5)
            #expect(try stand.database.query("SELECT to_regclass('public.kpi')::text").isNull(0, 0))
        }
    }

    @Test func aRoleCalledMillraceKeepsItsTablesOutOfTheBookkeeping() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_role_millrace")
            try stand.sql(
                "CREATE ROLE millrace LOGIN", "GRANT CREATE ON DATABASE name_role_millrace TO millrace",
                "GRANT CREATE ON SCHEMA public TO millrace")
            let url = stand.database.url.replacing("postgres@", with: "millrace@")
            _ = try stand.runs(stand.topology(), url: url)
            // The second start finds the schema millrace in the search path, by "$user".
            try stand.append(1)
            _ = try stand.runs(stand.topology(more: ""), url: url)
            #expect(try stand.count("public.kpi") == 4)
            #expect(try stand.database.query("SELECT to_regclass('millrace.kpi')::text").isNull(0, 0))
            // Nothing else is left to give: neither CREATE on the database nor on the schema of its tables.
            try stand.sql(
                "REVOKE CREATE ON DATABASE name_role_millrace FROM millrace",
                "REVOKE CREATE ON SCHEMA public FROM millrace",
                "COMMENT ON SCHEMA millrace IS 'of an earlier version'")
            try stand.append(1)
            _ = try stand.runs(stand.topology(), url: url)
            #expect(try stand.count("public.kpi") == 5)
        }
    }

    @Test func whatIsNoTableIsNamed() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_kinds")
            try stand.sql(
                "CREATE TABLE base (window_start timestamptz, id text, n bigint, group_key bytea, PRIMARY KEY (window_start, group_key))",
                "CREATE VIEW a_view AS SELECT * FROM base", "CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM base",
                "CREATE SEQUENCE a_sequence", "CREATE UNLOGGED TABLE a_quick (LIKE base INCLUDING ALL)",
                // Without a handler a foreign table can be declared, which is enough and needs no extension.
                "CREATE FOREIGN DATA WRAPPER nothing", "CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing",
                "CREATE FOREIGN TABLE a_foreign (n bigint) SERVER elsewhere",
                "CREATE TABLE a_ruled (LIKE base INCLUDING ALL)",
                "CREATE RULE quiet AS ON UPDATE TO a_ruled DO INSTEAD NOTHING")
            for (table, words) in [
                ("a_view", "it is a view, expected a table"), ("a_matview", "it is a materialized view"),
                ("a_sequence", "it is a sequence"), ("base_pkey", "it is an index"),
                ("a_foreign", "it is a foreign table"),
                ("a_ruled", "its rule quiet rewrites what is written into it"),
                ("a_quick", "it is UNLOGGED: after a crash Postgres empties it"),
            ] {
                try stand.run(stand.topology(sinks: "table: \(table)")).expect(.code(1), "table public.\(table)", words)
            }
        }
    }

    @Test func aPartOfAnotherSinksTableIsRefused() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_parts")
            try stand.sql(
                """
                CREATE TABLE kpi (window_start timestamptz NOT NULL, id text, n bigint, group_key bytea NOT NULL,
                    PRIMARY KEY (window_start, group_key)) PARTITION BY RANGE (window_start)
                """, "CREATE TABLE kpi_all PARTITION OF kpi DEFAULT")
            try stand.run(stand.topology(more: IdentityStand.sink("part", "kpi_all"))).expect(
                .code(1), "table public.kpi_all, which sink part writes, is a part of public.kpi, which sink out writes"
            )
            _ = try stand.runs(stand.topology())
            #expect(try stand.count() == 3)
            try stand.run(stand.topology("u", sinks: "table: kpi_all")).expect(
                .code(1), "table public.kpi_all shares rows with public.kpi, which topology t keeps")
        }
    }

    @Test func aTableWithInheritingChildrenIsRefused() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_children")
            try stand.sql(
                """
                CREATE TABLE kpi (window_start timestamptz NOT NULL, id text, n bigint, group_key bytea NOT NULL,
                    PRIMARY KEY (window_start, group_key))
                """, "CREATE TABLE kpi_2024 () INHERITS (kpi)")
            try stand.run(stand.topology()).expect(
                .code(1), "table public.kpi: other tables inherit from it (public.kpi_2024)", "PARTITION BY")
        }
    }

    @Test func capitalsAndUnicodeFormsMakeNoTwinByMistake() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_twins")
            _ = try stand.runs(stand.topology(sinks: "table: caf\u{e9}"))
            for twin in ["Caf\u{e9}", "cafe\u{301}"] {
                try stand.run(stand.topology("u", sinks: "table: \(twin)")).expect(
                    .code(1), "is not there, but public.caf\u{e9} is")
            }
            // Who means two tables makes the second.
            try stand.sql("CREATE TABLE \"Caf\u{e9}\" (LIKE \"caf\u{e9}\" INCLUDING ALL)")
            _ = try stand.runs(stand.topology("u", sinks: "table: Caf\u{e9}"))
            #expect(try stand.count("\"Caf\u{e9}\"") == 3)
            #expect(try stand.count("\"caf\u{e9}\"") == 3)
        }
    }

    @Test func sharedTablesAreSharedWhenBothSaySo() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_shared")
            _ = try stand.runs(stand.topology("a", sinks: "table: kpi, shared: true"))
            try stand.run(stand.topology("b")).expect(.code(1), "shared: true", "this sink does not say it")
            try stand.run(stand.topology("b", window: "1h", sinks: "table: kpi, shared: true")).expect(
                .code(1), "topology a shares it and summarizes otherwise: window was 1m, is 1h")
            _ = try stand.runs(stand.topology("b", sinks: "table: kpi, shared: true"))
            #expect(try stand.count() == 6)
        }
    }

    @Test func generatedColumnsAndRoundingTypesAreNamed() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("name_generated")
            try stand.sql(
                """
                CREATE TABLE kpi (window_start timestamptz NOT NULL, id text, group_key bytea NOT NULL,
                    n bigint GENERATED ALWAYS AS IDENTITY, s numeric(10,2), number bigint GENERATED ALWAYS AS IDENTITY,
                    size integer GENERATED ALWAYS AS (length(id)) STORED,
                    PRIMARY KEY (window_start, group_key) DEFERRABLE)
                """.replacing("number bigint GENERATED ALWAYS AS IDENTITY,", with: "number bigserial NOT NULL,"))
            try stand.run(stand.topology(metrics: "{ n: count(), s: sum(v) }")).expect(
                .code(1), "column n is GENERATED ALWAYS AS IDENTITY", "column s is numeric(10,2), which rounds",
                "the primary key is DEFERRABLE")
            // Columns of a user's own may be made by the database.
            try stand.sql(
                "DROP TABLE kpi",
                """
                CREATE TABLE kpi (number bigint GENERATED ALWAYS AS IDENTITY, window_start timestamptz NOT NULL, id text,
                    group_key bytea NOT NULL, n bigint, size integer GENERATED ALWAYS AS (length(id)) STORED,
                    PRIMARY KEY (window_start, group_key))
                """)
            _ = try stand.runs(stand.topology())
            #expect(try stand.database.number("SELECT n * 100 + number * 10 + size FROM kpi") == 311)
        }
    }
}
