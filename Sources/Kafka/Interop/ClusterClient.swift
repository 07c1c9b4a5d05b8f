internal import CRdKafka
internal import Synchronization

/// Asks a cluster questions, outside any consumer group: topics, offsets, single messages. Every call blocks; any thread may
/// make it.
public struct ClusterClient: ~Copyable, Sendable {
    let client: ClientHandle
    let brokers: String
    /// Held while messages are fetched, by each for its timeout at most: a client reads a partition at one place at a time.
    let reading = Mutex(())

    /// Makes the client; nothing is connected before the first question.
    /// - Parameter group: the group whose committed offsets may be asked for; it is not joined.
    /// - Throws: `KafkaError` with code `configuration`.
    ///
    /// It may share the settings of a producer; what only a producer has means nothing to it.
    public init(_ connection: ConnectionConfiguration, group: String? = nil) throws(KafkaError) {
        var connection = connection
        connection.settings = connection.settings.filter {
            AllowedSettings.find($0.key, scope: .producer)?.scope != .producer
        }
        var configuration = ConsumerConfiguration(connection: connection, group: group, topics: [])
        // It reads single messages.
        configuration.queues = QueueSizes(sixteenths: 1)
        // A fetch that waits at a partition's end would hold up the next one to the same broker.
        if connection.settings["fetch.wait.max.ms"] == nil {
            configuration.connection.settings["fetch.wait.max.ms"] = "10"
        }
        try connection.checkFiles()
        client = try ClientHandle(
            consumer: true, properties: configuration.properties(library: .current),
            brokers: connection.bootstrapServers, log: connection.log)
        brokers = connection.bootstrapServers
    }

    /// Brokers, topics and the cluster's id.
    /// - Parameter topic: only this topic, which must exist; all topics if nil.
    /// - Throws: `KafkaError`: `unknownTopic` naming it, `brokersUnreachable` naming the brokers and the last failure.
    public func metadata(
        topic: String? = nil, timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) -> ClusterMetadata {
        let doing = topic.map { "kafka: topic '\($0)' at \(brokers)" } ?? "kafka: topics at \(brokers)"
        let handle = try unsafe topic.map { (name) throws(KafkaError) in try unsafe client.topic(name) }
        var answer: UnsafePointer<rd_kafka_metadata>?
        let response = unsafe rd_kafka_metadata(
            client.pointer, topic == nil ? 1 : 0, handle, &answer, timeout.milliseconds)
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR, let answer = unsafe answer else {
            throw refined(response, doing: doing)
        }
        defer { unsafe rd_kafka_metadata_destroy(answer) }
        return try unsafe ClusterMetadata(answer.pointee, id: clusterID(timeout: timeout), doing: doing, asked: topic)
    }

    /// The cluster's id, or nil if it has none.
    private func clusterID(timeout: Duration) -> String? {
        guard let text = unsafe rd_kafka_clusterid(client.pointer, timeout.milliseconds) else { return nil }
        defer { unsafe rd_kafka_mem_free(client.pointer, text) }
        return unsafe String(cString: text)
    }

    /// The range of offsets a partition holds now.
    public func watermarks(
        of partition: TopicPartition, timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) -> Watermarks {
        try client.watermarks(of: partition, timeout: timeout)
    }

    /// For each partition the first offset whose message is stamped at or after `milliseconds` since 1970.
    ///
    /// Nil where no such message exists: reading begins at the end there.
    public func offsets(
        at milliseconds: Int64, of partitions: [TopicPartition], timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) -> [TopicPartition: Int64?] {
        let list = PartitionList(capacity: partitions.count)
        for partition in partitions { list.append(partition, offset: milliseconds) }
        let response = unsafe rd_kafka_offsets_for_times(client.pointer, list.pointer, timeout.milliseconds)
        return try answered(list, response, doing: "kafka: offsets at a time")
    }

    /// What the group has committed; nil where nothing was. For lag tools and migrations only.
    public func committed(
        _ partitions: [TopicPartition], timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) -> [TopicPartition: Int64?] {
        let list = PartitionList(partitions)
        let response = unsafe rd_kafka_committed(client.pointer, list.pointer, timeout.milliseconds)
        return try answered(list, response, doing: "kafka: committed offsets")
    }

    private func answered(
        _ list: borrowing PartitionList, _ response: rd_kafka_resp_err_t, doing: String
    ) throws(KafkaError) -> [TopicPartition: Int64?] {
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else { throw refined(response, doing: doing) }
        var result: [TopicPartition: Int64?] = [:]
        for entry in list.entries {
            guard entry.response == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw refined(entry.response, doing: "\(doing): \(entry.partition)")
            }
            result[entry.partition] = .some(entry.offset >= 0 ? entry.offset : nil)
        }
        return result
    }

    /// Lets librdkafka's queued errors in first: they say why nothing answered.
    func refined(_ response: rd_kafka_resp_err_t, doing: String) -> KafkaError {
        let batch = MessageBatch(capacity: 16)
        let received = unsafe batch.receive(batch.capacity, from: client.queue!, timeout: .zero)
        for index in 0..<received { batch.destroy(index) }
        return client.callbacks.error(response, doing: doing)
    }
}

/// What a cluster says about itself.
public struct ClusterMetadata: Sendable {
    /// The cluster's id, or nil if it has none.
    public let id: String?
    /// `host:port` of each broker, by broker id.
    public let brokers: [Int32: String]
    /// Number of partitions of each topic.
    public let topics: [String: Int]
}

extension ClusterMetadata {
    init(
        _ answer: rd_kafka_metadata, id: String?, doing: String, asked: String?
    ) throws(KafkaError) {
        self.id = id
        var brokers: [Int32: String] = [:]
        for index in unsafe 0..<Int(answer.broker_cnt) {
            let broker = unsafe answer.brokers[index]
            unsafe brokers[broker.id] = "\(String(cString: broker.host)):\(broker.port)"
        }
        var topics: [String: Int] = [:]
        for index in unsafe 0..<Int(answer.topic_cnt) {
            let topic = unsafe answer.topics[index]
            let name = unsafe String(cString: topic.topic)
            let response = unsafe topic.err
            if response == RD_KAFKA_RESP_ERR_NO_ERROR {
                topics[name] = unsafe Int(topic.partition_cnt)
            } else if name == asked {
                throw KafkaError(response, doing: doing)
            }
        }
        self.brokers = brokers
        self.topics = topics
    }
}
