/// How much librdkafka may queue and fetch, where the user's settings do not say.
public struct QueueSizes: Sendable, Equatable {
    /// KiB of payload waiting: `queued.max.messages.kbytes`.
    public var queuedKilobytes: Int
    /// Bytes of one fetch over all partitions, as it comes over the network: `fetch.max.bytes`.
    public var fetchBytes: Int
    /// Bytes of one fetch per partition: `fetch.message.max.bytes`. A batch that is larger is fetched all the same, alone.
    public var fetchPartitionBytes: Int

    /// A part of the default sizes.
    /// - Parameter sixteenths: 16 for all of it, 1 for the least that works well: 1 MiB queued, 256 KiB a fetch.
    init(sixteenths: Int) {
        queuedKilobytes = KafkaLimits.queuedKilobytes * sixteenths / 16
        fetchBytes = KafkaLimits.fetchBytes * sixteenths / 16
        fetchPartitionBytes = min(KafkaLimits.fetchPartitionBytes, fetchBytes)
    }

    /// The default sizes.
    public static let standard = QueueSizes(sixteenths: 16)
}

extension ConsumerConfiguration {
    /// Makes the queues as large as fit into so many bytes, never larger than the default and never smaller than a
    /// sixteenth of it. What the user has set stays.
    public mutating func fitQueues(into bytes: Int) {
        for sixteenths in (1...16).reversed() {
            queues = QueueSizes(sixteenths: sixteenths)
            if memoryBytesMax() <= bytes { return }
        }
    }

    /// The most bytes that librdkafka may hold for this consumer: the payload of a full queue, and one fetch in flight per
    /// broker, unpacked, beside the bytes it was unpacked from; both with what librdkafka spends on each message.
    ///
    /// A fetch is sent as long as the queue is not full, so it comes on top. JSON that was compressed is some five times as
    /// large unpacked, and a fetch is unpacked at once.
    /// - Parameters:
    ///   - brokers: how many there are; nil takes the bootstrap servers for all.
    ///   - messageBytes: mean payload of a message.
    public func memoryBytesMax(
        brokers: Int? = nil, messageBytes: Int = KafkaLimits.messageBytesMean,
        unpacked: Int = KafkaLimits.unpackedRatio
    ) -> Int {
        let fetches = fetchBytes * max(1, brokers ?? connection.brokers.count)
        let payload = queuedBytesMax + fetches * unpacked
        let messages = payload / max(1, messageBytes)
        return payload + messages * KafkaLimits.queuedMessageOverheadBytes + fetches
    }

    /// Bytes of payload with which the queue is full, as the user or the budget says.
    var queuedBytesMax: Int { 1024 * (integer("queued.max.messages.kbytes") ?? queues.queuedKilobytes) }

    /// Bytes of one fetch, as the user or the budget says.
    private var fetchBytes: Int { integer("fetch.max.bytes") ?? queues.fetchBytes }

    private func integer(_ key: String) -> Int? { connection.settings[key].flatMap(Int.init) }

    /// The sizes in librdkafka's words.
    var sizeProperties: [ClientProperty] {
        [
            ClientProperty("queued.max.messages.kbytes", String(queues.queuedKilobytes)),
            ClientProperty("queued.min.messages", String(KafkaLimits.queuedMessagesMin)),
            ClientProperty("fetch.message.max.bytes", String(queues.fetchPartitionBytes)),
            ClientProperty("fetch.max.bytes", String(queues.fetchBytes)),
            // Bounds what is produced, which is nothing; but librdkafka takes no fetch.max.bytes below it.
            ClientProperty("message.max.bytes", String(min(KafkaLimits.messageBytesMax, fetchBytes))),
        ]
    }
}
