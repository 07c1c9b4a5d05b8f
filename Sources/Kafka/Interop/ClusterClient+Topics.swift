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
        let answers = unsafe [
            rd_kafka_AdminOptions_set_request_timeout(options, timeout.milliseconds, &text, text.count),
            rd_kafka_AdminOptions_set_operation_timeout(options, timeout.milliseconds, &text, text.count),
        ]
        for response in answers where response != RD_KAFKA_RESP_ERR_NO_ERROR {
            throw KafkaError(response, doing: doing, detail: cText(text))
        }
        var topics: [OpaquePointer?] = unsafe [topic]
        unsafe rd_kafka_CreateTopics(client.pointer, &topics, topics.count, options, queue)
        guard let event = unsafe rd_kafka_queue_poll(queue, timeout.milliseconds) else {
            throw refined(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: doing)
        }
        defer { unsafe rd_kafka_event_destroy(event) }
        try unsafe check(event, doing: doing)
    }

    private func check(_ event: OpaquePointer, doing: String) throws(KafkaError) {
        let response = unsafe rd_kafka_event_error(event)
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR, let result = unsafe rd_kafka_event_CreateTopics_result(event)
        else { throw refined(response, doing: doing) }
        var count = 0
        guard let topics = unsafe rd_kafka_CreateTopics_result_topics(result, &count) else { return }
        for index in 0..<count {
            let response = unsafe rd_kafka_topic_result_error(topics[index])
            guard response != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            let text = unsafe rd_kafka_topic_result_error_string(topics[index]).map { unsafe String(cString: $0) }
            throw KafkaError(response, doing: doing, detail: text)
        }
    }
}
