internal import CRdKafka

extension ClientHandle {
    /// Asks the partition's leader for its range. Blocks up to the request timeout.
    func watermarks(
        of partition: TopicPartition, timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) -> Watermarks {
        var (low, high): (Int64, Int64) = (0, 0)
        let response = unsafe rd_kafka_query_watermark_offsets(
            pointer, partition.topic, partition.partition, &low, &high, timeout.milliseconds)
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw callbacks.error(response, doing: "kafka: first and last offset of \(partition)")
        }
        return Watermarks(low: low, high: high)
    }
}
