import Postgres
import Testing

@Suite struct PipelineTests {
    @Test func everyStatementHasItsResult() throws {
        var connection = try TestCluster.connect()
        let results = try connection.pipeline { pipeline in
            pipeline.query("BEGIN")
            pipeline.query("CREATE TEMP TABLE piped(a bigint) ON COMMIT DROP")
            pipeline.query("INSERT INTO piped SELECT generate_series(1, $1)", [.int64(5)])
            pipeline.query("SELECT sum(a)::bigint FROM piped")
            pipeline.query("COMMIT")
        }
        #expect(results.map(\.commandTag) == ["BEGIN", "CREATE TABLE", "INSERT 0 5", "SELECT 1", "COMMIT"])
        #expect(try results[3].int64(0, 0) == 15)
        #expect(connection.transactionStatus == .idle)
    }

    @Test func anErrorNamesItsStatementAndSkipsTheRest() throws {
        var connection = try TestCluster.connect()
        try connection.execute("CREATE TEMP TABLE skipped(a bigint)")
        let error = failure { () throws(PostgresError) in
            try connection.pipeline { pipeline in
                pipeline.query("INSERT INTO skipped VALUES (1)")
                pipeline.query("SELECT 1 / 0")
                pipeline.query("INSERT INTO skipped VALUES (2)")
            }
        }
        #expect(error?.sqlState == "22012")
        #expect(error?.statementIndex == 1)
        #expect(error?.isConnectionLost == false)
        #expect(error?.isOutcomeUnknown == false)
        // Without BEGIN the pipeline is one transaction, and the connection goes on.
        #expect(connection.transactionStatus == .idle)
        #expect(try connection.query("SELECT count(*) FROM skipped").int64(0, 0) == 0)
    }

    @Test func anErrorInsideATransactionLeavesItToBeRolledBack() throws {
        var connection = try TestCluster.connect()
        let error = failure { () throws(PostgresError) in
            try connection.pipeline { pipeline in
                pipeline.query("BEGIN")
                pipeline.query("SELECT * FROM there_is_no_such_table")
                pipeline.query("COMMIT")
            }
        }
        #expect(error?.sqlState == "42P01")
        #expect(connection.transactionStatus == .failed)
        try connection.execute("ROLLBACK")
        #expect(connection.transactionStatus == .idle)
    }

    @Test func anEmptyPipelineHasNoResults() throws {
        var connection = try TestCluster.connect()
        #expect(try connection.pipeline { _ in }.isEmpty)
        #expect(isAlive(&connection) == true)
    }

    /// Both sides would wait for each other for ever if the sender did not read while it writes.
    @Test func largeStatementsAndLargeAnswersDoNotBlockEachOther() throws {
        var connection = try TestCluster.connect()
        let block = [UInt8](repeating: 7, count: 4_000_000)
        let results = try connection.pipeline(deadline: .now + .seconds(60)) { pipeline in
            for _ in 0..<8 { pipeline.query("SELECT $1", [.bytes(block)]) }
        }
        #expect(results.count == 8)
        #expect(try results[7].bytes(0, 0) == block)
    }

    @Test func usageErrorsSendNothing() throws {
        var connection = try TestCluster.connect()
        let error = failure { () throws(PostgresError) in
            try connection.pipeline { pipeline in
                pipeline.query("CREATE TABLE never_made(a int)")
                pipeline.query("SELECT 1 \0 cut off")
            }
        }
        #expect(error?.kind == .usage)
        #expect(try connection.query("SELECT to_regclass('never_made')::text").isNull(0, 0))
    }
}
