import Glibc
import LocalServices
import Testing

@testable import Postgres

@Suite struct ProcessReportTests {
    /// Asks until the process waits for a lock.
    private func waitForLock(of process: ServerProcess, _ observer: inout Connection) throws -> ProcessReport {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            let report = try observer.report(on: process)
            if report.waitKind == "Lock" { return report }
            sched_yield()
        }
        return ProcessReport()
    }

    @Test func aLockIsNamedWithItsTableAndItsHolder() throws {
        var holder = try TestCluster.connect()
        try holder.execute("CREATE TABLE named_lock(a int)")
        try holder.execute("BEGIN; LOCK TABLE named_lock")
        let waiting = try TestCluster.connect()
        let known = waiting.process
        let process = try #require(known)
        let other = OtherThread(waiting) { (connection: inout Connection) -> Bool in
            failure { () throws(PostgresError) in try connection.execute("BEGIN; LOCK TABLE named_lock") } == nil
        }
        var observer = try TestCluster.connect()
        let report = try waitForLock(of: process, &observer)
        #expect(report.isBusy)
        #expect(report.lockKind == "relation")
        #expect(report.table == "public.named_lock")
        #expect(report.holders.map(\.process.id) == [holder.backendPID])
        #expect(report.holders.first?.application == "millrace")
        #expect(report.holders.first?.state == "idle in transaction")
        #expect(report.holders.first?.clientSilentSeconds != nil)
        #expect(report.holders.first?.isSameRole == true)
        #expect(report.holders.first?.isMillrace == false)
        try holder.execute("ROLLBACK")
        #expect(other.wait() == true)
    }

    @Test func aRowLockIsNamedWithItsTable() throws {
        var holder = try TestCluster.connect()
        try holder.execute("CREATE TABLE named_row(a int); INSERT INTO named_row VALUES (1)")
        try holder.execute("BEGIN; UPDATE named_row SET a = 2")
        let waiting = try TestCluster.connect()
        let known = waiting.process
        let process = try #require(known)
        let other = OtherThread(waiting) { (connection: inout Connection) -> Bool in
            failure { () throws(PostgresError) in try connection.execute("UPDATE named_row SET a = 3") } == nil
        }
        var observer = try TestCluster.connect()
        let report = try waitForLock(of: process, &observer)
        #expect(report.table == "public.named_row")
        #expect(report.holders.map(\.process.id) == [holder.backendPID])
        try holder.execute("ROLLBACK")
        #expect(other.wait() == true)
    }

    @Test func onlyTheProcessThatIsMeantIsEnded() throws {
        var victim = try TestCluster.connect()
        var killer = try TestCluster.connect()
        let known = victim.process
        let process = try #require(known)
        // Another process that had the number before.
        let earlier = ServerProcess(id: process.id, started: process.started.map { $0 - 1 })
        for other in [earlier, ServerProcess(id: process.id)] {
            let isEnded = try killer.terminate(other)
            #expect(!isEnded)
        }
        #expect(isAlive(&victim) == true)
        // Behind a pooler only the transaction is known, and nothing is ended when it is over.
        try victim.begin(TransactionStart(searchPath: .builtins))
        let inTransaction = victim.process?.transactionStarted
        try victim.execute("COMMIT")
        let isEndedTooLate = try killer.terminate(ServerProcess(id: process.id, transactionStarted: inTransaction))
        #expect(!isEndedTooLate)
        try victim.begin(TransactionStart(searchPath: .builtins))
        let current = victim.process?.transactionStarted
        let isEnded = try killer.terminate(ServerProcess(id: process.id, transactionStarted: current))
        #expect(isEnded)
        let lost = failure { () throws(PostgresError) in try victim.execute("SELECT 1") }
        #expect(lost?.isConnectionLost == true)
        let gone = try killer.report(on: process)
        #expect(!gone.exists || gone.state == "idle in transaction")
    }
}
