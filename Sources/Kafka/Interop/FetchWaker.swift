internal import CRdKafka

/// Gets librdkafka's threads to fetch again after the queue was full.
///
/// A broker thread that finds the queue full sleeps for up to a second, however soon the queue is empty
/// (`rd_kafka_max_block_ms`, librdkafka issue 2879); 2.2.0 brought `fetch.queue.backoff.ms` against it. In older versions
/// any request wakes the thread it is for. So when most of what was queued has been taken out, one request for the
/// metadata of a topic is sent, whose answer nobody waits for: one small request each time the queue is used up. On T1
/// from the development broker this made two to three times the throughput.
struct FetchWaker {
    /// Queued bytes below which the queue was not full by any setting that makes sense.
    private static let bytesMin = 512 << 10
    private static let pause = Duration.milliseconds(10)

    /// Whether this librdkafka sleeps.
    private let isNeeded = LibraryVersion.current < .fetchBackoffSettable
    /// The most messages seen waiting since the last wake-up.
    private var highest = 0
    private var lastWake = ContinuousClock.now

    /// Looks at the queue after messages, of `meanBytes` each, were taken out of it.
    mutating func look(at client: ClientHandle, topic: OpaquePointer?, meanBytes: Int) {
        guard isNeeded, let topic = unsafe topic else { return }
        let queued = unsafe rd_kafka_queue_length(client.queue!)
        if queued > highest { highest = queued }
        guard highest * meanBytes >= Self.bytesMin, queued < highest / 2, .now - lastWake >= Self.pause else { return }
        highest = queued
        lastWake = .now
        var metadata: UnsafePointer<rd_kafka_metadata>?
        // The wait ends at once or after a millisecond; either way the request is under way.
        if unsafe rd_kafka_metadata(client.pointer, 0, topic, &metadata, 1) == RD_KAFKA_RESP_ERR_NO_ERROR {
            unsafe rd_kafka_metadata_destroy(metadata)
        }
    }
}
