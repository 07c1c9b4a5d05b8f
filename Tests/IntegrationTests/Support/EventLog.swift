import Foundation
import Kafka

/// Generated events, in memory and as a file.
final class EventLog: Sendable {
    /// One document each, without newline.
    let events: [[UInt8]]
    /// The same as NDJSON.
    let file: URL

    /// Runs `millrace generate` with these options.
    init(_ options: [String]) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        file = folder.appendingPathComponent("events.ndjson")
        let generator = try MillraceProcess(["generate", "--output", file.path] + options)
        let exit = try generator.wait(within: .seconds(120))
        guard exit == .code(0) else {
            throw MillraceProcess.Failure(description: "millrace generate: \(exit): \(generator.lastWords)")
        }
        events = try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map { [UInt8]($0) }
    }

    deinit {
        try? FileManager.default.removeItem(at: file.deletingLastPathComponent())  // A temporary folder.
    }
}

/// Events on their way into a topic: each is produced once, event `n` into partition `n` modulo their number.
///
/// Used by one thread.
struct EventWriter: ~Copyable {
    private let events: [[UInt8]]
    private let partitions: Int
    private var producer: Producer
    private let topic: Producer.Topic
    /// How many were handed to the client.
    private(set) var produced = 0

    init(
        _ log: EventLog, to topic: String, partitions: Int, of stand: KafkaStand, compression: String = "lz4"
    ) throws {
        var producer = try Producer(
            ProducerConfiguration(connection: stand.connection, compression: compression, linger: .milliseconds(5)))
        self.topic = try producer.topic(topic)
        self.producer = producer
        self.partitions = partitions
        events = log.events
    }

    /// Produces events until `count` of them are, without waiting for their delivery.
    mutating func write(upTo count: Int) throws {
        while produced < min(count, events.count) {
            try producer.produce(events[produced], to: topic, partition: Int32(produced % partitions))
            produced += 1
        }
        try producer.checkDelivered()
    }

    /// Produces what is left and waits until all is delivered.
    consuming func finish() throws {
        try write(upTo: events.count)
        try producer.flush()
        try producer.close()
    }
}
