import Foundation
import Glibc
import Kafka

/// Where generated events go when they go to Kafka: one producer and one topic. Blocks while the producer's queue is
/// full; never use it on Swift's cooperative pool.
struct KafkaOutput: ~Copyable {
    /// What a message's key is.
    enum Key: Equatable, Sendable {
        /// The user of a generated event: a player's events keep their order, in one partition.
        case user
        /// The value of a field at the top of the message's JSON; a message without one has no key.
        case field(String)
        /// No key: batches go to partitions in turn.
        case none
    }

    private let producer: Producer
    private let topic: Producer.Topic
    private let key: Key
    private let linesPerMessage: Int
    private var keys: MessageKeys?
    /// Of the messages so far, those that lack the field that is to be their key.
    private(set) var keyless = 0
    /// Messages handed to the producer so far.
    private(set) var messages = 0

    /// Connects and makes sure that the topic is there, so that a misspelt address or name is said before the first
    /// event.
    /// - Parameter linesPerMessage: how many events one message holds at most.
    /// - Throws: `KafkaError` naming the brokers or the topic.
    init(
        _ configuration: ProducerConfiguration, topic: String, key: Key, linesPerMessage: Int = 1
    ) throws(KafkaError) {
        precondition(linesPerMessage == 1 || key == .none, "a message of several events has no one key")
        _ = try ClusterClient(configuration.connection).metadata(topic: topic)
        var producer = try Producer(configuration)
        self.topic = try producer.topic(topic)
        self.producer = producer
        self.key = key
        self.linesPerMessage = linesPerMessage
        keys = if case .field(let name) = key { MessageKeys(field: name) } else { nil }
    }

    /// Queues whole lines, as messages without the newline at their end.
    /// - Throws: `KafkaError`: about these lines, or about earlier ones that could not be delivered.
    mutating func write(_ lines: UnsafeRawBufferPointer) throws(KafkaError) {
        if let keys = unsafe keys?.keys(of: lines) { return try unsafe write(lines, keys) }
        var start = 0
        var end = 0
        var count = 0
        while end < lines.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: lines[end...])
            end += unsafe KafkaOutput.lineLength(rest) + 1
            count += 1
            guard count == linesPerMessage || end >= lines.count else { continue }
            try unsafe send(UnsafeRawBufferPointer(rebasing: lines[start..<min(end - 1, lines.count)]))
            start = end
            count = 0
        }
        try producer.checkDelivered()
    }

    /// Queues lines, each with its key.
    private mutating func write(_ lines: UnsafeRawBufferPointer, _ keys: [[UInt8]?]) throws(KafkaError) {
        var start = 0
        for key in keys {
            let end = unsafe start + KafkaOutput.lineLength(UnsafeRawBufferPointer(rebasing: lines[start...]))
            let message = unsafe UnsafeRawBufferPointer(rebasing: lines[start..<end])
            messages += 1
            start = end + 1
            if let key {
                try unsafe produce(message, key)
            } else {
                keyless += 1
                try unsafe producer.produce(message, to: topic)
            }
        }
        try producer.checkDelivered()
    }

    private mutating func produce(_ message: UnsafeRawBufferPointer, _ key: [UInt8]) throws(KafkaError) {
        var failure: KafkaError?
        unsafe key.withUnsafeBytes { key in
            do throws(KafkaError) { try unsafe producer.produce(message, key: key, to: topic) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Waits until everything is delivered, and ends the producer.
    /// - Throws: `KafkaError` with the number of messages that are left, or why one could not be delivered.
    consuming func close() throws(KafkaError) {
        try producer.flush()
        try producer.close()
    }

    private mutating func send(_ message: UnsafeRawBufferPointer) throws(KafkaError) {
        messages += 1
        guard key == .user, let user = unsafe KafkaOutput.user(of: message) else {
            return try unsafe producer.produce(message, to: topic)
        }
        guard unsafe user.contains(UInt8(ascii: "\\")) else {
            return try unsafe producer.produce(message, key: user, to: topic)
        }
        // The same user may be written with and without escapes.
        try unsafe produce(message, KafkaOutput.unescaped(user))
    }

    static func lineLength(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let start = bytes.baseAddress, let mark = unsafe memchr(start, 10, bytes.count) else {
            return bytes.count
        }
        return unsafe UnsafeRawPointer(mark) - start
    }

    /// The bytes of the user as they are between the quotes; nil in an event that is cut short before their end.
    static func user(of event: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let start = unsafe endOfOpening(in: event) else { return nil }
        var end = start
        while end < event.count, unsafe event[end] != UInt8(ascii: "\"") {
            end += unsafe event[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard end < event.count else { return nil }
        return unsafe UnsafeRawBufferPointer(rebasing: event[start..<end])
    }

    /// Where the user's text begins; nil when there is none.
    private static func endOfOpening(in event: UnsafeRawBufferPointer) -> Int? {
        let opening: StaticString = #""user":""#
        let length = opening.utf8CodeUnitCount
        guard let base = event.baseAddress else { return nil }
        var place = 0
        while place + length < event.count,
            let quote = unsafe memchr(base + place, Int32(UInt8(ascii: "\"")), event.count - length - place)
        {
            if unsafe memcmp(quote, opening.utf8Start, length) == 0 {
                return unsafe UnsafeRawPointer(quote) - base + length
            }
            place = unsafe UnsafeRawPointer(quote) - base + 1
        }
        return nil
    }

    /// A JSON string's bytes without its escapes; what is no JSON string is a key as it stands.
    private static func unescaped(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        let quoted = unsafe Data([UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")])
        let value = try? JSONSerialization.jsonObject(with: quoted, options: .fragmentsAllowed)
        return unsafe (value as? String).map { Array($0.utf8) } ?? Array(text)
    }
}
