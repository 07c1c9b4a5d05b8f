import Foundation
package import Postgres

/// The catalogue of a database: which topologies are deployed, in which version, and what the processes that run them say.
///
/// Every change is one transaction, and is told to all who listen. Used by one thread.
package struct Catalog: ~Copyable {
    /// What changes are told on.
    private static let channel = "millrace_catalog"

    var connection: Connection

    /// Connects, and makes the catalogue where there is none.
    /// - Parameters:
    ///   - looksOnly: whether a database that has nothing of Millrace's is left as it is.
    ///   - patience: how long connecting may take.
    ///   - silence: how long the database may be silent in a call; nil for as long as it takes.
    ///   - isCancelled: ends a call that waits.
    ///   - report: is told of a call that has waited for so many seconds, again and again.
    /// - Throws: `PostgresError`; `CatalogError` of code `absent` for one that only looks.
    package init(
        connecting settings: ConnectionSettings, looksOnly: Bool = false, within patience: Duration = .seconds(10),
        silence limit: Duration? = .seconds(30), isCancelled: @escaping @Sendable () -> Bool = { false },
        report: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws {
        var fresh = try Connection.connect(settings, deadline: .now + patience, isCancelled: isCancelled)
        fresh.watch = SilenceWatch(interval: .seconds(1)) { silence in
            if isCancelled() { return .cancel }
            if let limit, silence.duration > limit {
                return .giveUp("the database has not answered for \(limit.components.seconds) s")
            }
            let seconds = Int(silence.duration.components.seconds)
            if seconds > 0, seconds.isMultiple(of: 30) { report(seconds) }
            return .wait
        }
        if looksOnly, try fresh.query("SELECT to_regnamespace('millrace')::oid::bigint").isNull(0, 0) {
            throw CatalogError(
                code: .absent,
                description: "nothing is deployed in this database; millrace deploy FILE deploys a topology")
        }
        try CatalogSchema.prepare(&fresh)
        connection = fresh
    }

    /// From now on, changes are heard.
    package mutating func listen() throws { try connection.execute("LISTEN \(Self.channel)") }

    /// Waits until something has changed.
    /// - Returns: whether something has; false when the time is over.
    package mutating func waitForChange(until end: ContinuousClock.Instant) throws -> Bool {
        guard try connection.nextNotification(until: end) != nil else { return false }
        while try connection.nextNotification(until: .now) != nil {}
        return true
    }

    /// Runs `body` in a transaction, and tells of it.
    mutating func change<Result>(
        _ topology: String, _ body: (inout Connection) throws -> Result
    ) throws -> Result {
        try connection.execute("BEGIN")
        do {
            let result = try body(&connection)
            try connection.query("SELECT pg_notify($1, $2)", [.text(Self.channel), .text(topology)])
            try connection.execute("COMMIT")
            return result
        } catch {
            // What went wrong is what counts; a connection that is lost has rolled back by itself.
            try? connection.execute("ROLLBACK")
            throw error
        }
    }

    static func quoted(_ schema: String, _ name: String) -> String { "\(SQLName.quote(schema)).\(SQLName.quote(name))" }

    static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let data = try? encoder.encode(value) else { preconditionFailure("the catalogue's values are plain") }
        return String(decoding: data, as: UTF8.self)
    }
}
