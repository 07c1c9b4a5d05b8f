import Foundation
import Kafka
import LocalServices
import Testing

/// A Kafka for one test: one of the two stand-ins, or the real cluster named by `KAFKA_BOOTSTRAP`.
final class Stand: Sendable {
    enum Kind: String, Sendable, CustomTestStringConvertible {
        case development, noida, real
        var testDescription: String { rawValue }
    }

    let kind: Kind
    let bootstrapServers: String
    private let development: DevelopmentBroker?
    private let noida: NoidaBroker?

    init(_ kind: Kind, brokers: Int = 1) throws {
        self.kind = kind
        development = kind == .development ? try DevelopmentBroker(brokers: brokers) : nil
        noida = kind == .noida ? try NoidaBroker(executable: NoidaBroker.installedExecutable!) : nil
        bootstrapServers =
            development?.bootstrapServers ?? noida?.bootstrapServers
            ?? ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"]!
    }

    deinit {
        development?.stop()
        noida?.stop()
    }

    /// All kinds there are here; says loudly which are missing.
    static let available: [Kind] = {
        var kinds: [Kind] = [.development]
        if NoidaBroker.installedExecutable != nil {
            kinds.append(.noida)
        } else {
            skipped("the noida-db stand-in is not installed: set MILLRACE_NOIDA_DB or run scripts/test")
        }
        if ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"] != nil { kinds.append(.real) }
        return kinds
    }()

    /// Those that know times, transactions and topic creation.
    static let complete = available.filter { $0 != .development }

    var connection: ConnectionConfiguration { ConnectionConfiguration(brokers: [bootstrapServers]) }

    /// Group settings that make a test quick: real brokers take no session timeout below 6 seconds.
    var quickGroup: [String: String] {
        let session = kind == .development ? DevelopmentBroker.sessionTimeoutMin : .seconds(6)
        return [
            "session.timeout.ms": "\(Int(session / .milliseconds(1)))", "heartbeat.interval.ms": "300",
            "max.poll.interval.ms": "10000",
        ]
    }

    /// Creates a topic of a name no other test uses, and waits until it can be written to.
    func topic(partitions: Int = 1) throws -> String {
        let name = "t-\(UUID().uuidString.lowercased().prefix(12))"
        if let development {
            try development.apply(.topic(name: name, partitions: partitions))
        } else {
            try ClusterClient(connection).createTopic(name, partitions: partitions)
        }
        return name
    }

    /// What only the development broker can do.
    func apply(_ control: BrokerControl) throws { try development!.apply(control) }

    func producer(_ compression: String = "none", settings: [String: String] = [:]) throws -> Producer {
        var connection = connection
        connection.settings = settings
        return try Producer(
            ProducerConfiguration(connection: connection, compression: compression, linger: .milliseconds(5)))
    }

    func consumer(
        group: String? = nil, topics: [String] = [], settings: [String: String] = [:], partitionEnd: Bool = false
    ) throws -> Consumer {
        var connection = connection
        connection.settings = settings
        return try Consumer(
            ConsumerConfiguration(
                connection: connection, group: group, topics: topics, reportsPartitionEnd: partitionEnd))
    }

    /// Writes `count` messages whose value is their number, and waits for delivery.
    func fill(_ partition: TopicPartition, with numbers: Range<Int>, compression: String = "none") throws {
        var producer = try producer(compression)
        let topic = try producer.topic(partition.topic)
        for number in numbers {
            try producer.produce(Array(String(number).utf8), to: topic, partition: partition.partition)
        }
        try producer.close()
    }
}

/// Says on standard error that tests are skipped, and why.
func skipped(_ reason: String) {
    FileHandle.standardError.write(Data("SKIPPED: KafkaTests: \(reason)\n".utf8))
}
