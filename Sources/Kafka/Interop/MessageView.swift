internal import CRdKafka
internal import Glibc

/// A message as it lies in librdkafka's memory, valid only inside the body it is handed to: copy what you need.
@safe public struct MessageView: ~Copyable {
    /// A small number for the partition, the same for the consumer's life; see `Consumer.partition(ofSlot:)`.
    public let slot: Int
    /// A small number for the topic, the same for the consumer's life; see `Consumer.topic(ofIndex:)`.
    public let topicIndex: Int
    /// The partition's number.
    public let partition: Int32
    /// The message's offset.
    public let offset: Int64
    /// Where the consumer stood in the partition before it took this message: the offset it was told to begin at, or the
    /// one behind the message before. Less than `offset` where the log has a gap (markers, compaction).
    public let position: Int64
    /// The value; nil for a tombstone, empty for an empty value.
    public let payload: UnsafeRawBufferPointer?
    /// The key; nil if there is none.
    public let key: UnsafeRawBufferPointer?
    private let message: UnsafeMutablePointer<rd_kafka_message_t>

    init(_ message: UnsafeMutablePointer<rd_kafka_message_t>, slot: Int, topicIndex: Int, position: Int64) {
        self.slot = slot
        self.position = position
        self.topicIndex = topicIndex
        unsafe self.message = unsafe message
        partition = unsafe message.pointee.partition
        offset = unsafe message.pointee.offset
        unsafe payload = unsafe message.pointee.payload.map {
            unsafe UnsafeRawBufferPointer(start: $0, count: message.pointee.len)
        }
        unsafe key = unsafe message.pointee.key.map {
            unsafe UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len)
        }
    }

    /// Milliseconds since 1970 as the producer or the broker stamped it, or nil if the message has no timestamp.
    public var timestamp: Int64? {
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let time = unsafe rd_kafka_message_timestamp(message, &kind)
        return kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : time
    }

    /// The name of its topic.
    public var topic: UnsafeRawBufferPointer? {
        guard let name = unsafe rd_kafka_topic_name(message.pointee.rkt) else { return nil }
        return unsafe UnsafeRawBufferPointer(start: name, count: strlen(name))
    }

    /// The value of the last header of this name; nil if there is none, or if it has no value.
    public func header(_ name: String) -> UnsafeRawBufferPointer? {
        var headers: OpaquePointer?
        guard unsafe rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        var value: UnsafeRawPointer?
        var length = 0
        let answer = unsafe rd_kafka_header_get_last(headers, name, &value, &length)
        guard answer == RD_KAFKA_RESP_ERR_NO_ERROR, let start = unsafe value else { return nil }
        return unsafe UnsafeRawBufferPointer(start: start, count: length)
    }

    /// Bytes of the value; 0 for a tombstone.
    public var payloadBytes: Int { unsafe payload?.count ?? 0 }
}
