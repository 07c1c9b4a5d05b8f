import Foundation
import Kafka
import LocalServices

/// A Kafka for tests: `millrace broker`, the cluster named by `KAFKA_BOOTSTRAP`, or the second stand-in.
final class KafkaStand: Sendable {
    enum Kind: String, Sendable {
        case development, noida, real
    }

    let kind: Kind
    let bootstrapServers: String
    let development: DevelopmentBroker?
    private let noida: NoidaBroker?

    /// The real cluster if there is one, else the development broker: what only needs bootstrap servers.
    static var preferredKind: Kind { realServers == nil ? .development : .real }
    private static var realServers: String? { ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"] }

    /// Whether the second stand-in is here; says loudly when it is not.
    static let hasNoida: Bool = {
        if NoidaBroker.installedExecutable != nil { return true }
        skipped("the noida-db stand-in is not installed: set MILLRACE_NOIDA_DB or run scripts/test")
        return false
    }()

    /// - Parameter brokers: how many brokers a development cluster has.
    init(_ kind: Kind = KafkaStand.preferredKind, brokers: Int = 1) throws {
        self.kind = kind
        development = kind == .development ? try DevelopmentBroker(brokers: brokers) : nil
        noida = kind == .noida ? try NoidaBroker.installedExecutable.map(NoidaBroker.init(executable:)) : nil
        guard let servers = development?.bootstrapServers ?? noida?.bootstrapServers ?? Self.realServers else {
            throw MillraceProcess.Failure(description: "no \(kind) Kafka here")
        }
        bootstrapServers = servers
    }

    deinit {
        development?.stop()
        noida?.stop()
    }

    var connection: ConnectionConfiguration { ConnectionConfiguration(brokers: [bootstrapServers]) }

    /// The shortest session timeout at which takeovers are quick and a busy machine does not cause them: of the development
    /// broker, see `DevelopmentBroker.sessionTimeoutMin`; real brokers take none below 6 s.
    var sessionTimeout: Duration { kind == .development ? DevelopmentBroker.sessionTimeoutMin : .seconds(6) }

    /// Whether the brokers answer at all. Real ones are taken to do so: that they do not is a failure, not an accident.
    var answers: Bool {
        guard kind == .development else { return true }
        do {
            _ = try ClusterClient(connection).metadata(timeout: .seconds(5))
            return true
        } catch {
            return false
        }
    }

    /// Creates a topic of a name that nobody else uses.
    func makeTopic(partitions: Int) throws -> String {
        let name = "t-\(UUID().uuidString.lowercased().prefix(13))"
        if let development {
            try development.apply(.topic(name: name, partitions: partitions))
        } else {
            try ClusterClient(connection).createTopic(name, partitions: partitions)
        }
        return name
    }

    /// How many messages a topic holds, by the brokers' own account.
    func messages(in topic: String, partitions: Int) throws -> Int {
        let client = try ClusterClient(connection)
        var sum = 0
        for partition in 0..<Int32(partitions) {
            let range = try client.watermarks(of: TopicPartition(topic, partition))
            sum += Int(range.high - range.low)
        }
        return sum
    }
}
