internal import CRdKafka

/// Gets librdkafka's threads to fetch again after the queue was full.
///
/// A broker thread that finds the queue full sleeps for up to a second, however soon the queue is empty
/// (`rd_kafka_max_block_ms`, librdkafka issue 2879); 2.2.0 brought `fetch.queue.backoff.ms` against it. In older versions
/// any request wakes the thread it is for. So when most of a full queue has been taken out, one request for the metadata of
/// a topic is sent, whose answer nobody waits for: one small request for each time that the queue is used up. On T1 from
/// the development broker this made two to three times the throughput; with a queue of 1 MiB and batches half as large,
/// which one call takes out at once, sixteen times.
struct FetchWaker {
    /// Whether this librdkafka sleeps.
    private let isNeeded = LibraryVersion.current < .fetchBackoffSettable
    /// Payload bytes with which the queue may have been full.
    private let fullBytes: Int
    /// The most messages seen waiting since the last wake-up.
    private var highest = 0

    /// - Parameter queueBytes: payload with which librdkafka takes its queue for full.
    init(queueBytes: Int) {
        // The mean size of messages is only roughly that of those in the queue.
        fullBytes = queueBytes / 2
    }

    /// Looks at the queue after `taken` messages, of `meanBytes` each, were taken out of it.
    mutating func look(at client: ClientHandle, topic: OpaquePointer?, taken: Int, meanBytes: Int) {
        guard isNeeded, let topic = unsafe topic else { return }
        let queued = unsafe rd_kafka_queue_length(client.queue!)
        highest = max(highest, queued + taken)
        let wasFull = highest * meanBytes >= fullBytes || highest >= KafkaLimits.queuedMessagesMin
        guard wasFull, queued < highest / 2 else { return }
        highest = queued
        var metadata: UnsafePointer<rd_kafka_metadata>?
        // Without a wait: the request is under way.
        if unsafe rd_kafka_metadata(client.pointer, 0, topic, &metadata, 0) == RD_KAFKA_RESP_ERR_NO_ERROR {
            unsafe rd_kafka_metadata_destroy(metadata)
        }
    }
}
