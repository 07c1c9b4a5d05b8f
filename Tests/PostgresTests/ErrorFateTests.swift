import Dispatch
import Glibc
import LocalServices
import Postgres
import Synchronization
import Testing

@Suite struct ErrorFateTests {
    private func error(of sql: String, _ parameters: [Parameter] = []) throws -> PostgresError? {
        var connection = try TestCluster.connect()
        try connection.execute("CREATE TEMP TABLE limits(a int PRIMARY KEY, b text NOT NULL CHECK (b <> ''))")
        try connection.execute("INSERT INTO limits VALUES (1, 'first'); CREATE UNIQUE INDEX ON limits(b)")
        let error = failure { () throws(PostgresError) in try connection.query(sql, parameters) }
        #expect(isAlive(&connection) == true)
        return error
    }

    @Test func valuesTheDatabaseRefusesAreData() throws {
        let long = String((0..<3000).flatMap { "\($0 &* 7919)," })
        let cases: [(String, [Parameter], String)] = [
            ("SELECT (9223372036854775807 + $1)::bigint", [.int64(1)], "22003"),
            ("SELECT '1e400'::float8", [], "22003"),
            ("SELECT $1", [.text("nul \0 inside")], "22021"),
            ("SELECT 'secret'::int", [], "22P02"),
            ("SELECT '\"\\ud800\"'::jsonb", [], "22P02"),
            ("SELECT '300000-01-01'::date::timestamptz", [], "22008"),
            ("INSERT INTO limits VALUES (2, $1)", [.text(long)], "54000"),
        ]
        for (sql, parameters, sqlState) in cases {
            let error = try error(of: sql, parameters)
            #expect(error?.sqlState == sqlState, "\(sql)")
            #expect(error?.fate == .data, "\(sql)")
            #expect(error?.isRetryable == false)
        }
    }

    @Test func invalidUTF8IsData() throws {
        var array = ArrayBuilder(.text)
        let bytes: [UInt8] = [0x61, 0xFF, 0xFE]
        array.append(bytes)
        #expect(try error(of: "SELECT $1", [.array(array)])?.sqlState == "22021")
    }

    @Test func whatAPersonMustChangeIsConfiguration() throws {
        for (sql, sqlState) in [
            ("SELECT * FROM no_such_table", "42P01"), ("SELECT no_such_column FROM limits", "42703"),
            ("SELEC 1", "42601"), ("SELECT no_such_function()", "42883"), ("SELECT * FROM limits, nowhere.x", "42P01"),
            ("CREATE TABLE no_such_schema.x()", "3F000"),
        ] {
            let error = try error(of: sql)
            #expect(error?.sqlState == sqlState, "\(sql)")
            #expect(error?.fate == .configuration, "\(sql)")
        }
    }

    @Test func missingRightsAreConfiguration() throws {
        var owner = try TestCluster.connect()
        try owner.execute("CREATE ROLE nobody_special LOGIN; CREATE TABLE private_things(a int)")
        var connection = try TestCluster.connect(user: "nobody_special")
        let error = failure { () throws(PostgresError) in try connection.query("SELECT * FROM private_things") }
        #expect(error?.sqlState == "42501")
        #expect(error?.fate == .configuration)
    }

    @Test func constraintsAreNamedAndOther() throws {
        let unique = try error(of: "INSERT INTO limits VALUES (1, 'hidden value')")
        #expect(unique?.sqlState == "23505")
        #expect(unique?.fate == .other)
        #expect(unique?.table == "limits")
        #expect(unique?.constraint == "limits_pkey")
        #expect(unique?.detail?.contains("(1)") == true)
        #expect(try error(of: "INSERT INTO limits VALUES (3, NULL)")?.column == "b")
        #expect(try error(of: "INSERT INTO limits VALUES (3, '')")?.sqlState == "23514")
    }

    @Test func descriptionsHoldNoRecordContents() throws {
        for sql in [
            "SELECT 'secret'::int", "SELECT 'secret'::numeric", "SELECT 'secret'::timestamptz",
            "SELECT '99999999999secret'::int", "SELECT '{\"a\": secret}'::json", "SELECT 'secret'::bool",
            "SELECT 'secret'::bytea::text::uuid", "INSERT INTO limits VALUES (1, 'secret')",
            "INSERT INTO limits VALUES (9, 'first')", "SELECT to_date('secret', 'YYYY')", "SELECT 'se\"cret'::int",
        ] {
            let text = try #require(try error(of: sql)).description
            #expect(!text.contains("cret") && !text.contains("first"), "\(text)")
        }
        let overflow = try #require(try error(of: "SELECT '99999999999'::int"))
        #expect(overflow.description == "postgres[22003]: value \"…\" is out of range for type integer")
    }

    @Test func aDeadlockIsRetried() throws {
        var first = try TestCluster.connect()
        var second = try TestCluster.connect()
        try first.execute(
            "CREATE TABLE deadlock(id int PRIMARY KEY, n int); INSERT INTO deadlock VALUES (1, 0), (2, 0)")
        try first.execute("BEGIN; UPDATE deadlock SET n = 1 WHERE id = 1")
        try second.execute("BEGIN; UPDATE deadlock SET n = 2 WHERE id = 2")
        // The other order on another thread; one of the two has to give way.
        let other = OtherThread(second) { (connection: inout Connection) -> PostgresError? in
            failure { () throws(PostgresError) in try connection.execute("UPDATE deadlock SET n = 2 WHERE id = 1") }
        }
        let mine = failure { () throws(PostgresError) in
            try first.execute("UPDATE deadlock SET n = 1 WHERE id = 2", deadline: .now + .seconds(20))
        }
        if mine != nil { try first.execute("ROLLBACK") } else { try first.execute("COMMIT") }
        let theirs: PostgresError? = other.wait() ?? nil
        let losers = [mine, theirs].compactMap { $0 }
        #expect(losers.map(\.sqlState) == ["40P01"])
        #expect(losers.first?.fate == .retryTransaction)
    }

    @Test func aLockTimeoutAndASerializationFailureAreRetried() throws {
        var first = try TestCluster.connect()
        var second = try TestCluster.connect()
        try first.execute("CREATE TABLE locked(id int PRIMARY KEY, n int); INSERT INTO locked VALUES (1, 0)")
        try second.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM locked")
        try first.execute("BEGIN; UPDATE locked SET n = 1")
        try second.execute("SET LOCAL lock_timeout = '20ms'; SAVEPOINT before")
        let busy = failure { () throws(PostgresError) in try second.query("UPDATE locked SET n = 2") }
        #expect(busy?.sqlState == "55P03")
        #expect(busy?.fate == .retryTransaction)
        try second.execute("ROLLBACK TO before")
        try first.execute("COMMIT")
        let stale = failure { () throws(PostgresError) in try second.query("UPDATE locked SET n = 2") }
        #expect(stale?.sqlState == "40001")
        #expect(stale?.fate == .retryTransaction)
    }

    @Test func aTerminatedBackendMeansReconnecting() throws {
        var victim = try TestCluster.connect()
        var killer = try TestCluster.connect()
        try killer.query("SELECT pg_terminate_backend($1)", [.int32(victim.backendPID)])
        let error = failure { () throws(PostgresError) in try victim.query("SELECT pg_sleep(20)") }
        #expect(error?.sqlState == "57P01")
        #expect(error?.fate == .reconnect)
        #expect(error?.isConnectionLost == true)
        #expect(victim.transactionStatus == .unknown)
        let again = failure { () throws(PostgresError) in try victim.query("SELECT 1") }
        #expect(again?.kind == .connection)
        #expect(again?.fate == .reconnect)
        #expect(again?.isOutcomeUnknown == false)
    }

    @Test func anIdleConnectionNoticesItsEndWithoutAsking() throws {
        let notices = Mutex<[Notice]>([])
        var victim = try TestCluster.connect(onNotice: { notice in notices.withLock { $0.append(notice) } })
        #expect(isAlive(&victim) == true)
        var killer = try TestCluster.connect()
        try killer.query("SELECT pg_terminate_backend($1)", [.int32(victim.backendPID)])
        let deadline = ContinuousClock.now + .seconds(10)
        while victim.isAlive(), ContinuousClock.now < deadline { sched_yield() }
        #expect(isAlive(&victim) == false)
        #expect(notices.withLock { $0.map(\.sqlState) } == ["57P01"])
    }

    @Test func readOnlySessionsAndFullServersMeanReconnecting() throws {
        #expect(try error(of: "BEGIN READ ONLY") == nil)
        var connection = try TestCluster.connect()
        try connection.execute("CREATE TABLE readable(a int); BEGIN READ ONLY")
        let readOnly = failure { () throws(PostgresError) in try connection.query("INSERT INTO readable VALUES (1)") }
        #expect(readOnly?.sqlState == "25006")
        #expect(readOnly?.fate == .reconnect)
        try connection.execute("ROLLBACK; CREATE ROLE only_one LOGIN CONNECTION LIMIT 0")
        let full = failure { () throws(PostgresError) in
            do { return try TestCluster.connect(user: "only_one") } catch let error as PostgresError {
                throw error
            } catch {
                throw PostgresError(.usage, "\(error)")
            }
        }
        #expect(full?.sqlState == "53300")
        #expect(full?.fate == .reconnect)
    }

    @Test func copyIsRefusedAndClosesTheConnection() throws {
        var connection = try TestCluster.connect()
        let error = failure { () throws(PostgresError) in try connection.execute("COPY (SELECT 1) TO STDOUT") }
        #expect(error?.kind == .usage)
        #expect(error?.isConnectionLost == true)
        #expect(isAlive(&connection) == false)
    }

    @Test func theFirstOfSeveralStatementsFails() throws {
        var connection = try TestCluster.connect()
        let error = failure { () throws(PostgresError) in
            try connection.execute("CREATE TABLE rolled_back(a int); SELECT 1/0; SELECT broken")
        }
        #expect(error?.sqlState == "22012")
        #expect(try connection.query("SELECT to_regclass('rolled_back')::text").isNull(0, 0))
    }

    @Test(arguments: [
        ("40003", PostgresError.Fate.other), ("53100", .diskFull), ("53200", .retryTransaction), ("57P03", .reconnect),
        ("08006", .reconnect), ("28000", .configuration), ("3D000", .configuration), ("XX000", .other),
    ])
    func otherStatesHaveTheirFate(sqlState: String, fate: PostgresError.Fate) {
        #expect(PostgresError(.server, "x", sqlState: sqlState).fate == fate)
    }
}
