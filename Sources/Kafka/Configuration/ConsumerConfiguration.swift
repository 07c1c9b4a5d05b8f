/// What a consumer reads and how.
public struct ConsumerConfiguration: Sendable {
    /// The cluster.
    public var connection: ConnectionConfiguration
    /// The consumer group; nil for tools that assign partitions by hand.
    public var group: String?
    /// Topics to subscribe to, by name.
    public var topics: [String]
    /// Whether `poll` reports `partitionEnd`.
    public var reportsPartitionEnd: Bool
    /// How much librdkafka may queue and fetch, where the connection's settings do not say.
    public var queues = QueueSizes.standard

    /// Reads `topics` as a member of `group`.
    public init(
        connection: ConnectionConfiguration, group: String?, topics: [String], reportsPartitionEnd: Bool = false
    ) {
        self.connection = connection
        self.group = group
        self.topics = topics
        self.reportsPartitionEnd = reportsPartitionEnd
    }

    /// Checks the settings against the allow-list and this library's version, without connecting.
    /// - Throws: `KafkaError` with code `configuration`.
    public func validate() throws(KafkaError) { _ = try properties(library: .current) }

    /// Whether both join one group of one cluster, as far as their words go.
    public func isOfSameGroup(as other: ConsumerConfiguration) -> Bool {
        group == other.group && connection.brokers == other.connection.brokers
    }

    /// Whether a consumer of this configuration is as good as one of the other, whatever they log to.
    public func isInterchangeable(with other: ConsumerConfiguration) -> Bool {
        isOfSameGroup(as: other) && topics == other.topics && connection.settings == other.connection.settings
            && queues == other.queues && reportsPartitionEnd == other.reportsPartitionEnd
    }

    /// Our fixed settings around the user's, in librdkafka's words.
    /// - Throws: `KafkaError` with code `configuration`.
    func properties(library: LibraryVersion) throws(KafkaError) -> [ClientProperty] {
        var result = try connection.properties(scope: .consumer)
        let fixed = [
            ClientProperty("fetch.wait.max.ms", String(KafkaLimits.fetchWait.milliseconds)),
            // The default of a second lets a fast consumer starve; older versions: see FetchWaker.
            ClientProperty("fetch.queue.backoff.ms", "10", isOptional: true),
            ClientProperty("isolation.level", "read_committed"),
            // Cooperative assignors loop or lose partitions in old versions; range is the safe default for all.
            ClientProperty("partition.assignment.strategy", "range"),
            ClientProperty("session.timeout.ms", String(KafkaLimits.sessionTimeout.milliseconds)),
            ClientProperty("heartbeat.interval.ms", String(heartbeat.milliseconds)),
            ClientProperty("topic.metadata.refresh.interval.ms", String(KafkaLimits.metadataRefresh.milliseconds)),
        ]
        try checkStrategy(library: library)
        result += sizeProperties
        result += fixed
        result += connection.userProperties
        result += [
            // Any rd_kafka_assign needs a group id; without a subscription it is never joined.
            ClientProperty("group.id", group ?? "millrace-unsubscribed"),
            ClientProperty("enable.auto.commit", "false"),
            ClientProperty("enable.auto.offset.store", "false"),
            ClientProperty("auto.offset.reset", "error"),
            ClientProperty("check.crcs", "true"),
            ClientProperty("allow.auto.create.topics", "false"),
            // The end of a partition is where what can be read ends: behind markers, before open transactions.
            ClientProperty("enable.partition.eof", "true"),
        ]
        return result
    }

    /// Three heartbeats fit into the user's session timeout.
    private var heartbeat: Duration {
        let session = connection.settings["session.timeout.ms"].flatMap(Int64.init).map { Duration.milliseconds($0) }
        return min(KafkaLimits.heartbeat, (session ?? KafkaLimits.sessionTimeout) / 3)
    }

    private func checkStrategy(library: LibraryVersion) throws(KafkaError) {
        let strategy = connection.settings["partition.assignment.strategy"] ?? ""
        guard strategy.contains("cooperative"), library < .cooperativeSafe else { return }
        throw KafkaError(
            code: .configuration,
            message:
                "kafka: partition.assignment.strategy=\(strategy) needs librdkafka \(LibraryVersion.cooperativeSafe) "
                + "or later, found \(library)",
            hint: "older versions can rebalance for ever or lose partitions with it; use range")
    }
}
