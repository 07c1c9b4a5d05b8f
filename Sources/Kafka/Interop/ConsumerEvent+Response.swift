internal import CRdKafka

/// `_LOG_TRUNCATION`, which librdkafka has since 2.1.0.
private let logTruncation: Int32 = -139

extension ConsumerEvent {
    /// The event for an error librdkafka delivers in place of a message.
    init(
        _ response: rd_kafka_resp_err_t, partition: TopicPartition?, offset: Int64, text: String?, client: ClientHandle
    ) {
        let place = partition.map { "kafka: \($0.partition >= 0 ? $0.description : $0.topic)" } ?? "kafka"
        var error: KafkaError { client.callbacks.error(response, doing: place, detail: text) }
        switch (response, partition) {
        case (RD_KAFKA_RESP_ERR__PARTITION_EOF, let partition?):
            self = .partitionEnd(partition, offset: offset)
        case (RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, let partition?):
            // Before 2.3.0 a broken connection or name lookup may end up here too: the text tells.
            if text?.lowercased().contains("out of range") ?? true {
                self = .offsetOutOfRange(partition, error)
            } else {
                let base = error
                self = .partitionStopped(
                    partition,
                    KafkaError(code: .clusterMoving, name: base.name, message: base.message, hint: nil))
            }
        case (RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, let partition?): self = .offsetOutOfRange(partition, error)
        case (_, let partition?) where response.rawValue == logTruncation:
            let base = error
            self = .offsetOutOfRange(
                partition,
                KafkaError(
                    code: .offsetOutOfRange, name: base.name, message: base.message,
                    hint: KafkaError.Code.offsetOutOfRange.hint))
        case (RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, let partition?),
            (RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, let partition?), (RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, let partition?):
            self = .unknownTopic(partition.topic, error)
        case (RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, let partition?):
            self = .topicRefused(partition.topic, error)
        case (RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, _): self = .pollTooLate(error)
        case (RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, _): self = .brokersDown(error)
        case (RD_KAFKA_RESP_ERR__FATAL, _): self = .fatal(client.fatalError ?? error)
        default: self = .failed(error)
        }
    }

    /// The partition an event is about, if it is about one that is read.
    var partition: TopicPartition? {
        switch self {
        case .partitionEnd(let partition, _), .offsetOutOfRange(let partition, _), .partitionStopped(let partition, _):
            partition
        default: nil
        }
    }
}
