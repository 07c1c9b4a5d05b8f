import Dataflow
import Foundation
import LocalServices
import Postgres
import Synchronization
import Testing

@testable import Nodes

/// What a session does about a server that is silent, locked, frozen, half gone, or that changed its mind, on a real
/// one.
@Suite(.serialized) struct PostgresSessionTests {
    private static let server = Result<PrivatePostgres, LocalServiceError> { () throws(LocalServiceError) in
        var options = PrivatePostgres.Options()
        options.authentication = .password("first")
        return try PrivatePostgres.start(options)
    }

    /// A server with a database for one test, and what a session said to its pipeline.
    private struct Stand {
        let url: String
        let said = Shared<[String?]>([])
        let isStopped = Shared(false)

        init(_ name: String) throws {
            try PostgresSessionTests.server.get().createDatabase(name)
            url = try PostgresSessionTests.server.get().url(database: name)
        }

        func connect() throws -> Connection {
            try Connection.connect(ConnectionSettings(url: url), deadline: .now + .seconds(20))
        }

        func execute(_ sql: String) throws {
            var connection = try connect()
            try connection.execute(sql)
        }

        func session(_ bounds: SilenceBounds, url: String? = nil) throws -> PostgresSession {
            PostgresSession(
                try ConnectionSettings(url: url ?? self.url), name: "test", board: TroubleBoard(), bounds: bounds
            ) { _ in }
        }

        var context: CommitContext {
            CommitContext(
                isCancelled: { isStopped.value }, reportTrouble: { said.value.append($0) },
                wait: { _ in usleep(2_000) })
        }

        /// The last thing that was said.
        var trouble: String? { said.value.last ?? nil }

        /// Runs `body` in the background once a text was said, or right away.
        func when(_ text: String, _ body: @escaping @Sendable () -> Void) {
            Thread.detachNewThread {
                let deadline = ContinuousClock.now + .seconds(30)
                while !(trouble?.contains(text) ?? false), ContinuousClock.now < deadline { usleep(5_000) }
                body()
            }
        }
    }

    private static var quick: SilenceBounds {
        var bounds = SilenceBounds()
        bounds.word = .milliseconds(300)
        bounds.question = .milliseconds(500)
        bounds.unanswered = .milliseconds(1_500)
        bounds.standingStill = .seconds(1)
        return bounds
    }

    @Test func aLockIsNamedAndTakenBackWhenItIsGone() throws {
        let stand = try Stand("session_lock")
        try stand.execute("CREATE TABLE kpi(a int)")
        let holder = Shared<SharedConnection?>(SharedConnection(try stand.connect()))
        try holder.value?.execute("BEGIN; LOCK TABLE kpi")
        let pid = holder.value?.pid ?? 0
        stand.when("lock") { holder.value = nil }
        let session = try stand.session(Self.quick)
        try session.run(stand.context) { connection, _ in
            try connection.begin(.positions) { $0.query("LOCK TABLE public.kpi") }
            try connection.execute("COMMIT")
        }
        let words = try #require(stand.said.value.compactMap(\.self).first)
        #expect(
            words.contains("for a lock on table public.kpi, held by process \(pid) (millrace, idle in transaction)"))
        #expect(stand.said.value.last == .some(nil))
    }

    @Test func aStopEndsAWaitWithinASecond() throws {
        let stand = try Stand("session_stop")
        var holder = try stand.connect()
        try holder.execute("CREATE TABLE kpi(a int)")
        try holder.execute("BEGIN; LOCK TABLE kpi")
        let told = Shared(ContinuousClock.now)
        stand.when("lock") {
            told.value = .now
            stand.isStopped.value = true
        }
        let session = try stand.session(Self.quick)
        #expect(throws: WaitCancelled.self) {
            try session.run(stand.context) { connection, _ in try connection.execute("BEGIN; LOCK TABLE kpi") }
        }
        #expect(ContinuousClock.now - told.value < .seconds(1))
        try holder.execute("ROLLBACK")
    }

    @Test func aFrozenServerProcessIsLeft() throws {
        let stand = try Stand("session_frozen")
        let session = try stand.session(Self.quick)
        let frozen = try session.run(stand.context) { connection, _ in connection.backendPID }
        kill(frozen, SIGSTOP)
        defer { kill(frozen, SIGCONT) }
        let isNew = try session.run(stand.context) { connection, isNew in
            try connection.begin(.positions)
            try connection.execute("COMMIT")
            return isNew
        }
        #expect(isNew)
        #expect(stand.said.value.compactMap(\.self).first?.contains("the database has not answered for") == true)
        #expect(stand.said.value.last == .some(nil))
    }

    /// The client has given the connection up, the server does not know: its process still has the locks.
    @Test func theServersHalfOfALostConnectionIsEnded() throws {
        let stand = try Stand("session_half")
        try stand.execute("CREATE TABLE kpi(a int)")
        let proxy = try FaultProxy(targetPort: Self.server.get().port)
        let direct = try Self.server.get().port
        let url =
            "host=127.0.0.1,127.0.0.1 port=\(proxy.port),\(direct) user=postgres password=first "
            + "dbname=session_half connect_timeout=4"
        let session = try stand.session(Self.quick, url: url)
        let pids = Shared<[Int32]>([])
        try session.run(stand.context) { connection, _ in
            pids.value.append(connection.backendPID)
            try connection.begin(.positions) { $0.query("LOCK TABLE public.kpi") }
            if pids.value.count == 1 {
                try #require(proxy.connectionCount == 1)
                proxy.stall(true)
            }
            try connection.execute("COMMIT")
        }
        // The second try got the lock: it did not have to wait for any timeout of the server.
        #expect(pids.value.count == 2)
        var observer = try stand.connect()
        #expect(
            try observer.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1", [.int32(pids.value[0])]).rowCount == 0)
        proxy.stop()
    }

    @Test func anInstanceThatStandsStillGivesWay() throws {
        let stand = try Stand("session_standing")
        try stand.execute("CREATE SCHEMA millrace; CREATE TABLE millrace.partitions(a int)")
        try stand.execute("INSERT INTO millrace.partitions VALUES (1)")
        var frozen = try stand.connect()
        try frozen.begin(.commit) { $0.query("UPDATE millrace.partitions SET a = 2") }
        let session = try stand.session(Self.quick)
        let start = ContinuousClock.now
        try session.run(stand.context) { connection, _ in
            try connection.begin(.positions) { $0.query("UPDATE millrace.partitions SET a = 3") }
            try connection.execute("COMMIT")
        }
        #expect(ContinuousClock.now - start < .milliseconds(SinkLimits.lockTimeoutMilliseconds))
        #expect(throws: PostgresError.self) { try frozen.execute("COMMIT") }
    }

    @Test func transactionsOfOursThatStandStillAreEndedByTheServer() throws {
        let stand = try Stand("session_idle")
        var connection = try stand.connect()
        let answers = try connection.begin(.commit) { $0.query("SHOW idle_in_transaction_session_timeout") }
        #expect(try answers.first?.text(0, 0) == "15s")
    }

    @Test func whatAPersonMustMendStopsAFirstStartAndIsWaitedForLater() throws {
        let stand = try Stand("session_password")
        try stand.execute("CREATE ROLE app LOGIN PASSWORD 'right'")
        let wrong = try Self.server.get().url(database: "session_password", user: "app", password: "wrong")
        let first = try stand.session(Self.quick, url: wrong)
        let refusal = #expect(throws: SinkError.self) { try first.run(stand.context) { _, _ in } }
        #expect(refusal?.description.contains("check the user and the password") == true)

        let right = try Self.server.get().url(database: "session_password", user: "app", password: "right")
        let session = try stand.session(Self.quick, url: right)
        let pid = try session.run(stand.context) { connection, _ in connection.backendPID }
        try stand.execute("ALTER ROLE app PASSWORD 'other'; SELECT pg_terminate_backend(\(pid))")
        stand.when("password authentication failed") {
            do { try stand.execute("ALTER ROLE app PASSWORD 'right'") } catch { Issue.record("\(error)") }
        }
        try session.run(stand.context) { connection, _ in try connection.execute("SELECT 1") }
        #expect(stand.said.value.contains { $0?.contains("check the user and the password") ?? false })
        #expect(stand.said.value.last == .some(nil))
    }

    @Test func rightsThatAreGrantedLaterAreNoticed() throws {
        let stand = try Stand("session_rights")
        try stand.execute(
            "CREATE ROLE poor LOGIN PASSWORD 'first'; CREATE TABLE kpi(a int); GRANT SELECT ON kpi TO poor")
        let url = try Self.server.get().url(database: "session_rights", user: "poor", password: "first")
        let session = try stand.session(Self.quick, url: url)
        try session.run(stand.context) { connection, _ in try connection.execute("SELECT * FROM kpi") }
        try stand.execute("REVOKE SELECT ON kpi FROM poor")
        stand.when("permission denied for table kpi") {
            do { try stand.execute("GRANT SELECT ON kpi TO poor") } catch { Issue.record("\(error)") }
        }
        try session.run(stand.context) { connection, _ in try connection.execute("SELECT * FROM kpi") }
        #expect(stand.said.value.last == .some(nil))
        // At the start it is a reason to stop.
        try stand.execute("REVOKE SELECT ON kpi FROM poor")
        let fresh = try stand.session(Self.quick, url: url)
        #expect(throws: SinkError.self) {
            try fresh.run(stand.context) { connection, _ in try connection.execute("SELECT * FROM kpi") }
        }
    }

    @Test(arguments: ["40001", "57014"])
    func anErrorThatComesAgainAndAgainDoesNotLoopForEver(sqlState: String) throws {
        let stand = try Stand("session_loop_\(sqlState)")
        let session = try stand.session(Self.quick)
        let tries = Shared(0)
        let searches = Shared(0)
        let refusal = #expect(throws: SinkError.self) {
            try session.run(stand.context) { connection, _ in
                tries.value += 1
                do {
                    try connection.execute("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '\(sqlState)'; END $$")
                } catch let error as PostgresError where session.doesNotPass(error) {
                    searches.value += 1
                    throw error
                }
            }
        }
        #expect(tries.value == SinkLimits.sameErrorsMax)
        #expect(searches.value == 1)
        #expect(refusal?.description.contains("12 times in a row") == true, "\(String(describing: refusal))")
    }

    /// Whoever has to read the positions again must not be told after a lock timeout that there is no need any more.
    @Test func aConnectionIsNewUntilSomethingWasDoneOnIt() throws {
        let stand = try Stand("session_new")
        let session = try stand.session(Self.quick)
        let news = Shared<[Bool]>([])
        for _ in 1...2 {
            try session.run(stand.context) { connection, isNew in
                news.value.append(isNew)
                if news.value.count == 1 {
                    try connection.execute("DO $$ BEGIN RAISE EXCEPTION 'busy' USING ERRCODE = '55P03'; END $$")
                }
            }
        }
        #expect(news.value == [true, true, false])
    }

    @Test func anyErrorOfATriggerMayBeARows() {
        func error(_ sqlState: String) -> PostgresError { PostgresError(.server, "raised", sqlState: sqlState) }
        for state in ["ABCDE", "XX000", "P0001", "23514", "22003", "54000", "39000", "HV000"] {
            #expect(error(state).isRowRefusal, "\(state)")
        }
        for state in ["XX001", "XX002", "58030", "25001", "40001", "53100", "57P01", "42501", "55000"] {
            #expect(!error(state).isRowRefusal, "\(state)")
        }
        #expect(error("ABCDE").publicRowRefusal == "postgres[ABCDE]: raised by a trigger or function of the database")
    }
}

/// A value that threads share.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value {
        get { mutex.withLock { $0 } }
        set { mutex.withLock { $0 = newValue } }
    }
}

/// A connection that threads hand around.
final class SharedConnection: Sendable {
    private let connection: Mutex<Connection?>
    let pid: Int32

    init(_ connection: consuming Connection) {
        pid = connection.backendPID
        self.connection = Mutex(consume connection)
    }

    func execute(_ sql: String) throws {
        try connection.withLock { try $0?.execute(sql) }
    }
}
