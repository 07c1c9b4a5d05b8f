import LocalServices
import Postgres
import Synchronization
import Testing

@Suite struct SilenceWatchTests {
    @Test func aSilentServerIsGivenUpWithTheWatchsWords() throws {
        let proxy = try FaultProxy(targetPort: TestCluster.get().port)
        let settings = try ConnectionSettings(url: "postgresql://postgres@127.0.0.1:\(proxy.port)/?sslmode=disable")
        var connection = try Connection.connect(settings, deadline: .now + .seconds(10))
        connection.watch = SilenceWatch(interval: .milliseconds(20)) { silence in
            silence.duration >= .milliseconds(200) ? .giveUp("nothing came") : .wait
        }
        proxy.stall(true)
        let start = ContinuousClock.now
        let error = failure { () throws(PostgresError) in try connection.execute("SELECT 1") }
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(error?.kind == .timeout)
        #expect(error?.message == "nothing came")
        #expect(error?.isConnectionLost == true)
        #expect(error?.isOutcomeUnknown == true)
        #expect(error?.fate == .reconnect)
        proxy.stall(false)
    }

    /// A deadline on silence, not on long work: what keeps answering is never given up.
    @Test func everyAnswerBeginsAnew() throws {
        let notices = Mutex(0)
        var connection = try TestCluster.connect(onNotice: { _ in notices.withLock { $0 += 1 } })
        connection.watch = SilenceWatch(interval: .milliseconds(20)) { silence in
            silence.duration >= .seconds(2) ? .giveUp("nothing came") : .wait
        }
        try connection.execute(
            "DO $$ BEGIN FOR i IN 1..20 LOOP PERFORM pg_sleep(0.2); RAISE NOTICE 'working'; END LOOP; END $$")
        #expect(notices.withLock { $0 } == 20)
    }

    @Test func aCancelledWaitForALockEndsSoonOnBothSides() throws {
        var holder = try TestCluster.connect()
        try holder.execute("CREATE TABLE silence_lock(a int)")
        try holder.execute("BEGIN; LOCK TABLE silence_lock")
        var waiting = try TestCluster.connect()
        let known = waiting.process
        let process = try #require(known)
        waiting.watch = SilenceWatch(interval: .milliseconds(20)) { silence in
            silence.duration >= .milliseconds(100) ? .cancel : .wait
        }
        let start = ContinuousClock.now
        let error = failure { () throws(PostgresError) in try waiting.execute("BEGIN; LOCK TABLE silence_lock") }
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(error?.kind == .cancelled)
        let deadline = ContinuousClock.now + .seconds(20)
        var isWaiting = true
        while isWaiting, ContinuousClock.now < deadline {
            isWaiting =
                try holder.query(
                    "SELECT 1 FROM pg_locks WHERE pid = $1 AND NOT granted", [.int32(process.id)]
                ).rowCount > 0
        }
        #expect(!isWaiting)
        try holder.execute("ROLLBACK")
    }

    @Test func anAttemptToConnectCanBeCancelled() throws {
        let proxy = try FaultProxy(targetPort: TestCluster.get().port)
        proxy.stall(true)
        let settings = try ConnectionSettings(url: "postgresql://postgres@127.0.0.1:\(proxy.port)/")
        let start = ContinuousClock.now
        let error = failure { () throws(PostgresError) in
            try Connection.connect(
                settings, deadline: .now + .seconds(60),
                isCancelled: { ContinuousClock.now - start > .milliseconds(100) })
        }
        #expect(ContinuousClock.now - start < .seconds(3))
        #expect(error?.kind == .cancelled)
    }

    @Test func theServerIsAskedToNoticeAClientThatIsGone() throws {
        var connection = try TestCluster.connect()
        #expect(try connection.query("SHOW tcp_keepalives_idle").text(0, 0) == "15")
        if try hasUserTimeout() { #expect(try connection.query("SHOW tcp_user_timeout").text(0, 0) == "30000") }
        guard connection.serverVersion >= 140_000 else { return }
        #expect(try connection.query("SHOW client_connection_check_interval").text(0, 0) == "5s")
    }

    @Test func whatTheRoleSaysItselfStays() throws {
        guard try hasUserTimeout() else { return }
        var owner = try TestCluster.connect()
        try owner.execute("CREATE ROLE patient LOGIN; ALTER ROLE patient SET tcp_user_timeout = '77s'")
        var connection = try TestCluster.connect(user: "patient")
        #expect(try connection.query("SHOW tcp_user_timeout").text(0, 0) == "77000")
    }

    /// Whether the server was built on a system that knows the setting.
    private func hasUserTimeout() throws -> Bool {
        var connection = try TestCluster.connect()
        try connection.execute("SET tcp_user_timeout = '7s'")
        return try connection.query("SHOW tcp_user_timeout").text(0, 0) == "7000"
    }
}
