/// The small language of `millrace broker --control`: what a test can do to the development broker.
public enum BrokerControl: Sendable, Equatable {
    /// Cut a broker's connections and refuse new ones.
    case down(broker: Int32)
    /// Accept connections again.
    case up(broker: Int32)
    /// Move a partition to another broker.
    case leader(TopicPartition, broker: Int32)
    /// Answer the next `count` requests of Kafka's kind `api` with Kafka's error `code`.
    case error(api: Int16, code: Int32, count: Int)
    /// Create a topic.
    case topic(name: String, partitions: Int)

    /// Reads one line: `down ID`, `up ID`, `leader TOPIC PARTITION BROKER`, `error API CODE COUNT` or
    /// `topic NAME PARTITIONS`.
    /// - Throws: `KafkaError` with code `configuration`, quoting the line.
    public init(line: String) throws(KafkaError) {
        let words = line.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("down", 2):
            if let broker = Int32(words[1]) { self = .down(broker: broker); return }
        case ("up", 2):
            if let broker = Int32(words[1]) { self = .up(broker: broker); return }
        case ("leader", 4):
            if let partition = Int32(words[2]), let broker = Int32(words[3]) {
                self = .leader(TopicPartition(words[1], partition), broker: broker)
                return
            }
        case ("error", 4):
            if let api = Int16(words[1]), let code = Int32(words[2]), let count = Int(words[3]), count >= 0 {
                self = .error(api: api, code: code, count: count)
                return
            }
        case ("topic", 3):
            if let partitions = Int(words[2]), partitions > 0 {
                self = .topic(name: words[1], partitions: partitions)
                return
            }
        default: break
        }
        throw KafkaError(
            code: .configuration, message: "broker control: '\(line)' is not understood",
            hint:
                "expected down ID, up ID, leader TOPIC PARTITION BROKER, error API CODE COUNT or topic NAME PARTITIONS")
    }

    /// The line that says it.
    public var line: String {
        switch self {
        case .down(let broker): "down \(broker)"
        case .up(let broker): "up \(broker)"
        case .leader(let partition, let broker): "leader \(partition.topic) \(partition.partition) \(broker)"
        case .error(let api, let code, let count): "error \(api) \(code) \(count)"
        case .topic(let name, let partitions): "topic \(name) \(partitions)"
        }
    }
}

extension MockCluster {
    /// Does what `control` says.
    public func apply(_ control: BrokerControl) throws(KafkaError) {
        switch control {
        case .down(let broker): try takeDown(broker: broker)
        case .up(let broker): try bringUp(broker: broker)
        case .leader(let partition, let broker): try setLeader(of: partition, to: broker)
        case .error(let api, let code, let count): failRequests(api: api, code: code, count: count)
        case .topic(let name, let partitions): try createTopic(name, partitions: partitions)
        }
    }
}
