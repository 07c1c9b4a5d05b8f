import ArgumentParser
import Foundation
import Kafka

/// The options of a command that writes events to Kafka.
struct KafkaOptions: ParsableArguments {
    /// How librdkafka compresses a batch of messages.
    enum Compression: String, ExpressibleByArgument, CaseIterable {
        case none, gzip, snappy, lz4, zstd
    }

    /// More lines than this would reach the size of a message that clusters take by default, 1 MiB.
    static let linesMax = 2_000

    @Option(
        help: ArgumentHelp("Write to this Kafka cluster instead of to --output.", valueName: "host:port[,host:port]"))
    var kafka: String?

    @Option(help: "The topic; it must be there.")
    var topic: String?

    @Option(help: "How batches of messages are compressed.")
    var compression: Compression = .lz4

    @Option(help: "Events per message, one on each line.")
    var lines = 1

    @Option(
        help: ArgumentHelp(
            "A file of key=value lines with the cluster's settings, such as security.protocol and sasl.password.",
            valueName: "path"))
    var kafkaConfig: String?

    func validate() throws {
        guard (1...KafkaOptions.linesMax).contains(lines) else {
            throw ValidationError("--lines: found \(lines), expected 1 to \(KafkaOptions.linesMax).")
        }
        if kafka == nil, topic != nil || kafkaConfig != nil {
            throw ValidationError("--kafka: missing, expected host:port beside --topic.")
        }
        if kafka != nil, topic == nil { throw ValidationError("--topic: missing, expected a name beside --kafka.") }
    }

    /// The output that these options describe, connected; nil without --kafka.
    /// - Parameter key: what a message's key is; none where a message has several lines.
    /// - Throws: `KafkaError`, or `ValidationError` about the file of settings.
    func connect(key: KafkaOutput.Key) throws -> KafkaOutput? {
        guard let kafka, let topic else { return nil }
        let brokers = kafka.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        let connection = ConnectionConfiguration(brokers: brokers, settings: try settings())
        return try KafkaOutput(
            ProducerConfiguration(connection: connection, compression: compression.rawValue), topic: topic,
            key: key, linesPerMessage: lines)
    }

    private func settings() throws -> [String: String] {
        guard let kafkaConfig else { return [:] }
        let text: String
        do {
            text = try String(contentsOfFile: kafkaConfig, encoding: .utf8)
        } catch {
            throw ValidationError("--kafka-config: \(kafkaConfig) cannot be read: \(FileProblem.reason(error))")
        }
        return try KafkaOptions.settings(from: text, file: kafkaConfig)
    }

    /// Reads `key=value` lines; empty lines and those that begin with # are skipped. Never quotes a line: it may hold a
    /// password.
    static func settings(from text: String, file: String) throws(ValidationError) -> [String: String] {
        var settings: [String: String] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let mark = line.firstIndex(of: "="), mark > line.startIndex else {
                throw ValidationError("--kafka-config: \(file):\(index + 1): expected key=value.")
            }
            settings[line[..<mark].trimmingCharacters(in: .whitespaces)] =
                line[line.index(after: mark)...].trimmingCharacters(in: .whitespaces)
        }
        return settings
    }
}
