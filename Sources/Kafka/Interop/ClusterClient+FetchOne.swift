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
    /// - Throws: `KafkaError`; `timedOut` is retryable.
    public mutating func fetchOne(
        _ partition: TopicPartition, offset: Int64, timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) -> FetchedMessage {
        guard let message = try fetchEach([partition: offset], timeout: timeout)[partition] else {
            throw refined(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: "kafka: message at \(partition) offset \(offset)")
        }
        return message
    }

    /// Reads one message of each partition, all at once.
    /// - Throws: `KafkaError` for the first partition that cannot be asked, or if not all have answered in time.
    public mutating func fetchEach(
        _ offsets: [TopicPartition: Int64], timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) -> [TopicPartition: FetchedMessage] {
        let end = ContinuousClock.now + timeout
        var (result, wanted): ([TopicPartition: FetchedMessage], [TopicPartition: Int64]) = ([:], [:])
        for (partition, offset) in offsets {
            // Known before the fetch: the range tells "gone" from "cut" where the broker only says "out of range".
            let range = try client.watermarks(of: partition, timeout: timeout)
            if offset >= range.high {
                result[partition] = .beyondEnd(end: range.high)
            } else if offset < range.low {
                result[partition] = .gone
            } else {
                wanted[partition] = offset
            }
        }
        guard !wanted.isEmpty else { return result }
        let queue = unsafe rd_kafka_queue_new(client.pointer)!
        defer { unsafe rd_kafka_queue_destroy(queue) }
        var started: [TopicPartition] = []
        defer { for partition in started { stop(partition) } }
        for (partition, offset) in wanted {
            let topic = try unsafe client.topic(partition.topic)
            guard unsafe rd_kafka_consume_start_queue(topic, partition.partition, offset, queue) == 0 else {
                throw refined(rd_kafka_last_error(), doing: "kafka: message at \(partition) offset \(offset)")
            }
            started.append(partition)
        }
        while !wanted.isEmpty {
            let left = end - ContinuousClock.now
            guard left > .zero else {
                let first = wanted.keys.sorted()[0]
                throw refined(
                    RD_KAFKA_RESP_ERR__TIMED_OUT,
                    doing: "kafka: \(wanted.count) partitions, \(first) among them, gave no message in \(timeout)")
            }
            let slice = min(left, KafkaLimits.waitSlice).milliseconds
            guard let message = unsafe rd_kafka_consume_queue(queue, slice) else { continue }
            defer { unsafe rd_kafka_message_destroy(message) }
            guard let topic = unsafe message.pointee.rkt else { continue }
            let partition = unsafe TopicPartition(
                String(cString: rd_kafka_topic_name(topic)), message.pointee.partition)
            guard let offset = wanted[partition],
                let answer = try unsafe answer(message, partition, offset, timeout: timeout)
            else { continue }
            result[partition] = answer
            wanted[partition] = nil
        }
        return result
    }

    /// What a fetched message or error says about `offset`, or nil if the client will try again by itself.
    private func answer(
        _ message: UnsafeMutablePointer<rd_kafka_message_t>, _ partition: TopicPartition, _ offset: Int64,
        timeout: Duration
    ) throws(KafkaError) -> FetchedMessage? {
        switch unsafe message.pointee.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            return unsafe message.pointee.offset == offset ? FetchedMessage(copying: message) : .gone
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            return .gone
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
            let now = try client.watermarks(of: partition, timeout: timeout)
            return offset >= now.high ? .beyondEnd(end: now.high) : .gone
        case let response:
            let doing = "kafka: message at \(partition) offset \(offset)"
            guard KafkaError(response, doing: doing).isRetryable else { throw refined(response, doing: doing) }
            return nil
        }
    }

    private func stop(_ partition: TopicPartition) {
        // The topic is known: reading it was started.
        if let topic = unsafe try? client.topic(partition.topic) {
            unsafe rd_kafka_consume_stop(topic, partition.partition)
        }
    }
}

extension FetchedMessage {
    fileprivate init(copying message: UnsafeMutablePointer<rd_kafka_message_t>) {
        let view = unsafe MessageView(
            message, slot: 0, topicIndex: 0, position: message.pointee.offset)
        self = unsafe .found(
            payload: view.payload.map { unsafe [UInt8]($0) }, key: view.key.map { unsafe [UInt8]($0) },
            timestamp: view.timestamp)
    }
}
