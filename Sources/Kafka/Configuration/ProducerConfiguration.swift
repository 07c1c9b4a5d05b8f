/// Where and how a producer writes.
public struct ProducerConfiguration: Sendable {
    /// The cluster.
    public var connection: ConnectionConfiguration
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    public var compression: String
    /// How long a batch waits for more messages.
    public var linger: Duration

    /// Writes to `connection`, by default in lz4 batches collected for 20 ms.
    public init(
        connection: ConnectionConfiguration, compression: String = "lz4", linger: Duration = .milliseconds(20)
    ) {
        self.connection = connection
        self.compression = compression
        self.linger = linger
    }

    /// Our fixed settings around the user's, in librdkafka's words.
    /// - Throws: `KafkaError` with code `configuration`.
    func properties() throws(KafkaError) -> [ClientProperty] {
        try connection.properties(scope: .producer) + [
            ClientProperty("compression.codec", compression),
            ClientProperty("linger.ms", String(linger.milliseconds)),
            ClientProperty("enable.idempotence", "true"),
        ] + connection.userProperties + [
            // Success needs no report of its own: it would cost a queue entry per message.
            ClientProperty("delivery.report.only.error", "true")
        ]
    }
}
