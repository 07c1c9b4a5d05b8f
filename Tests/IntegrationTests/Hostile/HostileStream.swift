import Foundation
import Kafka
import Postgres

/// A topic of messages that somebody made badly, and a database that keeps what became of them.
final class HostileStream: Sendable {
    let stand: KafkaStand
    let topic: String
    let database: TestDatabase

    /// - Parameter name: the database's name; no other test may use it.
    init(_ name: String) throws {
        stand = try KafkaStand()
        topic = try stand.makeTopic(partitions: 1)
        database = try TestDatabase(name)
    }

    /// Produces messages, nil being a tombstone, and waits for their delivery.
    func produce(_ messages: [[UInt8]?], timestamp: Int64? = nil, key: String? = nil, settings: [String: String] = [:])
        throws
    {
        var connection = stand.connection
        connection.settings = settings
        var producer = try Producer(
            ProducerConfiguration(connection: connection, compression: "none", linger: .milliseconds(5)))
        let place = try producer.topic(topic)
        for message in messages {
            try producer.produce(
                message, key: key.map { Array($0.utf8) }, to: place, partition: 0, timestamp: timestamp)
        }
        try producer.flush()
        try producer.close()
    }

    func produce(_ messages: [String]) throws { try produce(messages.map { Array($0.utf8) }) }

    /// Starts a topology over the topic.
    /// - Parameters:
    ///   - nodes: the nodes behind the source `events`, indented by two spaces.
    ///   - source: more fields of the source.
    ///   - settings: a setting of the topology.
    func start(_ nodes: String, source: String = "", settings: String = "", arguments: [String] = []) throws
        -> MillraceProcess
    {
        try MillraceProcess(
            topology: """
                topology: hostile
                \(settings)
                nodes:
                  events:
                    kafka:
                      brokers: "${BROKERS}"
                      topics: [\(topic)]
                      settings: { session.timeout.ms: "\(stand.sessionTimeout.milliseconds)" }
                      \(source)
                \(nodes)
                """,
            arguments: arguments,
            environment: ["BROKERS": stand.bootstrapServers, "DATABASE_URL": database.url])
    }

    /// Runs a topology until `messages` messages are past, and ends it in order.
    /// - Returns: what it wrote to standard error.
    @discardableResult
    func run(_ nodes: String, source: String = "", messages: Int) throws -> String {
        let process = try start(nodes, source: source)
        try database.waitUntilRead(messages, by: [process])
        try stopInOrder([process])
        return process.errors
    }

    /// The dead letters in order.
    func letters() throws -> [Letter] {
        let rows = try database.query(
            """
            SELECT topic, partition, "offset", line, reason, payload, message_time::text
            FROM millrace.dead_letters ORDER BY topic, partition, "offset", line
            """)
        return try (0..<rows.rowCount).map { row in
            try Letter(
                topic: rows.text(row, 0) ?? "", partition: rows.int32(row, 1) ?? -1, offset: rows.int64(row, 2) ?? -1,
                line: rows.int32(row, 3) ?? -1, reason: rows.text(row, 4) ?? "", payload: rows.bytes(row, 5) ?? [],
                time: rows.text(row, 6))
        }
    }

    /// The only row of the ledger.
    func ledger() throws -> Ledger.Row {
        let rows = try Ledger(of: database).rows
        guard rows.count == 1 else { throw MillraceProcess.Failure(description: "\(rows.count) rows in the ledger") }
        return rows[0]
    }
}

/// A row of the dead letters table.
struct Letter: Sendable {
    var topic: String
    var partition: Int32
    var offset: Int64
    var line: Int32
    var reason: String
    var payload: [UInt8]
    var time: String?
}
