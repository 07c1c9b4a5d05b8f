import Foundation
import LocalServices
import Postgres
import Synchronization

/// An empty database of its own for a test's run, on a server that all tests of this target share.
struct TestDatabase: Sendable {
    private static let shared = Result<PrivatePostgres, LocalServiceError> { () throws(LocalServiceError) in
        var options = PrivatePostgres.Options()
        options.settings = ["max_connections": "120"]
        return try PrivatePostgres.start(options)
    }

    /// A connection that waits for the next query. Tests look again and again, and the server makes a process for each
    /// connection: together they kept a core busy.
    private final class Idle: Sendable {
        private let kept = Mutex<Connection?>(nil)

        func take() -> Connection? { kept.withLock { $0.take() } }

        func give(_ connection: consuming Connection) {
            var slot: Connection? = connection
            kept.withLock { swap(&$0, &slot) }
        }
    }

    let name: String
    let url: String
    /// The server's log.
    private let log: String
    /// nil where the server is the test's own: what is done to it would be done to the connection.
    private let idle: Idle?

    /// Creates the database.
    /// - Parameter server: a server of the test's own; the shared one if nil.
    init(_ name: String, on server: PrivatePostgres? = nil) throws {
        idle = server == nil ? Idle() : nil
        let server = try server ?? Self.shared.get()
        self.name = name
        try server.createDatabase(name)
        url = server.url(database: name)
        log = server.logPath
    }

    /// Runs one query on a connection that nobody else has at the time.
    func query(_ sql: String) throws -> QueryResult {
        if var kept = idle?.take() {
            do {
                let result = try kept.query(sql)
                idle?.give(kept)
                return result
            } catch  where error.kind == .server {
                throw error
            } catch {
                // Somebody has ended it.
            }
        }
        var connection = try Connection.connect(ConnectionSettings(url: url), deadline: .now + .seconds(20))
        let result = try connection.query(sql)
        idle?.give(connection)
        return result
    }

    /// The single number a query answers, 0 for null.
    func number(_ sql: String) throws -> Int64 { try query(sql).int64(0, 0) ?? 0 }

    /// How often the server has said something, of any of its databases.
    func serverSays(_ text: String) throws -> Int { try String(contentsOfFile: log, encoding: .utf8).count(text) }

    /// How many messages all partitions are past; 0 while there is no ledger yet.
    func messagesRead() throws -> Int64 {
        guard try query("SELECT to_regclass('millrace.partitions')::text").text(0, 0) != nil else { return 0 }
        return try number("SELECT sum(next_offset)::bigint FROM millrace.partitions")
    }

    /// Waits until the positions of all partitions add up to `count`.
    /// - Parameter deadline: how long nothing may move.
    /// - Throws: when the deadline passes or all `processes` have ended, with what they said.
    func waitUntilRead(
        _ count: Int, by processes: [MillraceProcess], within deadline: Duration = .seconds(120)
    ) throws {
        var found: Int64 = 0
        try eventually(
            within: deadline, progress: { found },
            "\(name): \(found) of \(count) messages read; \(processes.map(\.lastWords))"
        ) {
            found = try messagesRead()
            if found >= count { return true }
            guard processes.contains(where: \.isRunning) else {
                throw MillraceProcess.Failure(
                    description: "\(name): millrace ended with \(found) of \(count) messages read: "
                        + processes.map(\.lastWords).joined(separator: "\n"))
            }
            return false
        }
    }
}
