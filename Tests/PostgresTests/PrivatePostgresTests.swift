import Glibc
import Postgres
import Testing

@testable import LocalServices

@Suite struct PrivatePostgresTests {
    private func waitUntil(_ condition: () -> Bool) -> Bool {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if condition() { return true }
            sched_yield()
        }
        return false
    }

    @Test func stoppingLeavesNothing() throws {
        let cluster = try PrivatePostgres.start()
        let id = try #require(cluster.processID)
        #expect(FileTree.exists(cluster.directory))
        cluster.stop()
        #expect(!ChildProcess.isRunning(id))
        #expect(!FileTree.exists(cluster.directory))
    }

    @Test func theLastReferenceStopsIt() throws {
        var cluster: PrivatePostgres? = try PrivatePostgres.start()
        let id = try #require(cluster?.processID)
        cluster = nil
        #expect(!ChildProcess.isRunning(id))
    }

    @Test func theEndOfItsOwnerStopsIt() throws {
        let cluster = try PrivatePostgres.start()
        let id = try #require(cluster.processID)
        // What the system does when this process ends.
        cluster.endWatchAsIfOwnerDied()
        #expect(waitUntil { !ChildProcess.isRunning(id) })
        #expect(waitUntil { !FileTree.exists(cluster.directory) })
    }

    @Test func aUnixSocketAndAGivenFolderWork() throws {
        let parent = try #require(FileTree.makeTemporary(in: "/tmp", prefix: "millrace-test-"))
        defer { FileTree.remove(parent) }
        #expect(unsafe chmod(parent, 0o755) == 0)
        var options = PrivatePostgres.Options()
        options.directory = parent + "/cluster"
        options.listen = .unixSocket
        options.durability = .powerFailure
        options.settings = ["shared_buffers": "16MB"]
        for round in 0..<2 {
            let cluster = try PrivatePostgres.start(options)
            if round == 0 { try cluster.createDatabase("with \"quotes\" & spaces") }
            let url = cluster.url(database: "with \"quotes\" & spaces")
            var connection = try Connection.connect(ConnectionSettings(url: url), deadline: .now + .seconds(10))
            #expect(try connection.query("SHOW shared_buffers").text(0, 0) == "16MB")
            #expect(try connection.query("SHOW fsync").text(0, 0) == "on")
            cluster.stop()
            #expect(FileTree.exists(cluster.directory))
        }
    }

    @Test func aServerThatCannotStartSaysWhy() throws {
        var options = PrivatePostgres.Options()
        options.settings = ["shared_buffers": "lots"]
        let error = #expect(throws: LocalServiceError.self) { try PrivatePostgres.start(options) }
        #expect(error?.message.contains("shared_buffers") == true)
    }

    @Test func twoClustersDoNotMeet() throws {
        let first = try PrivatePostgres.start()
        let second = try PrivatePostgres.start()
        #expect(first.port != second.port)
        try first.createDatabase("only_here")
        let settings = try ConnectionSettings(url: second.url(database: "only_here"))
        #expect(failure { () throws(PostgresError) in try Connection.connect(settings) }?.sqlState == "3D000")
        first.stop()
        second.stop()
    }
}
