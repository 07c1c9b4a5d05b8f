internal import CRdKafka

/// What lies at one offset of a partition.
public enum FetchedMessage: Sendable, Equatable {
    /// The message; timestamp in milliseconds since 1970; a nil payload is a tombstone.
    case found(payload: [UInt8]?, key: [UInt8]?, timestamp: Int64?)
    /// The offset was used, and its message is gone (retention, compaction) or never was one (transaction marker).
    case gone
    /// The partition ends before this offset: it was cut or re-created.
    case beyondEnd(end: Int64)
}

extension ClusterClient {
    /// Reads the one message at `offset`, or says why it cannot be.
    ///
    /// - Throws: `KafkaError`; `timedOut` is retryable.
    public mutating func fetchOne(
        _ partition: TopicPartition, offset: Int64, timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) -> FetchedMessage {
        let doing = "kafka: message at \(partition) offset \(offset)"
        let end = ContinuousClock.now + timeout
        // Known before the fetch: the range tells "gone" from "cut" where the broker only says "out of range".
        let range = try client.watermarks(of: partition, timeout: timeout)
        guard offset < range.high else { return .beyondEnd(end: range.high) }
        guard offset >= range.low else { return .gone }
        let topic = try unsafe client.topic(partition.topic)
        guard unsafe rd_kafka_consume_start(topic, partition.partition, offset) == 0 else {
            throw refined(rd_kafka_last_error(), doing: doing)
        }
        defer { unsafe rd_kafka_consume_stop(topic, partition.partition) }
        while true {
            let left = end - ContinuousClock.now
            guard left > .zero else { throw refined(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: doing) }
            let slice = min(left, KafkaLimits.waitSlice).milliseconds
            guard let message = unsafe rd_kafka_consume(topic, partition.partition, slice) else { continue }
            defer { unsafe rd_kafka_message_destroy(message) }
            switch unsafe message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                guard unsafe message.pointee.offset == offset else { return .gone }
                return unsafe FetchedMessage(copying: message)
            case RD_KAFKA_RESP_ERR__PARTITION_EOF:
                return .gone
            case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
                let now = try client.watermarks(of: partition, timeout: timeout)
                return offset >= now.high ? .beyondEnd(end: now.high) : .gone
            case let response where KafkaError(response, doing: doing).isRetryable:
                continue
            case let response:
                throw refined(response, doing: doing)
            }
        }
    }
}

extension FetchedMessage {
    fileprivate init(copying message: UnsafeMutablePointer<rd_kafka_message_t>) {
        let view = unsafe MessageView(message, slot: 0, topicIndex: 0)
        self = unsafe .found(
            payload: view.payload.map { unsafe [UInt8]($0) }, key: view.key.map { unsafe [UInt8]($0) },
            timestamp: view.timestamp)
    }
}
