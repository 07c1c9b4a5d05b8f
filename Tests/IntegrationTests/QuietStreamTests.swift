import Foundation
import Testing

/// A stream with a message now and then: each is in the table soon, though nothing comes after it.
@Suite struct QuietStreamTests {
    @Test func aMessageRightAfterACommitIsCommittedWithoutAnother() async throws {
        try await onOwnThread {
            let log = try IdentityLog(events: 24, seed: 6)
            let database = try TestDatabase("quiet")
            var topology = log.topology("quiet")
            topology.settings = ["commit_interval": "700ms"]
            var writer = try log.writer()
            let process = try log.start(topology, database)
            for number in 1...log.count {
                try writer.write(upTo: number)
                // As soon as the one before is committed, so that the next commit is not due yet.
                try database.waitUntilRead(number, by: [process], within: .seconds(20))
            }
            try writer.finish()
            try stopInOrder([process])
            #expect(try IdentityOutcome(database, messages: log.count).problems == [])
        }
    }
}
