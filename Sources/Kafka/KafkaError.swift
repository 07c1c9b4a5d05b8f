/// What went wrong between this process and a Kafka cluster, in words a person can act on.
///
/// Never holds the content of a message, and never a secret.
public struct KafkaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure; what a caller may decide on.
    public enum Code: String, Sendable {
        /// A setting is unknown, refused, or has a value librdkafka does not take.
        case configuration
        /// No broker answers: wrong address, wrong listener, network, or all of them are down.
        case brokersUnreachable
        /// The cluster refused the credentials or the TLS handshake failed.
        case authentication
        /// The cluster knows us and does not let us read or write this topic or group.
        case authorization
        /// The topic does not exist.
        case unknownTopic
        /// The topic exists and has no partition of this number.
        case unknownPartition
        /// The wanted offset is not in the partition: retention passed it, or the log was cut or re-created.
        case offsetOutOfRange
        /// No answer within the time given.
        case timedOut
        /// The broker or the client refuses a message of this size.
        case messageTooLarge
        /// The producer's queue stayed full for the time given.
        case queueFull
        /// Too long between two polls: the group took the partitions away.
        case pollTooLate
        /// Another member took over, or the group generation moved on.
        case fenced
        /// The group's coordinator, a leader or a replica is moving; it passes by itself.
        case clusterMoving
        /// Client and broker do not understand each other's protocol.
        case protocolMismatch
        /// The transaction has to be aborted before anything else.
        case transactionMustAbort
        /// The client did not shut down within its time.
        case closeTimedOut
        /// librdkafka declared the client unusable.
        case fatal
        /// Anything else; `name` says what.
        case other
    }

    /// The kind of failure.
    public let code: Code
    /// librdkafka's own name for it (`_TRANSPORT`, `UNKNOWN_TOPIC_OR_PART`), or empty if the driver found it.
    public let name: String
    /// Where and what, with the found and expected values.
    public let message: String
    /// What to try, where we know it.
    public let hint: String?
    /// Whether the same call may succeed later without anything being changed by a person.
    public let isRetryable: Bool

    /// An error from its parts; `isRetryable` follows from the code unless given.
    public init(
        code: Code, name: String = "", message: String, hint: String? = nil, isRetryable: Bool? = nil
    ) {
        self.code = code
        self.name = name
        self.message = message
        self.hint = hint
        self.isRetryable = isRetryable ?? code.isRetryable
    }

    /// One line: `where: what is wrong (NAME); hint`.
    public var description: String {
        let named = name.isEmpty ? message : "\(message) (\(name))"
        guard let hint else { return named }
        return "\(named); \(hint)"
    }
}

extension KafkaError.Code {
    /// Whether failures of this kind pass by themselves.
    public var isRetryable: Bool {
        switch self {
        case .brokersUnreachable, .timedOut, .queueFull, .clusterMoving, .pollTooLate: true
        case .configuration, .authentication, .authorization, .unknownTopic, .unknownPartition, .offsetOutOfRange,
            .messageTooLarge, .fenced, .protocolMismatch, .transactionMustAbort, .closeTimedOut, .fatal, .other:
            false
        }
    }
}
