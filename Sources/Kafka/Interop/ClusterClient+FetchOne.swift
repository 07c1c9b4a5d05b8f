internal import CRdKafka
internal import Synchronization

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
    public func fetchOne(
        _ partition: TopicPartition, offset: Int64, timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) -> FetchedMessage {
        guard let answer = fetchEach([partition: offset], timeout: timeout)[partition] else {
            throw refined(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: "kafka: message at \(partition) offset \(offset)")
        }
        return try answer.get()
    }

    /// Reads one message of each partition, all at once. A partition that cannot be read has an error of its own.
    public func fetchEach(
        _ offsets: [TopicPartition: Int64], timeout: Duration = KafkaLimits.requestTimeout
    ) -> [TopicPartition: Result<FetchedMessage, KafkaError>] {
        fetchEach(offsets, ranges: ranges(of: offsets.keys, timeout: timeout), timeout: timeout)
    }

    /// The same, when the ranges of the partitions are known: they tell "gone" from "cut" where the broker only says "out of
    /// range".
    public func fetchEach(
        _ offsets: [TopicPartition: Int64], ranges: [TopicPartition: Result<Watermarks, KafkaError>], timeout: Duration
    ) -> [TopicPartition: Result<FetchedMessage, KafkaError>] {
        var result: [TopicPartition: Result<FetchedMessage, KafkaError>] = [:]
        var wanted: [TopicPartition: Int64] = [:]
        for (partition, offset) in offsets {
            switch ranges[partition] {
            case .success(let range) where offset >= range.high:
                result[partition] = .success(.beyondEnd(end: range.high))
            case .success(let range) where offset < range.low: result[partition] = .success(.gone)
            case .success: wanted[partition] = offset
            case .failure(let error): result[partition] = .failure(error)
            case nil: result[partition] = .failure(.leaderless(partition))
            }
        }
        guard !wanted.isEmpty else { return result }
        let found = reading.withLock { _ in read(wanted, timeout: timeout) }
        return result.merging(found) { _, last in last }
    }

    /// Reads messages that should be there.
    private func read(
        _ offsets: [TopicPartition: Int64], timeout: Duration
    ) -> [TopicPartition: Result<FetchedMessage, KafkaError>] {
        let end = ContinuousClock.now + timeout
        var (result, wanted): ([TopicPartition: Result<FetchedMessage, KafkaError>], _) = ([:], offsets)
        let queue = unsafe rd_kafka_queue_new(client.pointer)!
        defer { unsafe rd_kafka_queue_destroy(queue) }
        var started: Set<TopicPartition> = []
        defer { for partition in started { stop(partition) } }
        for (partition, offset) in offsets {
            do {
                try unsafe start(partition, offset, queue)
                started.insert(partition)
            } catch {
                result[partition] = .failure(error)
                wanted[partition] = nil
            }
        }
        while !wanted.isEmpty {
            let left = end - ContinuousClock.now
            guard left > .zero else { break }
            guard let message = unsafe rd_kafka_consume_queue(queue, max(1, left.milliseconds)) else { continue }
            defer { unsafe rd_kafka_message_destroy(message) }
            guard let topic = unsafe message.pointee.rkt else { continue }
            let partition = unsafe TopicPartition(
                String(cString: rd_kafka_topic_name(topic)), message.pointee.partition)
            guard let offset = wanted[partition],
                let answer = unsafe answer(message, partition, offset, timeout: max(.milliseconds(1), left))
            else { continue }
            result[partition] = answer
            wanted[partition] = nil
            // It would go on fetching what nobody wants.
            stop(partition)
            started.remove(partition)
        }
        for (partition, offset) in wanted {
            let doing = "kafka: message at \(partition) offset \(offset), not come within \(timeout)"
            result[partition] = .failure(refined(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: doing))
        }
        return result
    }

    private func start(_ partition: TopicPartition, _ offset: Int64, _ queue: OpaquePointer) throws(KafkaError) {
        let topic = try unsafe client.topic(partition.topic)
        guard unsafe rd_kafka_consume_start_queue(topic, partition.partition, offset, queue) == 0 else {
            throw refined(rd_kafka_last_error(), doing: "kafka: message at \(partition) offset \(offset)")
        }
    }

    /// What a fetched message or error says about `offset`, or nil if the client will try again by itself.
    private func answer(
        _ message: UnsafeMutablePointer<rd_kafka_message_t>, _ partition: TopicPartition, _ offset: Int64,
        timeout: Duration
    ) -> Result<FetchedMessage, KafkaError>? {
        switch unsafe message.pointee.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            return unsafe .success(message.pointee.offset == offset ? FetchedMessage(copying: message) : .gone)
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            return .success(.gone)
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
            return ranges(of: [partition], timeout: timeout)[partition]?.map { now in
                offset >= now.high ? .beyondEnd(end: now.high) : .gone
            }
        case let response:
            let doing = "kafka: message at \(partition) offset \(offset)"
            guard KafkaError(response, doing: doing).isRetryable else {
                return .failure(refined(response, doing: doing))
            }
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
