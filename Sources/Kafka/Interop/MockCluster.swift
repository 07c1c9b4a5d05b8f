internal import CRdKafka

/// librdkafka's mock cluster: Kafka's protocol on loopback, in this process, for development and tests.
///
/// Keeps 5 MiB or 100,000 messages per partition and drops older ones; nothing is stored; control records of
/// transactions are not written; `offsets(at:)` finds nothing; the admin protocol creates no topics, but every topic
/// a client asks about is created: a misspelt name is not found out here.
@safe public struct MockCluster: ~Copyable {
    private let client: ClientHandle
    private let cluster: OpaquePointer

    /// Starts `brokers` brokers with ids from 1, each on a port the system chooses.
    public init(brokers: Int = 1, log: KafkaLogHandler? = nil) throws(KafkaError) {
        let client = try ClientHandle(consumer: false, properties: [], brokers: "mock cluster", log: log)
        guard let cluster = unsafe rd_kafka_mock_cluster_new(client.pointer, Int32(clamping: brokers)) else {
            throw KafkaError(code: .other, message: "kafka: the mock cluster could not listen on loopback")
        }
        unsafe client.own(mockCluster: cluster)
        self.client = client
        unsafe self.cluster = unsafe cluster
    }

    /// `host:port` of every broker, with commas between.
    public var bootstrapServers: String { unsafe String(cString: rd_kafka_mock_cluster_bootstraps(cluster)) }

    /// Creates a topic.
    public func createTopic(_ name: String, partitions: Int, replication: Int = 1) throws(KafkaError) {
        try check(
            unsafe rd_kafka_mock_topic_create(
                cluster, name, Int32(clamping: partitions), Int32(clamping: replication)),
            "creating topic '\(name)'")
    }

    /// Moves a partition to another broker; nil leaves it without a leader.
    public func setLeader(of partition: TopicPartition, to broker: Int32?) throws(KafkaError) {
        try check(
            unsafe rd_kafka_mock_partition_set_leader(cluster, partition.topic, partition.partition, broker ?? -1),
            "moving \(partition)")
    }

    /// Cuts a broker's connections and refuses new ones.
    public func takeDown(broker: Int32) throws(KafkaError) {
        try check(unsafe rd_kafka_mock_broker_set_down(cluster, broker), "taking broker \(broker) down")
    }

    /// Lets a broker accept connections again.
    public func bringUp(broker: Int32) throws(KafkaError) {
        try check(unsafe rd_kafka_mock_broker_set_up(cluster, broker), "bringing broker \(broker) up")
    }

    /// Answers the next requests of kind `api` with an error. What is not used up stays for whoever comes next.
    /// - Parameter api: Kafka's number of the request: 0 Produce, 1 Fetch, 3 Metadata, 11 JoinGroup, 12 Heartbeat.
    /// - Parameter code: Kafka's error number; -195 cuts the connection.
    public func failRequests(api: Int16, code: Int32, count: Int) {
        let errors = [rd_kafka_resp_err_t](repeating: rd_kafka_resp_err_t(code), count: count)
        unsafe rd_kafka_mock_push_request_errors_array(cluster, api, errors.count, errors)
    }

    private func check(_ response: rd_kafka_resp_err_t, _ doing: String) throws(KafkaError) {
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(response, doing: "mock cluster: \(doing)")
        }
    }
}
