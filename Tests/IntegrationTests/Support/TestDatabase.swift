import Foundation
import LocalServices
import Postgres

/// An empty database of its own for a test's run, on a server that all tests of this target share.
struct TestDatabase: Sendable {
    private static let shared = Result<PrivatePostgres, LocalServiceError> { () throws(LocalServiceError) in
        var options = PrivatePostgres.Options()
        options.settings = ["max_connections": "120"]
        return try PrivatePostgres.start(options)
    }

    let name: String
    let url: String
    /// The server's log.
    private let log: String

    /// Creates the database.
    /// - Parameter server: a server of the test's own; the shared one if nil.
    init(_ name: String, on server: PrivatePostgres? = nil) throws {
        let server = try server ?? Self.shared.get()
        self.name = name
        try server.createDatabase(name)
        url = server.url(database: name)
        log = server.logPath
    }

    /// Runs one query on a connection of its own.
    func query(_ sql: String) throws -> QueryResult {
        var connection = try Connection.connect(ConnectionSettings(url: url), deadline: .now + .seconds(20))
        return try connection.query(sql)
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
