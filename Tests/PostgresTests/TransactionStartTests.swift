import LocalServices
import Testing

@testable import Postgres

@Suite struct TransactionStartTests {
    private static let start = TransactionStart(searchPath: .builtins, settings: [("lock_timeout", "1234")])

    @Test func settingsHoldForTheTransactionAlone() throws {
        var connection = try TestCluster.connect()
        let path = try connection.query("SHOW search_path").text(0, 0)
        let answers = try connection.begin(Self.start) { pipeline in
            pipeline.query("SHOW lock_timeout")
            pipeline.query("SHOW search_path")
        }
        #expect(try answers.map { try $0.text(0, 0) } == ["1234ms", "pg_catalog, pg_temp"])
        try connection.execute("COMMIT")
        #expect(try connection.query("SHOW lock_timeout").text(0, 0) == "0")
        #expect(try connection.query("SHOW search_path").text(0, 0) == path)
    }

    /// A role's preferences decide nothing about our transactions.
    @Test func nothingIsInherited() throws {
        var owner = try TestCluster.connect()
        try owner.execute("CREATE ROLE odd LOGIN; CREATE SCHEMA odd_place")
        try owner.execute("GRANT ALL ON SCHEMA odd_place TO odd")
        for setting in [
            "default_transaction_isolation = 'serializable'", "statement_timeout = '200ms'",
            "standard_conforming_strings = off", "search_path = odd_place, public",
        ] { try owner.execute("ALTER ROLE odd SET \(setting)") }
        var connection = try TestCluster.connect(user: "odd")
        #expect(connection.userSchemas == ["odd_place", "public"])
        let answers = try connection.begin(Self.start) { pipeline in
            pipeline.query("SHOW transaction_isolation")
            pipeline.query("SHOW standard_conforming_strings")
            pipeline.query("SELECT pg_sleep(0.4)::text")
        }
        #expect(try answers.prefix(2).map { try $0.text(0, 0) } == ["read committed", "on"])
        try connection.execute("COMMIT")
        let users = TransactionStart(searchPath: .builtinsThenUser)
        let path = try connection.begin(users) { $0.query("SHOW search_path") }
        #expect(try path.first?.text(0, 0) == "pg_catalog, \"odd_place\", \"public\", pg_temp")
    }

    @Test func errorsCountTheCallersStatements() throws {
        var connection = try TestCluster.connect()
        let error = failure { () throws(PostgresError) in
            try connection.begin(Self.start) { pipeline in
                pipeline.query("SELECT 1")
                pipeline.query("SELECT 1/0")
            }
        }
        #expect(error?.sqlState == "22012")
        #expect(error?.statementIndex == 1)
        #expect(connection.transactionStatus == .failed)
    }

    /// Who may create in a schema of the search path can make a function that fits better than a builtin one.
    @Test func functionsOfOthersAreNeverRun() throws {
        try TestCluster.get().createDatabase("trapped")
        let settings = try ConnectionSettings(url: TestCluster.get().url(database: "trapped"))
        var owner = try Connection.connect(settings, deadline: .now + .seconds(10))
        try owner.execute("SET check_function_bodies = off")
        for (name, arguments, result) in [
            ("current_schemas", "boolean", "name[]"), ("unnest", "name[]", "name"), ("unnest", "int[]", "int"),
            ("pg_backend_pid", "", "int"), ("set_config", "text, text, boolean", "text"),
            ("transaction_timestamp", "", "timestamptz"), ("pg_blocking_pids", "int", "int[]"),
            ("pg_terminate_backend", "int", "boolean"), ("clock_timestamp", "", "timestamptz"),
        ] {
            try owner.execute(
                "CREATE FUNCTION public.\(name)(\(arguments)) RETURNS \(result) LANGUAGE plpgsql AS "
                    + "$$ BEGIN RAISE EXCEPTION 'trapped by \(name)'; END $$")
        }
        try owner.execute(
            """
            CREATE FUNCTION public.trap(int, int) RETURNS boolean LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'trapped by ='; END $$;
            CREATE OPERATOR public.= (LEFTARG = int, RIGHTARG = int, FUNCTION = public.trap);
            ALTER DATABASE trapped SET search_path = public, pg_catalog
            """)
        var connection = try Connection.connect(settings, deadline: .now + .seconds(10))
        let caught = failure { () throws(PostgresError) in try connection.query("SELECT pg_backend_pid()") }
        #expect(caught?.message == "trapped by pg_backend_pid", "the traps are laid")
        let known = connection.process
        let process = try #require(known)
        let report = try connection.report(on: process)
        #expect(report.exists)
        let isEnded = try connection.terminate(ServerProcess(id: 1, started: 1))
        #expect(!isEnded)
        #expect(connection.userSchemas == ["public"])
    }

    @Test func oldServersAreRefusedInWords() {
        // What a PostgreSQL 11 would otherwise answer is a syntax error.
        let error = PostgresTests.failure { () throws(PostgresError) in try Connection.checkVersion(110_022) }
        #expect(error?.description == "postgres: the server is PostgreSQL 11, expected 13 or later")
        #expect(error?.fate == .configuration)
        #expect(
            PostgresTests.failure { () throws(PostgresError) in try Connection.checkVersion(90_624) }?.message
                .contains("9.6,") == true)
        #expect(PostgresTests.failure { () throws(PostgresError) in try Connection.checkVersion(130_000) } == nil)
    }
}
