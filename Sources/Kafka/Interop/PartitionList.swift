internal import CRdKafka

/// librdkafka's list of partitions with offsets, owned.
@safe struct PartitionList: ~Copyable {
    /// One entry of the list.
    struct Entry {
        let partition: TopicPartition
        let offset: Int64
        let response: rd_kafka_resp_err_t
    }

    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(capacity: Int) {
        unsafe pointer = rd_kafka_topic_partition_list_new(Int32(clamping: capacity))
    }

    /// Takes over a list librdkafka allocated for us.
    init(taking pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
        unsafe self.pointer = unsafe pointer
    }

    init(_ partitions: some Collection<TopicPartition>) {
        self.init(capacity: partitions.count)
        for partition in partitions { append(partition) }
    }

    init(_ starts: some Collection<PartitionStart>) {
        self.init(capacity: starts.count)
        for start in starts { append(start.partition, offset: start.offset.logical) }
    }

    deinit { unsafe rd_kafka_topic_partition_list_destroy(pointer) }

    func append(_ partition: TopicPartition, offset: Int64? = nil) {
        let entry = unsafe rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
        if let offset { unsafe entry?.pointee.offset = offset }
    }

    /// The entries, copied.
    var entries: [Entry] { unsafe PartitionList.entries(of: pointer) }

    static func entries(of pointer: UnsafePointer<rd_kafka_topic_partition_list_t>) -> [Entry] {
        unsafe UnsafeBufferPointer(start: pointer.pointee.elems, count: Int(pointer.pointee.cnt)).map { element in
            unsafe Entry(
                partition: TopicPartition(String(cString: element.topic), element.partition),
                offset: element.offset, response: element.err)
        }
    }
}

extension StartOffset {
    /// librdkafka's number for it.
    var logical: Int64 {
        switch self {
        case .earliest: Int64(RD_KAFKA_OFFSET_BEGINNING)
        case .latest: Int64(RD_KAFKA_OFFSET_END)
        case .at(let offset): offset
        }
    }
}
