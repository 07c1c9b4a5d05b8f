import Foundation
import Kafka
import LocalServices
import Testing

/// An orderly stop is one whatever the process waits for.
@Suite struct StopTests {
    /// Answers of Kafka's ListOffsets fail for as long as the test goes on.
    @Test(.enabled(if: KafkaStand.preferredKind == .development, "only the development broker fails on demand"))
    func aStopWhileKafkaDoesNotSayWherePartitionsBeginIsOrderly() async throws {
        try await onOwnThread {
            let log = try IdentityLog(events: 100, seed: 12)
            try log.fill()
            let database = try TestDatabase("stop_begin")
            try #require(log.stand.development).apply(.error(api: 2, code: 7, count: 100_000))
            let process = try log.start(log.topology("stop_begin"), database)
            try process.waitUntil("it waits") { process.errors.contains("Waiting for some partitions") }
            process.terminate()
            #expect(try process.wait() == .code(0), "\(process.lastWords)")
            #expect(try database.number("SELECT sum(read)::bigint FROM millrace.partitions") == 0)
        }
    }

    @Test func aStopWhilePostgresIsAwayEndsAndLosesNothing() async throws {
        try await onOwnThread {
            let server = try PrivatePostgres.start()
            let log = try IdentityLog(events: 2_000, seed: 13)
            let database = try TestDatabase("stop_away", on: server)
            var writer = try log.writer()
            try writer.write(upTo: 1_000)
            let process = try log.start(log.topology("stop_away"), database)
            try database.waitUntilRead(1_000, by: [process])
            server.killServer()
            try writer.finish()
            try process.waitUntil("it waits") { process.errors.contains("Waiting for the database") }
            process.terminate()
            // It gives the database time to come back, and then goes; what it had not committed is read again.
            let exit = try process.wait(within: .seconds(20))
            #expect(exit == .code(0) || exit == .code(1), "\(process.lastWords)")
            #expect((exit == .code(1)) == process.errors.contains("read and not committed"), "\(process.lastWords)")
            try server.startServer()
            let next = try log.start(log.topology("stop_away"), database)
            try database.waitUntilRead(log.count, by: [next])
            try stopInOrder([next])
            let outcome = try IdentityOutcome(database, messages: log.count)
            #expect(outcome.problems == [])
            #expect(outcome.dump.differences(from: try log.run("stop_away_clean").dump) == [])
            server.stop()
        }
    }
}
