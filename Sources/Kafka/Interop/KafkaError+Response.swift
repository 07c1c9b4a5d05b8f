internal import CRdKafka

extension KafkaError {
    /// The error for librdkafka's code, said in our words.
    /// - Parameter doing: where and what: `kafka: metadata of a:9092`.
    /// - Parameter detail: librdkafka's own text, if it gave one besides the code's.
    init(_ response: rd_kafka_resp_err_t, doing: String, detail: String? = nil, hint: String? = nil) {
        let text = unsafe String(cString: rd_kafka_err2str(response))
        let code = Code(response)
        var hint = hint ?? code.hint
        if response == RD_KAFKA_RESP_ERR__SSL {
            hint =
                "check security.protocol and, of the settings, ssl.ca.location (who signed the brokers' certificates), "
                + "ssl.certificate.location and ssl.key.location (ours)"
        }
        if response == RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT {
            hint = "the broker's group.min.session.timeout.ms and group.max.session.timeout.ms bound session.timeout.ms"
        }
        if let detail, let stranger = KafkaError.stranger(in: detail) {
            self.init(
                code: .protocolMismatch, name: unsafe String(cString: rd_kafka_err2name(response)),
                message: "kafka: \(stranger) does not speak Kafka, or not without TLS (it answered something else)",
                hint: "check host and port of the brokers; a listener with TLS needs security.protocol ssl or sasl_ssl")
            return
        }
        self.init(
            code: code, name: unsafe String(cString: rd_kafka_err2name(response)),
            message: "\(doing): \(detail ?? text)", hint: hint,
            isRetryable: code.isRetryable || transientResponses.contains(response.rawValue))
    }

    /// The `host:port` that librdkafka says has answered something that is no Kafka: it then takes the first bytes for the
    /// length of an answer.
    static func stranger(in text: String) -> Substring? {
        guard text.contains("Invalid response size") else { return nil }
        // 127.0.0.1:5432/bootstrap: Invalid response size 1157627904 …, or sasl_plaintext://host:port/bootstrap: …
        let address = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
        return address.prefix { $0 != "/" && $0 != " " }
    }

    /// Takes over librdkafka's error object, or nil for success.
    init?(taking error: OpaquePointer?, doing: String) {
        guard let error = unsafe error else { return nil }
        let code = unsafe rd_kafka_error_code(error)
        let text = unsafe String(cString: rd_kafka_error_string(error))
        let isFatal = unsafe rd_kafka_error_is_fatal(error) != 0
        let isRetryable = unsafe rd_kafka_error_is_retriable(error) != 0
        let mustAbort = unsafe rd_kafka_error_txn_requires_abort(error) != 0
        unsafe rd_kafka_error_destroy(error)
        let base = KafkaError(code, doing: doing, detail: text)
        self.init(
            code: mustAbort ? .transactionMustAbort : isFatal ? .fatal : base.code, name: base.name,
            message: base.message, hint: base.hint, isRetryable: isRetryable || base.isRetryable)
    }
}

/// Codes without a `KafkaError.Code` of their own that pass by themselves.
private let transientResponses: Set<Int32> = [
    RD_KAFKA_RESP_ERR__RETRY.rawValue, RD_KAFKA_RESP_ERR__IN_PROGRESS.rawValue,
    RD_KAFKA_RESP_ERR__WAIT_COORD.rawValue, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION.rawValue,
    RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED.rawValue, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR.rawValue,
    RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS.rawValue,
]

extension KafkaError.Code {
    /// The kind of librdkafka's code.
    init(_ response: rd_kafka_resp_err_t) {
        switch response {
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
            RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
            self = .brokersUnreachable
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
            RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
            self = .authentication
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            self = .authorization
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: self = .unknownTopic
        case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: self = .unknownPartition
        case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,
            RD_KAFKA_RESP_ERR__NO_OFFSET:
            self = .offsetOutOfRange
        case RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
            RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
            self = .timedOut
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE,
            RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
            self = .messageTooLarge
        case RD_KAFKA_RESP_ERR__QUEUE_FULL: self = .queueFull
        case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED: self = .pollTooLate
        case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
            RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RD_KAFKA_RESP_ERR_PRODUCER_FENCED, RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
            self = .fenced
        case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
            RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH, RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
            self = .clusterMoving
        case RD_KAFKA_RESP_ERR__UNDERFLOW, RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
            self = .protocolMismatch
        case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL,
            RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR_INVALID_CONFIG, RD_KAFKA_RESP_ERR__CONFLICT:
            self = .configuration
        case RD_KAFKA_RESP_ERR__FATAL: self = .fatal
        default: self = .other
        }
    }

    /// What to try for errors of this kind.
    var hint: String? {
        switch self {
        case .brokersUnreachable:
            "check host and port, that the broker runs, that its advertised.listeners name an address this machine "
                + "can reach, firewalls, and that security.protocol fits the listener (TLS or plain)"
        case .authentication:
            "check security.protocol, sasl.mechanisms, sasl.username and sasl.password in the settings"
        case .authorization: "ask the cluster's owner for Read on the topic and the group (Write to produce)"
        case .unknownTopic: "check the spelling, or create the topic"
        case .offsetOutOfRange:
            "messages were removed by retention before they were read, or the topic was cut or re-created"
        case .pollTooLate: "raise max.poll.interval.ms, or make commits smaller"
        case .messageTooLarge: "raise message.max.bytes here and on the broker"
        case .closeTimedOut: "committed results are safe; the group notices after session.timeout.ms"
        default: nil
        }
    }
}
