internal import CRdKafka

/// Room for the message pointers one call of librdkafka's batch function returns.
@safe struct MessageBatch: ~Copyable {
    private let messages: UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>

    init(capacity: Int) {
        unsafe messages = .allocate(capacity: capacity)
        unsafe messages.initialize(repeating: nil)
    }

    deinit { unsafe messages.deallocate() }

    var capacity: Int { unsafe messages.count }

    /// Takes up to `count` messages and error messages; callbacks run inside. Blocks until all have come or `timeout`.
    func receive(_ count: Int, from queue: OpaquePointer, timeout: Duration) -> Int {
        let wanted = min(count, capacity)
        guard wanted > 0 else { return 0 }
        let received = unsafe rd_kafka_consume_batch_queue(
            queue, timeout.milliseconds, messages.baseAddress, wanted)
        return max(0, received)
    }

    /// Message `index`; given back to librdkafka by `destroy`.
    subscript(index: Int) -> UnsafeMutablePointer<rd_kafka_message_t> { unsafe messages[index]! }

    /// Gives message `index` back. One message kept would pin its whole decompressed fetch.
    func destroy(_ index: Int) {
        unsafe rd_kafka_message_destroy(messages[index])
        unsafe messages[index] = nil
    }
}
