internal import CRdKafka

extension ClusterClient {
    /// Creates a topic and waits until the cluster has done so. Not known to `millrace broker`.
    /// - Throws: `KafkaError`; name `TOPIC_ALREADY_EXISTS` if it is there already.
    public func createTopic(
        _ name: String, partitions: Int, replication: Int = 1, settings: [String: String] = [:],
        timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) {
        let doing = "kafka: creating topic '\(name)' at \(brokers)"
        var text = [CChar](repeating: 0, count: KafkaLimits.errorTextBytes)
        let created = unsafe rd_kafka_NewTopic_new(
            name, Int32(clamping: partitions), Int32(clamping: replication), &text, text.count)
        guard let topic = unsafe created else {
            throw KafkaError(code: .configuration, message: "\(doing): \(cText(text))")
        }
        defer { unsafe rd_kafka_NewTopic_destroy(topic) }
        for (key, value) in settings.sorted(by: { $0.key < $1.key }) {
            let response = unsafe rd_kafka_NewTopic_set_config(topic, key, value)
            guard response == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(response, doing: doing) }
        }
        let queue = unsafe rd_kafka_queue_new(client.pointer)!
        defer { unsafe rd_kafka_queue_destroy(queue) }
        let options = unsafe rd_kafka_AdminOptions_new(client.pointer, RD_KAFKA_ADMIN_OP_CREATETOPICS)
        defer { unsafe rd_kafka_AdminOptions_destroy(options) }
        let settings = unsafe [
            rd_kafka_AdminOptions_set_request_timeout(options, timeout.milliseconds, &text, text.count),
            rd_kafka_AdminOptions_set_operation_timeout(options, timeout.milliseconds, &text, text.count),
        ]
        for response in settings where response != RD_KAFKA_RESP_ERR_NO_ERROR {
            throw KafkaError(response, doing: doing, detail: cText(text))
        }
        var topics: [OpaquePointer?] = unsafe [topic]
        unsafe rd_kafka_CreateTopics(client.pointer, &topics, topics.count, options, queue)
        let event = try unsafe answer(queue, doing: doing, timeout: timeout)
        defer { unsafe rd_kafka_event_destroy(event) }
        var count = 0
        let result = unsafe rd_kafka_event_CreateTopics_result(event)
        let answers = unsafe rd_kafka_CreateTopics_result_topics(result, &count)
        try unsafe check(answers, count, doing: doing)
    }

    /// Deletes a topic and waits until the cluster has done so. Not known to `millrace broker`.
    /// - Throws: `KafkaError`.
    public func deleteTopic(
        _ name: String, timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) {
        let doing = "kafka: deleting topic '\(name)' at \(brokers)"
        let topic = unsafe rd_kafka_DeleteTopic_new(name)
        defer { unsafe rd_kafka_DeleteTopic_destroy(topic) }
        let queue = unsafe rd_kafka_queue_new(client.pointer)!
        defer { unsafe rd_kafka_queue_destroy(queue) }
        var topics: [OpaquePointer?] = unsafe [topic]
        unsafe rd_kafka_DeleteTopics(client.pointer, &topics, topics.count, nil, queue)
        let event = try unsafe answer(queue, doing: doing, timeout: timeout)
        defer { unsafe rd_kafka_event_destroy(event) }
        var count = 0
        let result = unsafe rd_kafka_event_DeleteTopics_result(event)
        let answers = unsafe rd_kafka_DeleteTopics_result_topics(result, &count)
        try unsafe check(answers, count, doing: doing)
    }

    /// Gives a topic more partitions and waits until the cluster has done so. Not known to `millrace broker`.
    /// - Throws: `KafkaError`.
    public func growTopic(
        _ name: String, to partitions: Int, timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) {
        let doing = "kafka: growing topic '\(name)' at \(brokers)"
        var text = [CChar](repeating: 0, count: KafkaLimits.errorTextBytes)
        let grown = unsafe rd_kafka_NewPartitions_new(name, partitions, &text, text.count)
        guard let topic = unsafe grown else {
            throw KafkaError(code: .configuration, message: "\(doing): \(cText(text))")
        }
        defer { unsafe rd_kafka_NewPartitions_destroy(topic) }
        let queue = unsafe rd_kafka_queue_new(client.pointer)!
        defer { unsafe rd_kafka_queue_destroy(queue) }
        var topics: [OpaquePointer?] = unsafe [topic]
        unsafe rd_kafka_CreatePartitions(client.pointer, &topics, topics.count, nil, queue)
        let event = try unsafe answer(queue, doing: doing, timeout: timeout)
        defer { unsafe rd_kafka_event_destroy(event) }
        var count = 0
        let result = unsafe rd_kafka_event_CreatePartitions_result(event)
        let answers = unsafe rd_kafka_CreatePartitions_result_topics(result, &count)
        try unsafe check(answers, count, doing: doing)
    }

    /// Waits for the answer to a request of the admin protocol.
    private func answer(
        _ queue: OpaquePointer, doing: String, timeout: Duration
    ) throws(KafkaError) -> OpaquePointer {
        guard let event = unsafe rd_kafka_queue_poll(queue, timeout.milliseconds) else {
            throw refined(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: doing)
        }
        let response = unsafe rd_kafka_event_error(event)
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            unsafe rd_kafka_event_destroy(event)
            throw refined(response, doing: doing)
        }
        return unsafe event
    }

    private func check(
        _ topics: UnsafePointer<OpaquePointer?>?, _ count: Int, doing: String
    ) throws(KafkaError) {
        for index in 0..<count {
            guard let topic = unsafe topics?[index] else { continue }
            let response = unsafe rd_kafka_topic_result_error(topic)
            guard response != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            let text = unsafe rd_kafka_topic_result_error_string(topic).map { unsafe String(cString: $0) }
            throw KafkaError(response, doing: doing, detail: text)
        }
    }
}
