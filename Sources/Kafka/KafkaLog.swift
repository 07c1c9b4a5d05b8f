/// One line librdkafka wrote. Nothing is ever printed to stderr by the driver itself.
public struct KafkaLogLine: Sendable {
    /// How bad it is, from librdkafka's syslog level.
    public enum Level: Sendable {
        /// Syslog 0-3.
        case error
        /// Syslog 4.
        case warning
        /// Syslog 5 and 6.
        case info
        /// Syslog 7.
        case debug
    }

    /// How bad it is.
    public let level: Level
    /// librdkafka's short word for the place, such as `FAIL` or `MAXPOLL`.
    public let facility: String
    /// The text; names brokers and topics, no message contents.
    public let message: String
}

/// Takes librdkafka's log lines; called on librdkafka's own threads, must be quick.
public typealias KafkaLogHandler = @Sendable (KafkaLogLine) -> Void
