import LocalServices
import Postgres
import Testing

/// The connection breaks around COMMIT. What the client is told must never claim more than it can know.
@Suite(.serialized) struct LostCommitTests {
    private func commit(_ moment: FaultProxy.Trigger.Moment, key: Int64) throws -> (PostgresError?, isThere: Bool) {
        var direct = try TestCluster.connect()
        try direct.execute("CREATE TABLE IF NOT EXISTS lost_commits(key bigint PRIMARY KEY)")
        let proxy = try FaultProxy(targetPort: TestCluster.get().port)
        let settings = try ConnectionSettings(url: "postgresql://postgres@127.0.0.1:\(proxy.port)/?sslmode=disable")
        var connection = try Connection.connect(settings, deadline: .now + .seconds(10))
        proxy.arm(.commit(moment))
        let error = failure { () throws(PostgresError) in
            try connection.pipeline(deadline: .now + .seconds(10)) { pipeline in
                pipeline.query("BEGIN")
                pipeline.query("INSERT INTO lost_commits VALUES ($1)", [.int64(key)])
                pipeline.query("COMMIT")
            }
        }
        #expect(!proxy.isArmed)
        // A lock that the lost transaction holds makes this wait for its verdict.
        let rows = try direct.query(
            "WITH lock AS (SELECT pg_advisory_xact_lock(1)) SELECT 1 FROM lock, lost_commits WHERE key = $1",
            [.int64(key)])
        return (error, rows.rowCount == 1)
    }

    @Test func aCommitThatNeverArrivedIsOfUnknownOutcomeAndDidNotHappen() throws {
        let (error, isThere) = try commit(.beforeRequest, key: 1)
        #expect(error?.isOutcomeUnknown == true)
        #expect(error?.isConnectionLost == true)
        #expect(error?.fate == .reconnect)
        #expect(!isThere)
    }

    @Test func aCommitWhoseAnswerWasLostIsOfUnknownOutcomeAndDidHappen() throws {
        let (error, isThere) = try commit(.beforeAnswer, key: 2)
        #expect(error?.isOutcomeUnknown == true)
        #expect(error?.fate == .reconnect)
        #expect(isThere)
    }

    @Test func aCommitCutAtTheServersDoorIsOfUnknownOutcome() throws {
        let (error, _) = try commit(.afterRequest, key: 3)
        #expect(error?.isOutcomeUnknown == true)
        #expect(error?.fate == .reconnect)
    }

    @Test func aCommitThatWasAnsweredHappened() throws {
        let (error, isThere) = try commit(.afterAnswer, key: 4)
        // The answer arrived whole, or the reset overtook a part of it: never a wrong certainty.
        #expect(error == nil || error?.isOutcomeUnknown == true)
        #expect(isThere)
    }

    @Test func aServerThatStopsAndComesBackIsReachedAgain() throws {
        let cluster = try PrivatePostgres.start()
        let settings = try ConnectionSettings(url: cluster.url())
        for kill in [true, false] {
            var connection = try Connection.connect(settings, deadline: .now + .seconds(10))
            try connection.execute("CREATE TABLE IF NOT EXISTS kept(a int); INSERT INTO kept VALUES (1)")
            if kill { cluster.killServer() } else { cluster.stopServer() }
            let lost = failure { () throws(PostgresError) in try connection.query("INSERT INTO kept VALUES (2)") }
            #expect(lost?.fate == .reconnect)
            #expect(lost?.isConnectionLost == true)
            let refused = failure { () throws(PostgresError) in try Connection.connect(settings) }
            #expect(refused?.kind == .connection)
            #expect(refused?.fate == .reconnect)
            #expect(refused?.isOutcomeUnknown == false)
            try cluster.startServer()
            var again = try Connection.connect(settings, deadline: .now + .seconds(10))
            #expect(try again.query("SELECT count(*) FROM kept WHERE a = 1").int64(0, 0) == (kill ? 1 : 2))
        }
        cluster.stop()
    }
}
