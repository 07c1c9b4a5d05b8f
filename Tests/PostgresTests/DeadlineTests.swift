import Dispatch
import Glibc
import LocalServices
import Postgres
import Testing

@Suite struct DeadlineTests {
    @Test func aStatementIsCancelledAtItsDeadline() throws {
        var connection = try TestCluster.connect()
        let start = ContinuousClock.now
        let error = failure { () throws(PostgresError) in
            try connection.query("SELECT pg_sleep(30)", deadline: .now + .milliseconds(100))
        }
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(error?.kind == .timeout)
        #expect(error?.isConnectionLost == false)
        #expect(error?.fate == .retryTransaction)
        #expect(try connection.query("SELECT 5").int32(0, 0) == 5)
    }

    @Test func aPipelineIsCancelledAtItsDeadline() throws {
        var connection = try TestCluster.connect()
        let error = failure { () throws(PostgresError) in
            try connection.pipeline(deadline: .now + .milliseconds(100)) { pipeline in
                pipeline.query("BEGIN")
                pipeline.query("SELECT pg_sleep(30)")
                pipeline.query("COMMIT")
            }
        }
        #expect(error?.kind == .timeout)
        #expect(error?.statementIndex == 1)
        #expect(connection.transactionStatus == .failed)
        try connection.execute("ROLLBACK")
    }

    @Test func aSilentServerIsGivenUp() throws {
        let proxy = try FaultProxy(targetPort: TestCluster.get().port)
        let settings = try ConnectionSettings(url: "postgresql://postgres@127.0.0.1:\(proxy.port)/?sslmode=disable")
        var connection = try Connection.connect(settings, deadline: .now + .seconds(10))
        proxy.stall(true)
        let start = ContinuousClock.now
        let error = failure { () throws(PostgresError) in
            try connection.query("SELECT 1", deadline: .now + .milliseconds(50))
        }
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(error?.kind == .timeout)
        #expect(error?.isConnectionLost == true)
        #expect(error?.isOutcomeUnknown == true)
        #expect(error?.fate == .reconnect)
        proxy.stall(false)
    }

    @Test func anotherThreadCancels() throws {
        let connection = try TestCluster.connect()
        let canceller = connection.canceller
        let pid = connection.backendPID
        let other = OtherThread(connection) { (connection: inout Connection) -> (PostgresError?, Bool) in
            let error = failure { () throws(PostgresError) in try connection.query("SELECT pg_sleep(30)") }
            return (error, connection.isAlive())
        }
        var observer = try TestCluster.connect()
        let deadline = ContinuousClock.now + .seconds(20)
        let question = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"
        while try observer.query(question, [.int32(pid)]).int64(0, 0) == 0, ContinuousClock.now < deadline {
            sched_yield()
        }
        try canceller.cancel()
        let (error, isAlive) = try #require(other.wait())
        #expect(error?.kind == .cancelled)
        #expect(error?.isConnectionLost == false)
        #expect(isAlive)
    }

    @Test func anAdministratorsCancelIsRetried() throws {
        let connection = try TestCluster.connect()
        let pid = connection.backendPID
        let other = OtherThread(connection) { (connection: inout Connection) -> PostgresError? in
            failure { () throws(PostgresError) in try connection.query("SELECT pg_sleep(30)") }
        }
        var administrator = try TestCluster.connect()
        let deadline = ContinuousClock.now + .seconds(20)
        let question = """
            SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'
            """
        while try administrator.query(question, [.int32(pid)]).rowCount == 0, ContinuousClock.now < deadline {
            sched_yield()
        }
        let error = try #require(other.wait())
        #expect(error?.kind == .server)
        #expect(error?.fate == .retryTransaction)
    }

    @Test func aDeadlineThatIsNotReachedChangesNothing() throws {
        var connection = try TestCluster.connect()
        #expect(try connection.query("SELECT 1", deadline: .now + .seconds(60)).rowCount == 1)
        try connection.execute("SELECT 1; SELECT 2", deadline: .now + .seconds(60))
    }
}
